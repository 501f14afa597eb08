import Imaging
import Layers
import Networks
import Torch

/// pGAN (Dar et al. 2019): pix2pix with a perceptual term beside L1, for a generator without skips.
///
/// Weights 100, 100 and 1 for L1, perceptual and adversarial term, least-squares GAN, the 70 x 70 PatchGAN with instance
/// norm, Adam with betas (0.5, 0.999). Losses and discriminator take intensities on [-1, 1]. The original compares the
/// features of a batch's first sample alone; here all are compared.
public final class PGAN: OnePassMethod, Framework {
  public static let name = "pgan"

  public struct Options: PatchGANOptions {
    /// Weight of the mean absolute error.
    public var weightL1 = 100.0
    /// Weight of the distance of VGG16's features.
    public var weightPerceptual = 100.0
    /// Weight of the adversarial term; 0 trains without a discriminator step.
    public var weightAdversarial = 1.0
    /// A safetensors file with torchvision's VGG16; without one there is no perceptual term.
    public var vgg = ""
    public var discriminator = PatchGANVariant.isola
    /// Channels of the discriminator's first layer.
    public var discriminatorWidth = 64
    /// Whether the published generator's dropout stays on when images are made, as in the original; by default it is off.
    public var dropoutAtTest = false
    public init() {}

    /// Whether training needs VGG16.
    public var isPerceptual: Bool { !vgg.isEmpty && weightPerceptual > 0 }

    public var refusal: String? {
      refusal(ofWeights: [
        ("weightL1", weightL1), ("weightPerceptual", weightPerceptual),
        ("weightAdversarial", weightAdversarial),
      ]) ?? widthRefusal
    }
  }

  public let network: any Layer
  private let training: AdversarialTraining<PatchGAN>
  public let options: Options
  /// What only training needs.
  private var features: PerceptualFeatures?

  /// - Parameters:
  ///   - generator: from [0, 1] to [0, 1].
  ///   - dimensions: 2 for slices, 3 for volumes.
  public init(
    generator: any Layer, _ store: Parameters, sources: Int, options: Options = Options(),
    rate: Double = 1e-4, dimensions: Int = 2
  ) {
    (network, self.options) = (generator, options)
    training = options.training(store, rate: rate, channels: sources + 1, dimensions: dimensions)
  }

  public var generator: TrainedNetwork { training.generator }
  public var networks: [TrainedNetwork] { training.networks }

  public var losses: [String] {
    (options.weightAdversarial > 0 ? ["discriminator"] : []) + ["l1"]
      + (options.isPerceptual ? ["perceptual"] : [])
      + (options.weightAdversarial > 0 ? ["adversarial"] : [])
  }

  /// - Throws: `.notFound` and `.invalidModel` for the file of VGG16.
  public func prepare() throws {
    guard options.isPerceptual, features == nil else { return }
    let store = generator.parameters
    features = try PerceptualFeatures(file: options.vgg, device: store.device, type: store.type)
  }

  /// Forward of G; D on real and detached fake; D frozen, then G.
  public func train(on batch: Batch, random: RandomStream) -> [PendingLoss] {
    precondition(features != nil || !options.isPerceptual, "prepare comes before the first step")
    training.begin(random)
    let (sources, target) = (batch.sources.signed, batch.target.signed)
    let fake = network(batch.sources).signed
    var losses: [PendingLoss] = []
    if options.weightAdversarial > 0 {
      losses.append(
        training.learn {
          training.leastSquares(sources, made: fake, real: target) * (0.5 * options.weightAdversarial)
        })
    }

    var total = Tensor.zeros([], type: fake.type, device: fake.device)
    func add(_ name: String, _ weight: Double, _ loss: Tensor) {
      total = total + loss * weight
      losses.append(PendingLoss(name, loss))
    }
    add("l1", options.weightL1, fake.meanAbsoluteError(target))
    if let features {
      let wanted = withoutGradient { features(target) }
      add("perceptual", options.weightPerceptual, features(fake).meanAbsoluteError(wanted))
    }
    if options.weightAdversarial > 0 {
      add("adversarial", options.weightAdversarial, training.judged(sources, fake).leastSquares(1))
    }
    training.improve(total)
    return losses
  }
}

extension PGAN.Options {
  public var title: String { isPerceptual ? "pGAN" : "pGAN without VGG" }
  public var dimensions: ClosedRange<Int> { 2...3 }

  public func ownGenerator(_ task: SynthesisTask) -> GeneratorKind { .resNet9(dropsAtTest: dropoutAtTest) }

  public func demands(_ generator: GeneratorKind) -> [Demand] {
    let file = Demand.file(vgg) { _ = try PerceptualFeatures(file: $0) }
    return (isPerceptual ? [file] : []) + generator.demands + discriminator.demands(weight: weightAdversarial)
  }

  public func fitted(to extent: Extent, width: Int) -> Self { fitted(\.discriminatorWidth, width) }

  public func make(_ task: SynthesisTask, _ generator: GeneratorKind) -> any Method {
    let store = task.store()
    return PGAN(
      generator: generator.plain(store.root, shape(task), task.network), store, sources: task.inputs,
      options: self, rate: task.rate, dimensions: task.dimensions)
  }

  public static var tiny: Self { Self().changed { $0.discriminatorWidth = 4 } }
}

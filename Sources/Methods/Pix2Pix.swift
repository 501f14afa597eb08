import Imaging
import Layers
import Networks
import Torch

/// pix2pix (Isola et al. 2017): a generator trained by L1 and by a conditional patch discriminator.
///
/// As the paper uses it ("pixel2pixel", §4.1.2), with the original's L1 weight of 100 where the paper is silent:
/// least-squares GAN, Adam 1e-4 with betas (0.5, 0.999) for both networks, the discriminator sees sources and target
/// together. With its published generator, intensities are on [-1, 1] for both networks, as in the original.
public final class Pix2Pix: OnePassMethod, Framework {
  public static let name = "pix2pix"

  public struct Options: PatchGANOptions {
    /// Weight of the mean absolute error beside the adversarial term.
    public var weightL1 = 100.0
    /// Weight of the adversarial term; 0 trains by L1 alone, without a discriminator step.
    public var weightAdversarial = 1.0
    public var discriminator = PatchGANVariant.codebrain
    /// Channels of the discriminator's first layer.
    public var discriminatorWidth = 64
    /// Halvings of the published generator.
    public var levels = 8
    /// Whether the published generator may train on slices that are no multiples of 2^levels, with zeros around them.
    public var padding = false
    public init() {}

    public var refusal: String? {
      refusal(ofWeights: [("weightL1", weightL1), ("weightAdversarial", weightAdversarial)])
        ?? widthRefusal ?? refusal(ofLevels: levels)
    }
  }

  public let network: any Layer
  private let isSigned: Bool
  private let training: AdversarialTraining<PatchGAN>
  public let options: Options

  /// - Parameters:
  ///   - generator: from [0, 1] to [0, 1].
  ///   - signed: whether losses and discriminator take intensities on [-1, 1].
  ///   - dimensions: 2 for slices, 3 for volumes.
  public init(
    generator: any Layer, _ store: Parameters, sources: Int, signed: Bool = false,
    options: Options = Options(), rate: Double = 1e-4, dimensions: Int = 2
  ) {
    (network, isSigned, self.options) = (generator, signed, options)
    training = options.training(store, rate: rate, channels: sources + 1, dimensions: dimensions)
  }

  public var generator: TrainedNetwork { training.generator }
  public var networks: [TrainedNetwork] { training.networks }

  public var losses: [String] {
    options.weightAdversarial > 0 ? ["discriminator", "l1", "adversarial"] : ["l1"]
  }

  /// Forward of G; D on real and detached fake; D frozen, then G, in this order as in the original.
  public func train(on batch: Batch, random: RandomStream) -> [PendingLoss] {
    training.begin(random)
    let (sources, target) = (scaled(batch.sources), scaled(batch.target))
    let fake = scaled(network(batch.sources))
    let distance = fake.meanAbsoluteError(target)
    guard options.weightAdversarial > 0 else {
      training.improve(distance)
      return [PendingLoss("l1", distance)]
    }
    let discriminator = training.learn {
      training.leastSquares(sources, made: fake, real: target) * 0.5
    }
    let adversarial = training.judged(sources, fake).leastSquares(1)
    training.improve(distance * options.weightL1 + adversarial * options.weightAdversarial)
    return [discriminator, PendingLoss("l1", distance), PendingLoss("adversarial", adversarial)]
  }

  private func scaled(_ x: Tensor) -> Tensor { isSigned ? x.signed : x }
}

extension Pix2Pix.Options {
  public var title: String { "pix2pix" }
  public var network: String? { "agi-net" }
  public var dimensions: ClosedRange<Int> { 2...3 }
  public var pads: Bool? { padding }

  public func ownGenerator(_ task: SynthesisTask) -> GeneratorKind {
    .pix2pixUnet(levels: levels, option: "levels")
  }

  /// Eight levels are made for 256 x 256; patches are smaller.
  public func fitted(to extent: Extent, width: Int) -> Self {
    let options = fitted(\.discriminatorWidth, width)
    guard extent.dimensions == 3 else { return options }
    return options.fitted(\.padding, true).fitted(\.levels, min(levels, extent.levels))
  }

  public func make(_ task: SynthesisTask, _ generator: GeneratorKind) -> any Method {
    let store = task.store()
    return Pix2Pix(
      generator: generator.plain(store.root, shape(task), task.network), store, sources: task.inputs,
      signed: generator.isSigned, options: self, rate: task.rate, dimensions: task.dimensions)
  }

  public static var tiny: Self { Self().changed { ($0.discriminatorWidth, $0.levels) = (4, 5) } }
}

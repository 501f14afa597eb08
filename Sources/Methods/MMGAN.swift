import Imaging
import Layers
import Networks
import Torch

/// mmGAN (Sharma and Hamarneh 2020): the generator takes all modalities, the missing one as zeros, and gives all; the
/// discriminator judges every modality by itself, beside the complete real ones.
///
/// Implicit conditioning: what is there replaces what the generator made of it, so losses are those of the missing modality
/// alone. Here that is always the target, as the paper's scenarios are fixed; the curriculum over scenarios that the
/// original trains a single model with has no place. Least-squares GAN, weights 0.9 and 0.1, Adam with betas (0.5, 0.999).
public final class MMGAN: Method, Framework {
  public static let name = "mmgan"

  public struct Options: PatchGANOptions {
    /// Weight of the mean absolute error beside the adversarial term.
    public var weightL1 = 0.9
    /// Weight of the adversarial term; 0 trains by L1 alone, without a discriminator step.
    public var weightAdversarial = 0.1
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

  private let network: any Layer
  private let sources: Int
  private let training: AdversarialTraining<PatchGAN>
  public let options: Options

  /// - Parameters:
  ///   - generator: `[B, M, spatial…]` to `[B, M, spatial…]`; M - 1 sources and, last, the target.
  ///   - dimensions: 2 for slices, 3 for volumes.
  public init(
    generator: any Layer, _ store: Parameters, sources: Int, options: Options = Options(),
    rate: Double = 1e-4, dimensions: Int = 2
  ) {
    (network, self.sources, self.options) = (generator, sources, options)
    training = options.training(
      store, rate: rate, channels: 2 * (sources + 1), outputs: sources + 1, dimensions: dimensions)
  }

  public var generator: TrainedNetwork { training.generator }
  public var networks: [TrainedNetwork] { training.networks }

  public var losses: [String] {
    options.weightAdversarial > 0 ? ["discriminator", "l1", "adversarial"] : ["l1"]
  }

  /// G against the frozen D; then D on the real modalities and on those with the image that G was improved by.
  public func train(on batch: Batch, random: RandomStream) -> [PendingLoss] {
    training.begin(random)
    let image = synthesize(batch.sources)
    let distance = image.meanAbsoluteError(batch.target)
    guard options.weightAdversarial > 0 else {
      training.improve(distance)
      return [PendingLoss("l1", distance)]
    }
    let real = Tensor.concatenated([batch.sources, batch.target], axis: 1)
    let imputed = Tensor.concatenated([batch.sources, image], axis: 1)
    let adversarial = training.judged(imputed, real).leastSquares(1)
    training.improve(distance * options.weightL1 + adversarial * options.weightAdversarial)
    let discriminator = training.learn {
      let made = training.judged(imputed.detached, real)
      return ((made - available(made)).squared().mean() + training.judged(real, real).leastSquares(1)) * 0.5
    }
    return [discriminator, PendingLoss("l1", distance), PendingLoss("adversarial", adversarial)]
  }

  /// What the scores of an imputed stack should be, `[1, M, 1, …]`: 1 for the sources, 0 for the target.
  private func available(_ scores: Tensor) -> Tensor {
    let one = Tensor.ones([1, sources], type: scores.type, device: scores.device)
    let zero = Tensor.zeros([1, 1], type: scores.type, device: scores.device)
    return .concatenated([one, zero], axis: 1).aligned(with: scores)
  }

  public func synthesize(_ sources: Tensor, present: Tensor?, passed: Passed) rethrows -> Tensor {
    let missing = Tensor.zeros(
      [sources.size(0), 1] + sources.shape.dropFirst(2), type: sources.type, device: sources.device)
    let all = network(.concatenated([sources, missing], axis: 1))
    try passed(1, 1)
    return all.narrowed(1, from: self.sources, length: 1)
  }
}

extension MMGAN.Options {
  public var title: String { "mmGAN" }
  public var dimensions: ClosedRange<Int> { 2...3 }
  public var pads: Bool? { padding }
  public var discriminator: PatchGANVariant { .codebrain }

  public func ownGenerator(_ task: SynthesisTask) -> GeneratorKind {
    .mmganUnet(levels: levels, option: "levels")
  }

  public func shape(_ task: SynthesisTask) -> GeneratorShape {
    GeneratorShape(task.inputs + 1, task.inputs + 1, dimensions: task.dimensions)
  }

  public func channels(
    _ scenario: Scenario, depth: Int
  ) -> (taken: [ContrastChannel], given: [ContrastChannel]) {
    let all = ContrastChannel.all(scenario.sources, depth: depth) + ContrastChannel.all(scenario.made)
    return (all, all)
  }

  /// Eight levels are made for 256 x 256: smaller images are halved as often as they have room for, and padded.
  public func fitted(to extent: Extent, width: Int) -> Self {
    fitted(\.discriminatorWidth, width).fitted(\.padding, true).fitted(\.levels, min(levels, extent.levels))
  }

  public func make(_ task: SynthesisTask, _ generator: GeneratorKind) -> any Method {
    let store = task.store()
    return MMGAN(
      generator: generator.plain(store.root, shape(task), task.network), store, sources: task.inputs,
      options: self, rate: task.rate, dimensions: task.dimensions)
  }

  public static var tiny: Self { Self().changed { ($0.discriminatorWidth, $0.levels) = (4, 5) } }
}

import Layers
import Networks
import Torch

/// What DDPM and improved DDPM share: a target that is noised, sources that are shown clean beside it, and the way back.
///
/// Intensities are in [-1, 1] here, sources too.
public final class ConditionalDiffusion {
  let network: AveragedNetwork, schedule: NoiseSchedule
  let target: DenoisingTarget
  private let variance: ReverseVariance
  let sampling: Sampling

  /// - Parameter variance: where the network gives none of its own.
  init(
    _ store: Parameters, _ options: some DiffusionOptions, rate: Double, weightDecay: Double = 0,
    variance: ReverseVariance = .large, build: @escaping (Parameters) -> any TimedNetwork
  ) {
    network = AveragedNetwork(
      store, rate: rate, decay: options.averageDecay, weightDecay: weightDecay, build: build)
    (schedule, target, self.variance) = (options.betas(options.steps), options.target, variance)
    sampling = Sampling(
      options.sampling, validation: .init(sampler: .ddim, steps: options.validationSteps),
      processSteps: options.steps)
  }

  /// What a training step compares.
  struct Noised {
    let image: Tensor, noise: Tensor, noised: Tensor
    let steps: [Int]
    /// What the network should say.
    let answer: Tensor
    /// x_t and the sources, as the network sees them.
    let input: Tensor
    let times: Tensor
  }

  /// A batch, each sample at a step of its own. What the network drops is drawn from the same stream.
  func noised(_ batch: Batch, from random: RandomStream) -> Noised {
    network.begin(random)
    let steps = random.integers(below: schedule.count, count: batch.target.size(0))
    return noised(batch, with: random.normal(like: batch.target), at: steps)
  }

  func noised(_ batch: Batch, with noise: Tensor, at steps: [Int]) -> Noised {
    let image = batch.target.signed
    let noised = schedule.noised(image, with: noise, at: steps)
    return Noised(
      image: image, noise: noise, noised: noised, steps: steps,
      answer: schedule.answer(target, image: image, noise: noise, at: steps),
      input: .concatenated([noised, batch.sources.signed], axis: 1),
      times: schedule.times(at: steps, like: image))
  }

  /// `[B, S, spatial…]` to `[B, 1, spatial…]`, both in [0, 1].
  func synthesize(_ sources: Tensor, passed: (Int, Int) throws -> Void) rethrows -> Tensor {
    let condition = sources.signed
    let reverse = ReverseProcess(schedule, sampling.options, variance: variance, target: target)
    return try reverse(like: sources.narrowed(1, from: 0, length: 1), passed: passed) { x, times in
      NoisePrediction(network(.concatenated([x, condition], axis: 1), at: times))
    }.unsigned
  }
}

/// A method that is a diffusion, and differs from others in what its network learns.
public protocol DiffusionMethod: Method {
  var diffusion: ConditionalDiffusion { get }
}

extension DiffusionMethod {
  public var generator: TrainedNetwork { diffusion.network.generator }
  public var networks: [TrainedNetwork] { diffusion.network.networks }
  public var sampling: Sampling? { diffusion.sampling }

  public func synthesize(_ sources: Tensor, present: Tensor?, passed: (Int, Int) throws -> Void) rethrows
    -> Tensor
  {
    try diffusion.synthesize(sources, passed: passed)
  }
}

extension NoisePrediction {
  /// Of a network's output: the noise in the first channel, the range in the second where there is one.
  init(_ output: Tensor) {
    self.init(
      noise: output.narrowed(1, from: 0, length: 1),
      range: output.size(1) > 1 ? output.narrowed(1, from: 1, length: 1) : nil)
  }
}

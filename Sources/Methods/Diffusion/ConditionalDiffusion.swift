import Layers
import Networks
import Torch

/// What DDPM and improved DDPM share: a target that is noised, sources that are shown clean beside it, the way back, and a
/// network that is trained with the moving average of it that makes the images.
///
/// Intensities are in [-1, 1] here, sources too. The average is what a model file holds and is called the generator; the
/// network that trains it is `online`, made when training first asks for it.
public final class ConditionalDiffusion {
  let schedule: NoiseSchedule, target: DenoisingTarget, sampling: Sampling
  private let variance: ReverseVariance
  private let store: Parameters
  /// Makes the images.
  let averaged: any TimedNetwork
  private let makeOnline: () -> Online

  private struct Online {
    let network: any TimedNetwork
    let optimizer: Adam, average: MovingAverage
  }

  private lazy var online = makeOnline()

  /// - Parameters:
  ///   - store: where the average is built.
  ///   - weightDecay: of the optimiser.
  ///   - variance: where the network gives none of its own.
  init(
    _ store: Parameters, _ options: some DiffusionOptions, rate: Double, weightDecay: Double = 0,
    variance: ReverseVariance = .large, build: @escaping (Parameters) -> any TimedNetwork
  ) {
    (self.store, averaged) = (store, build(store))
    // Nothing is learned here: dropout never drops.
    store.beginEvaluating()
    store.freeze()
    makeOnline = {
      let trained = Parameters(seed: store.seed, device: store.device, type: store.type)
      let network = build(trained)
      return Online(
        network: network, optimizer: Adam(trained, rate: rate, decay: weightDecay),
        average: MovingAverage(store, of: trained, decay: options.averageDecay))
    }
    (schedule, target, self.variance) = (options.betas(options.steps), options.target, variance)
    sampling = Sampling(
      options.sampling, validation: .init(sampler: .ddim, steps: options.validationSteps),
      processSteps: options.steps)
  }

  var generator: TrainedNetwork { TrainedNetwork("generator", store) }

  var networks: [TrainedNetwork] {
    [generator, TrainedNetwork("online", online.optimizer.parameters, online.optimizer)]
  }

  /// What the network in training says.
  func trained(_ noised: Noised) -> Tensor { online.network(noised.input, at: noised.times) }

  /// The way back, as images are drawn now.
  var reverse: ReverseProcess {
    ReverseProcess(schedule, sampling.options, variance: variance, target: target)
  }

  /// One step down `loss`; the average follows.
  func improve(_ loss: Tensor) {
    loss.backward()
    online.optimizer.step()
    online.average.follow(step: online.optimizer.steps)
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
    online.optimizer.parameters.random = random
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
}

/// A method that is a diffusion, and differs from others in what its network learns.
public protocol DiffusionMethod: Method {
  var diffusion: ConditionalDiffusion { get }
}

extension DiffusionMethod {
  public var generator: TrainedNetwork { diffusion.generator }
  public var networks: [TrainedNetwork] { diffusion.networks }
  public var sampling: Sampling? { diffusion.sampling }

  public func synthesize(_ sources: Tensor, present: Tensor?, passed: Passed) rethrows -> Tensor {
    let condition = sources.signed
    return try diffusion.reverse(like: sources.narrowed(1, from: 0, length: 1), passed: passed) { x, times in
      NoisePrediction(diffusion.averaged(.concatenated([x, condition], axis: 1), at: times))
    }.unsigned
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

import Layers
import Networks
import Torch

/// A network that is trained, and the moving average of it that makes the images.
///
/// The average is what a model file holds and is called the generator; the network that trains it is `online`, made when
/// training first asks for it.
final class AveragedNetwork {
  private let store: Parameters, averaged: any TimedNetwork
  private let build: (Parameters) -> any TimedNetwork
  private let rate: Double, decay: Double, weightDecay: Double

  private struct Online {
    let network: any TimedNetwork
    let optimizer: Adam, average: MovingAverage
  }

  private lazy var online: Online = {
    let trained = Parameters(seed: store.seed, device: store.device, type: store.type)
    let network = build(trained)
    return Online(
      network: network, optimizer: Adam(trained, rate: rate, decay: weightDecay),
      average: MovingAverage(store, of: trained, decay: decay))
  }()

  /// - Parameters:
  ///   - store: where the average is built.
  ///   - decay: of the average.
  ///   - weightDecay: of the optimiser.
  init(
    _ store: Parameters, rate: Double, decay: Double, weightDecay: Double,
    build: @escaping (Parameters) -> any TimedNetwork
  ) {
    averaged = build(store)
    // Nothing is learned here: dropout never drops.
    store.beginEvaluating()
    store.freeze()
    (self.store, self.build) = (store, build)
    (self.rate, self.decay, self.weightDecay) = (rate, decay, weightDecay)
  }

  var generator: TrainedNetwork { TrainedNetwork("generator", store) }

  var networks: [TrainedNetwork] {
    [generator, TrainedNetwork("online", online.optimizer.parameters, online.optimizer)]
  }

  /// What the average says.
  func callAsFunction(_ x: Tensor, at times: Tensor) -> Tensor { averaged(x, at: times) }

  /// What the network in training says.
  func trained(_ x: Tensor, at times: Tensor) -> Tensor { online.network(x, at: times) }

  /// To be called first in a step: what its chance is drawn from.
  func begin(_ random: RandomStream) { online.optimizer.parameters.random = random }

  /// One step down `loss`; the average follows.
  func improve(_ loss: Tensor) {
    loss.backward()
    online.optimizer.step()
    online.average.follow(step: online.optimizer.steps)
  }
}

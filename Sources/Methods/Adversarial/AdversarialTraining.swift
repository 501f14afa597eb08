import Layers
import Torch

/// What adversarial frameworks share: the generator's store with its optimiser, and the discriminator. Both are made when
/// training first asks for them.
final class AdversarialTraining<Discriminator> {
  private let store: Parameters
  private let rate: Double, judgingRate: Double, betas: (Double, Double)
  private let discriminator: (Scope) -> Discriminator

  private lazy var optimizer = Adam(store, rate: rate, betas: betas)
  private(set) lazy var adversary = Adversary(store, rate: judgingRate, betas: betas, discriminator)

  /// - Parameters:
  ///   - store: the generator's.
  ///   - judgingRate: the discriminator's learning rate as a share of the generator's.
  ///   - betas: of both optimisers.
  ///   - discriminator: makes the network that judges.
  init(
    _ store: Parameters, rate: Double, judgingRate: Double = 1, betas: (Double, Double) = (0.5, 0.999),
    _ discriminator: @escaping (Scope) -> Discriminator
  ) {
    (self.store, self.rate, self.judgingRate) = (store, rate, rate * judgingRate)
    (self.betas, self.discriminator) = (betas, discriminator)
  }

  var generator: TrainedNetwork { TrainedNetwork("generator", store) }

  var networks: [TrainedNetwork] { [TrainedNetwork("generator", store, optimizer), adversary.network] }

  /// To be called first in a step: what its chance is drawn from.
  func begin(_ random: RandomStream) { store.random = random }

  /// One step of the generator down `loss`.
  func improve(_ loss: Tensor) {
    loss.backward()
    optimizer.step()
  }
}

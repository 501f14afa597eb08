import Layers
import Networks
import Torch

/// What adversarial frameworks share: the generator's store with its optimiser, and the discriminator with its own. Both
/// optimisers, and the discriminator, are made when training first asks for them.
///
/// But for its own steps the discriminator is frozen: it passes the gradient of its judgement on and keeps none for itself.
final class AdversarialTraining<Discriminator> {
  private let store: Parameters
  private let rate: Double, judgingRate: Double, betas: (Double, Double)
  private let build: (Scope) -> Discriminator

  private lazy var optimizer = Adam(store, rate: rate, betas: betas)
  private lazy var judge: (network: Discriminator, optimizer: Adam) = {
    let parameters = Parameters(seed: store.seed &+ 1, device: store.device, type: store.type)
    let network = build(parameters.root)
    let optimizer = Adam(parameters, rate: judgingRate, betas: betas)
    parameters.freeze()
    return (network, optimizer)
  }()

  /// - Parameters:
  ///   - judgingRate: the discriminator's learning rate as a share of the generator's.
  ///   - betas: of both optimisers.
  init(
    _ store: Parameters, rate: Double, judgingRate: Double = 1, betas: (Double, Double) = (0.5, 0.999),
    _ discriminator: @escaping (Scope) -> Discriminator
  ) {
    (self.store, self.rate, self.judgingRate) = (store, rate, rate * judgingRate)
    (self.betas, build) = (betas, discriminator)
  }

  var generator: TrainedNetwork { TrainedNetwork("generator", store) }

  var networks: [TrainedNetwork] {
    [
      TrainedNetwork("generator", store, optimizer),
      TrainedNetwork("discriminator", judge.optimizer.parameters, judge.optimizer),
    ]
  }

  var discriminator: Discriminator { judge.network }

  /// The discriminator's steps so far.
  var judgingSteps: Int { judge.optimizer.steps }

  /// To be called first in a step: what its chance is drawn from.
  func begin(_ random: RandomStream) { store.random = random }

  /// One step of the generator down `loss`.
  func improve(_ loss: Tensor) {
    loss.backward()
    optimizer.step()
  }

  /// The discriminator's gradients of the loss that `judge` computes, which must not reach the generator, and the loss.
  func differentiate(_ judge: () -> Tensor) -> PendingLoss {
    let parameters = self.judge.optimizer.parameters
    parameters.freeze(false)
    defer { parameters.freeze() }
    let loss = judge()
    loss.backward()
    return PendingLoss("discriminator", loss)
  }

  /// One step of the discriminator down the loss that `judge` computes.
  func learn(_ judge: () -> Tensor) -> PendingLoss {
    let loss = differentiate(judge)
    self.judge.optimizer.step()
    return loss
  }
}

extension AdversarialTraining where Discriminator: Layer {
  /// What the discriminator says of an image.
  func judged(_ x: Tensor) -> Tensor { LibTorch.autocasting(on: x.device) { discriminator(x) } }

  /// What it says of `image` seen beside what it belongs to.
  func judged(_ condition: Tensor, _ image: Tensor) -> Tensor {
    judged(.concatenated([condition, image], axis: 1))
  }

  /// The least-squares loss of its judgement, which should be 0 of a made image and 1 of a real one.
  func leastSquares(_ condition: Tensor, made: Tensor, real: Tensor) -> Tensor {
    judged(condition, made.detached).leastSquares(0) + judged(condition, real).leastSquares(1)
  }
}

extension Tensor {
  /// The least-squares GAN's loss of scores that should be `wanted` (Mao et al. 2017).
  func leastSquares(_ wanted: Double) -> Tensor { (self - wanted).squared().mean() }

  /// The original GAN's loss of logits that should say 0 or 1 (Goodfellow et al. 2014).
  func crossEntropy(_ wanted: Double) -> Tensor {
    crossEntropyWithLogits(.full(wanted, shape, type: type, device: device))
  }
}

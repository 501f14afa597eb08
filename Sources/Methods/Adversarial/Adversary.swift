import Layers
import Networks
import Torch

/// A discriminator with its optimiser, as adversarial frameworks train one.
///
/// But for its own steps it is frozen: it passes the gradient of its judgement on and keeps none for itself.
final class Adversary<Discriminator> {
  let discriminator: Discriminator
  private let parameters: Parameters
  private let optimizer: Adam

  /// - Parameters:
  ///   - generator: gives seed, device and element type.
  ///   - discriminator: makes the network that judges.
  init(
    _ generator: Parameters, rate: Double, betas: (Double, Double), _ discriminator: (Scope) -> Discriminator
  ) {
    parameters = Parameters(seed: generator.seed &+ 1, device: generator.device, type: generator.type)
    self.discriminator = discriminator(parameters.root)
    optimizer = Adam(parameters, rate: rate, betas: betas)
    parameters.freeze()
  }

  var network: TrainedNetwork { TrainedNetwork("discriminator", parameters, optimizer) }

  /// Steps taken.
  var steps: Int { optimizer.steps }

  /// The gradients of the loss that `judge` computes, which must not reach the generator, and the loss.
  func differentiate(_ judge: () -> Tensor) -> Double {
    parameters.freeze(false)
    defer { parameters.freeze() }
    let loss = judge()
    loss.backward()
    return loss.item
  }

  /// One step down the loss that `judge` computes.
  func learn(_ judge: () -> Tensor) -> Loss {
    let loss = differentiate(judge)
    optimizer.step()
    return Loss("discriminator", loss)
  }
}

extension Adversary where Discriminator: Layer {
  func callAsFunction(_ x: Tensor) -> Tensor { discriminator(x) }

  /// What it says of `image` seen beside what it belongs to.
  func callAsFunction(_ condition: Tensor, _ image: Tensor) -> Tensor {
    discriminator(.concatenated([condition, image], axis: 1))
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

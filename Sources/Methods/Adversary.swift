import Layers
import Networks
import Torch

/// A discriminator with its optimiser, as adversarial frameworks train one.
///
/// But for its own steps it is frozen: it passes the gradient of its judgement on and keeps none for itself.
final class Adversary {
  private let parameters: Parameters
  private let optimizer: Adam
  private let discriminator: any Layer

  /// - Parameters:
  ///   - generator: gives seed, device and element type.
  ///   - discriminator: makes the network that judges.
  init(
    _ generator: Parameters, rate: Double, betas: (Double, Double) = (0.5, 0.999),
    _ discriminator: (Scope) -> any Layer
  ) {
    parameters = Parameters(seed: generator.seed &+ 1, device: generator.device, type: generator.type)
    self.discriminator = discriminator(parameters.root)
    optimizer = Adam(parameters, rate: rate, betas: betas)
    parameters.freeze()
  }

  /// A patch discriminator, as in the frameworks that descend from pix2pix.
  convenience init(
    _ generator: Parameters, discriminating channels: Int, outputs: Int = 1, width: Int,
    variant: PatchGANVariant, rate: Double
  ) {
    self.init(generator, rate: rate) {
      PatchGAN($0, channels: channels, outputs: outputs, width: width, variant: variant)
    }
  }

  var network: TrainedNetwork { TrainedNetwork("discriminator", parameters, optimizer) }

  func callAsFunction(_ x: Tensor) -> Tensor { discriminator(x) }

  /// What it says of `image` seen beside what it belongs to.
  func callAsFunction(_ condition: Tensor, _ image: Tensor) -> Tensor {
    discriminator(.concatenated([condition, image], axis: 1))
  }

  /// One step down the loss that `judge` computes, which must not reach the generator.
  func learn(_ judge: () -> Tensor) -> Loss {
    parameters.freeze(false)
    let loss = judge()
    loss.backward()
    optimizer.step()
    parameters.freeze()
    return Loss("discriminator", loss.item)
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

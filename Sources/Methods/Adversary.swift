import Layers
import Networks
import Torch

/// A patch discriminator with its optimiser, as the frameworks that descend from pix2pix train one.
final class Adversary {
  let parameters: Parameters
  let optimizer: Adam
  private let discriminator: PatchGAN

  /// - Parameters:
  ///   - generator: gives seed, device and element type.
  ///   - channels: of what is judged.
  init(
    _ generator: Parameters, discriminating channels: Int, outputs: Int = 1, width: Int,
    variant: PatchGANVariant, rate: Double
  ) {
    parameters = Parameters(seed: generator.seed &+ 1, device: generator.device, type: generator.type)
    discriminator = PatchGAN(
      parameters.root, channels: channels, outputs: outputs, width: width, variant: variant)
    optimizer = Adam(parameters, rate: rate, betas: (0.5, 0.999))
  }

  var network: TrainedNetwork { TrainedNetwork("discriminator", parameters, optimizer) }

  func callAsFunction(_ x: Tensor) -> Tensor { discriminator(x) }
}

extension Tensor {
  /// The least-squares GAN's loss of scores that should be `wanted` (Mao et al. 2017).
  func leastSquares(_ wanted: Double) -> Tensor { (self - wanted).squared().mean() }
}

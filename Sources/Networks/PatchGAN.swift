import Files
import Layers
import Torch

/// Which of the two published patch discriminators judges.
public enum PatchGANVariant: String, Choice {
  /// The 70 x 70 PatchGAN of pix2pix with instance norm: three halvings, output 30 x 30 at 256 x 256.
  case isola
  /// The variant of PyTorch-GAN and CodeBrain: four halvings, output 16 x 16 at 256 x 256. The default.
  case codebrain

  /// Rows or columns below which nothing is left for the last layer's kernel.
  public var smallestSide: Int { self == .isola ? 24 : 16 }
}

/// A discriminator that judges overlapping patches: `[B, channels, H, W]` to `[B, outputs, …]` maps of scores, linear.
///
/// Leaky ReLU 0.2, instance norm without affine on all inner layers but the first, so that a batch's size does not
/// matter. Weights start at N(0, 0.02), as in pix2pix.
public struct PatchGAN: Layer {
  private let layers: [Convolution]
  private let variant: PatchGANVariant

  /// - Parameters:
  ///   - channels: sources and target together.
  ///   - outputs: maps of scores; 1 but for mmGAN, which judges every modality by itself.
  ///   - width: channels after the first layer; 64 as published.
  public init(
    _ scope: Scope, channels: Int, outputs: Int = 1, width: Int = 64, variant: PatchGANVariant = .codebrain
  ) {
    let widths = [channels, width, 2 * width, 4 * width, 8 * width]
    let strides = variant == .isola ? [2, 2, 2, 1] : [2, 2, 2, 2]
    let inner = (0..<4).map { layer in
      Convolution(
        scope / "conv\(layer + 1)",
        .init(widths[layer], widths[layer + 1], kernel: 4, stride: strides[layer], padding: 1, bias: true),
        start: .normal(0.02))
    }
    let last = Convolution(
      scope / "conv5", .init(8 * width, outputs, kernel: 4, padding: 1, bias: variant == .isola),
      start: .normal(0.02))
    layers = inner + [last]
    self.variant = variant
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    var x = layers[0](x.channelsLast()).leakyRelu(0.2)
    for layer in layers[1..<4] { x = layer(x).instanceNormalized().leakyRelu(0.2) }
    // An even kernel cannot be centred: one row and column more at the top left keeps the map's size.
    if variant == .codebrain { x = x.padded([1, 0, 1, 0]) }
    return layers[4](x)
  }
}

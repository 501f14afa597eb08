import Files
import Layers
import Torch

/// Which of the two published patch discriminators judges.
public enum PatchGANVariant: String, Choice {
  /// The 70 x 70 PatchGAN of pix2pix with instance norm: three halvings, output 30 x 30 at 256 x 256.
  case isola
  /// The variant of PyTorch-GAN and CodeBrain: four halvings, output 16 x 16 at 256 x 256. The default.
  case codebrain

  /// Strides of the layers, of which the last is 1; all kernels are 4 wide, with one pixel of padding.
  var strides: [Int] { self == .isola ? [2, 2, 2, 1, 1] : [2, 2, 2, 2, 1] }

  /// Rows and columns more that the last layer sees at the top left. An even kernel cannot be centred.
  var margin: Int { self == .isola ? 0 : 1 }

  /// The fewest rows and columns that it can judge: the last layer's kernel finds room, and every map that is normalised
  /// has two rows and two columns. Over one pixel instance norm gives 0 whatever the image, and no gradient.
  public var smallestSide: Int {
    var side = 1
    while !canJudge(side) { side += 1 }
    return side
  }

  private func canJudge(_ side: Int) -> Bool {
    var side = side
    for (layer, stride) in strides.dropLast().enumerated() {
      guard side >= 2 else { return false }
      side = (side - 2) / stride + 1
      if layer > 0 && side < 2 { return false }
    }
    return side + margin >= 2
  }

  /// What images must be for it to judge them, where its judgement has a weight.
  public func demands(weight: Double) -> [Demand] {
    weight > 0 ? [.judgedSide(smallestSide, weight: "weightAdversarial")] : []
  }
}

/// A discriminator that judges overlapping patches: `[B, channels, spatial…]` to `[B, outputs, …]` maps of scores, linear.
///
/// Leaky ReLU 0.2, instance norm without affine on all inner layers but the first, so that a batch's size does not
/// matter. Weights start at N(0, 0.02), as in pix2pix.
public struct PatchGAN: Layer {
  private let layers: [Convolution]
  private let margin: [Int]

  /// - Parameters:
  ///   - channels: sources and target together.
  ///   - outputs: maps of scores; 1 but for mmGAN, which judges every modality by itself.
  ///   - width: channels after the first layer; 64 as published.
  ///   - dimensions: 2 for slices, 3 for volumes, whose kernels have one axis more.
  public init(
    _ scope: Scope, channels: Int, outputs: Int = 1, width: Int = 64, variant: PatchGANVariant = .codebrain,
    dimensions: Int = 2
  ) {
    let widths = [channels, width, 2 * width, 4 * width, 8 * width, outputs]
    layers = variant.strides.enumerated().map { layer, stride in
      let shape = ConvolutionShape(
        widths[layer], widths[layer + 1], kernel: 4, stride: stride, padding: 1,
        bias: layer < 4 || variant == .isola, dimensions: dimensions)
      return Convolution(scope / "conv\(layer + 1)", shape, start: .normal(0.02))
    }
    margin = variant.margin > 0 ? (0..<dimensions).flatMap { _ in [variant.margin, 0] } : []
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    var x = layers[0](x.channelsLast()).leakyRelu(0.2)
    for layer in layers[1..<4] { x = layer(x).instanceNormalized().leakyRelu(0.2) }
    return layers[4](margin.isEmpty ? x : x.padded(margin))
  }
}

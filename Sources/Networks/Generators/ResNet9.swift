import Layers
import Torch

/// pGAN's generator (Dar et al. 2019): two halvings, nine residual blocks, two doublings; `[B, sources, spatial…]`
/// to `[B, targets, spatial…]` in (-1, 1), sides multiples of 4.
///
/// Reflected borders, instance norm without affine, biases, tanh. Weights start at N(0, 0.02), biases at 0.
public struct ResNet9: Layer {
  /// The factor by which the deepest level is smaller.
  public static let multiple = 4

  private let head: Convolution, tail: Convolution
  private let down: [Convolution], up: [TransposedConvolution]
  private let blocks: [Block]

  /// - Parameters:
  ///   - width: channels of the first level; the two others have 2 and 4 times as many. 64 as published.
  ///   - dropout: between the convolutions of every block.
  ///   - dropsAtTest: whether dropout stays on when images are made.
  ///   - dimensions: 2 for slices, 3 for volumes, whose kernels have one axis more.
  public init(
    _ scope: Scope, sources: Int, targets: Int = 1, width: Int = 64, dropout: Double = 0.5,
    dropsAtTest: Bool = false, dimensions: Int = 2
  ) {
    head = convolution(
      scope / "head", .init(sources, width, kernel: 7, padding: 0, bias: true, dimensions: dimensions))
    down = [1, 2].map { level in
      convolution(
        scope / "down\(level)",
        .init(level * width, 2 * level * width, stride: 2, bias: true, dimensions: dimensions))
    }
    blocks = (1...9).map {
      Block(
        scope / "block\($0)", .init(4 * width, 4 * width, padding: 0, bias: true, dimensions: dimensions),
        dropout: dropout, dropsAtTest: dropsAtTest)
    }
    up = [1, 2].map { stage in
      TransposedConvolution(
        scope / "up\(stage)", 4 / stage * width, 2 / stage * width, kernel: 3, padding: 1, outputPadding: 1,
        bias: true, dimensions: dimensions, start: .normal(0.02), biasStart: .zeros)
    }
    tail = convolution(
      scope / "tail", .init(width, targets, kernel: 7, padding: 0, bias: true, dimensions: dimensions))
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    var x = head(reflected(x.channelsLast(), 3)).instanceNormalized().relu()
    for layer in down { x = layer(x).instanceNormalized().relu() }
    for block in blocks { x = block(x) }
    for layer in up { x = layer(x).instanceNormalized().relu() }
    return tail(reflected(x, 3)).tanh()
  }

  /// x + second(dropout(relu(first(x)))), each convolution on a reflected border and followed by instance norm.
  private struct Block: Layer {
    let first: Convolution, second: Convolution
    let dropout: Dropout

    init(_ scope: Scope, _ shape: ConvolutionShape, dropout probability: Double, dropsAtTest: Bool) {
      first = convolution(scope / "first", shape)
      second = convolution(scope / "second", shape)
      dropout = Dropout(scope / "dropout", probability, atTest: dropsAtTest)
    }

    func callAsFunction(_ x: Tensor) -> Tensor {
      let inner = dropout(first(reflected(x, 1)).instanceNormalized().relu())
      return x + second(reflected(inner, 1)).instanceNormalized()
    }
  }
}

/// A convolution that starts as pix2pix's do.
private func convolution(_ scope: Scope, _ shape: ConvolutionShape) -> Convolution {
  Convolution(scope, shape, start: .normal(0.02), biasStart: .zeros)
}

private func reflected(_ x: Tensor, _ margin: Int) -> Tensor {
  x.padded(Array(repeating: margin, count: 2 * (x.rank - 2)), .reflect)
}

extension GeneratorKind {
  /// - Parameter dropsAtTest: whether dropout stays on when images are made.
  public static func resNet9(dropsAtTest: Bool = false) -> GeneratorKind {
    GeneratorKind(
      name: "resnet9", title: "ResNet-9", isSigned: true, dimensions: 2...3,
      // What comes out of the first and of the last convolution but one, before and after the norm.
      firstLevel: FirstLevel(halvings: 0, kept: 4),
      plain: { scope, shape, settings in
        let network = ResNet9(
          scope, sources: shape.inputs, targets: shape.outputs, width: settings.width,
          dropsAtTest: dropsAtTest, dimensions: shape.dimensions)
        return Fitted(SignedScale(network), multiple: ResNet9.multiple)
      })
  }
}

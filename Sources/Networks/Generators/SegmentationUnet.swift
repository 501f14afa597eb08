import Layers
import Torch

/// The U-Net that segments (Ronneberger et al. 2015, in the form of Isensee et al. 2021): `[B, inputs, spatial…]` to
/// `[B, outputs, spatial…]`, linear, one map of logits for each region; sides multiples of 2^(levels - 1).
///
/// Every level has two convolutions of side 3, each with affine instance norm and leaky ReLU 0.01; below the first level the
/// first of them halves. Transposed convolutions of side 2 double, skips are concatenated behind them.
public struct SegmentationUnet: Layer {
  private let down: [Block]
  private let up: [(sample: TransposedConvolution, block: Block)]
  private let tail: Convolution

  /// - Parameters:
  ///   - width: channels of the first level, twice as many in each that follows; 32 is usual.
  ///   - levels: one more than halvings.
  ///   - dimensions: 2 for slices, 3 for volumes, whose kernels have one axis more.
  public init(
    _ scope: Scope, inputs: Int, outputs: Int, width: Int = 32, levels: Int = 5, dimensions: Int = 2
  ) {
    let widths = (0..<levels).map { width << $0 }
    func block(_ scope: Scope, _ input: Int, _ output: Int, stride: Int = 1) -> Block {
      Block(scope, .init(input, output, stride: stride, dimensions: dimensions))
    }
    down = (0..<levels).map { level in
      block(
        scope / "down\(level + 1)", level == 0 ? inputs : widths[level - 1], widths[level],
        stride: level == 0 ? 1 : 2)
    }
    up = (0..<levels - 1).map { step in
      let place = scope / "up\(step + 1)"
      let (deep, shallow) = (widths[levels - 1 - step], widths[levels - 2 - step])
      return (
        TransposedConvolution(place / "sample", deep, shallow, dimensions: dimensions),
        block(place, 2 * shallow, shallow)
      )
    }
    tail = Convolution(scope / "tail", .init(width, outputs, kernel: 1, bias: true, dimensions: dimensions))
  }

  /// The factor by which the deepest of so many levels is smaller.
  public static func multiple(levels: Int) -> Int { 1 << (levels - 1) }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    var x = x.channelsLast()
    var skips: [Tensor] = []
    for block in down {
      x = block(x)
      skips.append(x)
    }
    x = skips.removeLast()
    for (sample, block) in up { x = block(.concatenated([sample(x), skips.removeLast()], axis: 1)) }
    return tail(x)
  }

  /// Two convolutions, each with norm and leaky ReLU. Parameters: `first.weight`, `first.norm.*`, `second.*`.
  private struct Block: Layer {
    let layers: [(convolution: Convolution, norm: InstanceNorm)]

    /// - Parameter shape: of the first convolution.
    init(_ scope: Scope, _ shape: ConvolutionShape) {
      var inner = shape
      (inner.input, inner.stride) = (shape.output, 1)
      layers = [("first", shape), ("second", inner)].map { name, shape in
        (Convolution(scope / name, shape), InstanceNorm(scope / name / "norm", shape.output))
      }
    }

    func callAsFunction(_ x: Tensor) -> Tensor {
      layers.reduce(x) { x, layer in layer.norm(layer.convolution(x)).leakyRelu(0.01) }
    }
  }
}

extension GeneratorKind {
  /// - Parameter levels: one more than halvings.
  public static func segmentationUnet(levels: Int = 5) -> GeneratorKind {
    let multiple = SegmentationUnet.multiple(levels: levels)
    return GeneratorKind(
      name: "segmentation-unet", title: "U-Net (segmentation)",
      // Two pixels a side are left at the deepest level, whose norm gives one alone no gradient.
      demands: [.side(multiple + 1)], dimensions: 2...3,
      // Of four convolutions what comes out before and after the norm.
      firstLevel: FirstLevel(halvings: 0, kept: 8),
      plain: { scope, shape, settings in
        let network = SegmentationUnet(
          scope, inputs: shape.inputs, outputs: shape.outputs, width: settings.width, levels: levels,
          dimensions: shape.dimensions)
        return Fitted(network, multiple: multiple, border: .replicate)
      })
  }
}

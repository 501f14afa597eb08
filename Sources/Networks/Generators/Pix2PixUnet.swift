import Layers
import Torch

/// pix2pix's generator (Isola et al. 2017), "U-Net 256" with eight levels: `[B, sources, spatial…]` to `[B, targets, spatial…]`
/// in (-1, 1), sides multiples of 2^levels.
///
/// Every level halves by a convolution of side 4 and comes back by a transposed one, with concatenated skips between; leaky
/// ReLU 0.2 down, ReLU up, batch norm but at both ends, tanh. Weights start at N(0, 0.02), scales of the norms at
/// N(1, 0.02).
public struct Pix2PixUnet: Layer {
  private let down: [(convolution: Convolution, norm: BatchNorm?)]
  private let up: [(convolution: TransposedConvolution, norm: BatchNorm?, dropout: Dropout?)]

  /// - Parameters:
  ///   - width: channels of the first level, twice as many in each that follows, up to 8 times as many. 64 as published.
  ///   - levels: halvings; 8 as published, for 256 x 256.
  ///   - dropout: after the doublings between levels of full width, the deepest one apart.
  ///   - dimensions: 2 for slices, 3 for volumes, whose kernels have one axis more.
  public init(
    _ scope: Scope, sources: Int, targets: Int = 1, width: Int = 64, levels: Int = 8, dropout: Double = 0.5,
    dimensions: Int = 2
  ) {
    let widths = halvingWidths(width, levels)
    let norm = { (scope: Scope, channels: Int) in BatchNorm(scope, channels, start: .normal(0.02, mean: 1)) }
    down = (0..<levels).map { level in
      let place = scope / "down\(level + 1)"
      let input = level == 0 ? sources : widths[level - 1]
      let isInner = level > 0 && level < levels - 1
      return (
        Convolution(
          place / "conv",
          .init(input, widths[level], kernel: 4, stride: 2, padding: 1, dimensions: dimensions),
          start: .normal(0.02)),
        isInner ? norm(place / "norm", widths[level]) : nil
      )
    }
    up = (0..<levels).map { step in
      let place = scope / "up\(step + 1)"
      let level = levels - 1 - step
      let isLast = level == 0
      let input = step == 0 ? widths[level] : 2 * widths[level]
      let output = isLast ? targets : widths[level - 1]
      let drops = step > 0 && !isLast && output == 8 * width
      return (
        TransposedConvolution(
          place / "conv", input, output, kernel: 4, padding: 1, bias: isLast, dimensions: dimensions,
          start: .normal(0.02), biasStart: .zeros),
        isLast ? nil : norm(place / "norm", output),
        drops ? Dropout(place / "dropout", dropout) : nil
      )
    }
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    var x = x.channelsLast()
    var skips: [Tensor] = []
    for (level, (convolution, norm)) in down.enumerated() {
      x = convolution(level == 0 ? x : x.leakyRelu(0.2))
      if let norm { x = norm(x) }
      skips.append(x)
    }
    x = skips.removeLast()
    for (step, (convolution, norm, dropout)) in up.enumerated() {
      if step > 0 { x = .concatenated([skips.removeLast(), x], axis: 1) }
      x = convolution(x.relu())
      if let norm { x = norm(x) }
      if let dropout { x = dropout(x) }
    }
    return x.tanh()
  }
}

/// Channels of the levels of a U-Net that halves all the way down: twice as many in each, up to 8 times `width`.
func halvingWidths(_ width: Int, _ levels: Int) -> [Int] { (0..<levels).map { width << min($0, 3) } }

extension GeneratorKind {
  /// - Parameters:
  ///   - levels: halvings.
  ///   - option: the framework's that tells how many.
  public static func pix2pixUnet(levels: Int = 8, option: String? = nil) -> GeneratorKind {
    GeneratorKind(
      name: "pix2pix-unet", title: "U-Net (pix2pix)", isSigned: true,
      demands: [.side(8), .multiple(of: 1 << levels, levels: option)], dimensions: 2...3,
      plain: { scope, shape, settings in
        let network = Pix2PixUnet(
          scope, sources: shape.inputs, targets: shape.outputs, width: settings.width, levels: levels,
          dimensions: shape.dimensions)
        return Fitted(SignedScale(network), multiple: 1 << levels)
      })
  }
}

import Layers
import Torch

/// mmGAN's generator (Sharma and Hamarneh 2020): all modalities in, those that are missing as zeros, and all out;
/// `[B, M, spatial…]` to `[B, M, spatial…]`, not negative, sides multiples of 2^levels.
///
/// Every level halves by a convolution of side 4 and comes back by a transposed one, with concatenated skips between; leaky
/// ReLU 0.2 down, ReLU up, instance norm without affine but at both ends of the way down. The last doubling is nearest
/// neighbour and a convolution, with ReLU. Weights start at N(0, 0.02).
public struct MMGANUnet: Layer {
  private let down: [(convolution: Convolution, dropout: Dropout?)]
  private let up: [(convolution: TransposedConvolution, dropout: Dropout?)]
  private let tail: Convolution
  private let margin: [Int]

  /// - Parameters:
  ///   - width: channels of the first level, twice as many in each that follows, up to 8 times as many. 64 as published.
  ///   - levels: halvings; 8 as published, for 256 x 256.
  ///   - dropout: wherever there is full width.
  ///   - dimensions: 2 for slices, 3 for volumes, whose kernels have one axis more.
  public init(
    _ scope: Scope, modalities: Int, width: Int = 64, levels: Int = 8, dropout: Double = 0.2,
    dimensions: Int = 2
  ) {
    let widths = halvingWidths(width, levels)
    let full = 8 * width
    down = (0..<levels).map { level in
      let place = scope / "down\(level + 1)"
      let input = level == 0 ? modalities : widths[level - 1]
      return (
        Convolution(
          place / "conv",
          .init(input, widths[level], kernel: 4, stride: 2, padding: 1, dimensions: dimensions),
          start: .normal(0.02)),
        widths[level] == full ? Dropout(place / "dropout", dropout) : nil
      )
    }
    up = (0..<levels - 1).map { step in
      let place = scope / "up\(step + 1)"
      let level = levels - 1 - step
      return (
        TransposedConvolution(
          place / "conv", step == 0 ? widths[level] : 2 * widths[level], widths[level - 1], kernel: 4,
          padding: 1, dimensions: dimensions, start: .normal(0.02)),
        widths[level - 1] == full ? Dropout(place / "dropout", dropout) : nil
      )
    }
    tail = Convolution(
      scope / "tail",
      .init(2 * width, modalities, kernel: 4, padding: 1, bias: true, dimensions: dimensions),
      start: .normal(0.02))
    // An even kernel cannot be centred: one row, column and plane more at the near ends keeps the size.
    margin = (0..<dimensions).flatMap { _ in [1, 0] }
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    var x = x.channelsLast()
    var skips: [Tensor] = []
    for (level, (convolution, dropout)) in down.enumerated() {
      x = convolution(x)
      if level > 0 && level < down.count - 1 { x = x.instanceNormalized() }
      x = x.leakyRelu(0.2)
      if let dropout { x = dropout(x) }
      skips.append(x)
    }
    x = skips.removeLast()
    for (convolution, dropout) in up {
      x = convolution(x).instanceNormalized().relu()
      if let dropout { x = dropout(x) }
      x = .concatenated([x, skips.removeLast()], axis: 1)
    }
    return tail(x.upsampledNearest(2).padded(margin)).relu()
  }
}

extension GeneratorKind {
  /// - Parameters:
  ///   - levels: halvings.
  ///   - option: the framework's that tells how many.
  public static func mmganUnet(levels: Int = 8, option: String? = nil) -> GeneratorKind {
    GeneratorKind(
      name: "mmgan-unet", title: "U-Net (mmGAN)",
      demands: [.side(8), .multiple(of: 1 << levels, levels: option)], dimensions: 2...3,
      refusal: { shape, _ in
        shape.inputs == shape.outputs ? nil : "mmgan-unet gives as many channels as it takes, as in mmGAN"
      },
      plain: { scope, shape, settings in
        let network = MMGANUnet(
          scope, modalities: shape.inputs, width: settings.width, levels: levels,
          dimensions: shape.dimensions)
        return Fitted(network, multiple: 1 << levels)
      })
  }
}

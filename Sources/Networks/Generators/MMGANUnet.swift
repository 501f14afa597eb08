import Layers
import Torch

/// mmGAN's generator (Sharma and Hamarneh 2020): all modalities in, those that are missing as zeros, and all out;
/// `[B, M, H, W]` to `[B, M, H, W]`, not negative, sides multiples of 2^levels.
///
/// Every level halves by a 4 x 4 convolution and comes back by a transposed one, with concatenated skips between; leaky
/// ReLU 0.2 down, ReLU up, instance norm without affine but at both ends of the way down. The last doubling is nearest
/// neighbour and a convolution, with ReLU. Weights start at N(0, 0.02).
public struct MMGANUnet: Layer {
  private let down: [(convolution: Convolution, dropout: Dropout?)]
  private let up: [(convolution: TransposedConvolution, dropout: Dropout?)]
  private let tail: Convolution

  /// - Parameters:
  ///   - width: channels of the first level, twice as many in each that follows, up to 8 times as many. 64 as published.
  ///   - levels: halvings; 8 as published, for 256 x 256.
  ///   - dropout: wherever there is full width.
  public init(
    _ scope: Scope, modalities: Int, width: Int = 64, levels: Int = 8, dropout: Double = 0.2
  ) {
    let widths = halvingWidths(width, levels)
    let full = 8 * width
    down = (0..<levels).map { level in
      let place = scope / "down\(level + 1)"
      let input = level == 0 ? modalities : widths[level - 1]
      return (
        Convolution(
          place / "conv", .init(input, widths[level], kernel: 4, stride: 2, padding: 1), start: .normal(0.02)),
        widths[level] == full ? Dropout(place / "dropout", dropout) : nil
      )
    }
    up = (0..<levels - 1).map { step in
      let place = scope / "up\(step + 1)"
      let level = levels - 1 - step
      return (
        TransposedConvolution(
          place / "conv", step == 0 ? widths[level] : 2 * widths[level], widths[level - 1], kernel: 4,
          padding: 1, start: .normal(0.02)),
        widths[level - 1] == full ? Dropout(place / "dropout", dropout) : nil
      )
    }
    tail = Convolution(
      scope / "tail", .init(2 * width, modalities, kernel: 4, padding: 1, bias: true), start: .normal(0.02))
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
    // An even kernel cannot be centred: one row and column more at the top left keeps the size.
    return tail(x.upsampledNearest(2).padded([1, 0, 1, 0])).relu()
  }
}

import Layers
import Torch

/// How images are brought to sides that are multiples of a number, and what comes of them back to their own: by zeros, as
/// many on either side, or by pixels that are invented at the far ends.
public struct Fitting {
  private let sides: [Int], before: [Int], after: [Int]
  private let border: Tensor.Border

  /// - Parameter images: `[B, C, spatial…]`.
  public init(of images: Tensor, multiple: Int, border: Tensor.Border = .zero) {
    sides = Array(images.shape.dropFirst(2))
    let missing = sides.map { (multiple - $0 % multiple) % multiple }
    before = missing.map { border == .zero ? $0 / 2 : 0 }
    after = zip(missing, before).map { $0 - $1 }
    self.border = border
  }

  private var isExact: Bool { !after.contains { $0 > 0 } }

  /// Brings images of these sides to the multiples.
  public func padded(_ x: Tensor) -> Tensor {
    guard !isExact else { return x }
    return x.padded(zip(before, after).reversed().flatMap { [$0, $1] }, border)
  }

  /// Takes away what `padded` put around.
  public func cropped(_ y: Tensor) -> Tensor {
    guard !isExact else { return y }
    return sides.indices.reduce(y) { $0.narrowed($1 + 2, from: before[$1], length: sides[$1]) }
  }
}

/// A network for sides that are multiples of a number, as one for images `[B, C, spatial…]` of any size.
public struct Fitted: Layer {
  private let network: any Layer
  private let multiple: Int, border: Tensor.Border

  public init(_ network: any Layer, multiple: Int, border: Tensor.Border = .zero) {
    (self.network, self.multiple, self.border) = (network, multiple, border)
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    let fitting = Fitting(of: x, multiple: multiple, border: border)
    return fitting.cropped(network(fitting.padded(x)))
  }
}

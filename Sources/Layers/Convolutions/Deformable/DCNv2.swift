import Torch

/// Deformable convolution, version 2 (Zhu et al. 2019): a 3 x 3 convolution whose taps are displaced and weighted.
///
/// A convolution that starts at zero, the head, reads offsets and masks off the map; a mask is a sigmoid, so taps start
/// at half their weight. Parameters: `weight`, `head.weight`, `head.bias`.
public struct DCNv2: Layer {
  private let weight: Tensor, head: Convolution

  public init(_ scope: Scope, _ shape: ConvolutionShape) {
    weight = scope.parameter("weight", shape.weight(), .kaiming)
    head = Convolution(scope / "head", .init(shape.input, 27, bias: true), start: .zeros, biasStart: .zeros)
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    guard x.runsFused else { return reference(x) }
    let (offsets, masks) = displacements(x)
    return x.permuted([0, 2, 3, 1])
      .deformablyConvolved(with: weight, offsets: offsets, weights: masks, groups: 1).permuted([0, 3, 1, 2])
  }

  /// The module composed of plain operators: for other devices, and what the operator is tested against.
  package func reference(_ x: Tensor) -> Tensor {
    let (offsets, masks) = displacements(x)
    let taps = DisplacedTaps(
      of: x.permuted([0, 2, 3, 1]), offsets: offsets, weights: masks, groups: 1, order: .rows)
    func convolved(_ tap: Int) -> Tensor {
      let column = weight.narrowed(2, from: tap / 3, length: 1).narrowed(3, from: tap % 3, length: 1)
      return taps[tap].convolved(with: column)
    }
    return (1..<9).reduce(convolved(0)) { $0 + convolved($1) }
  }

  /// Offsets `[B, H, W, 18]` (y, then x of every tap) in pixels, and masks `[B, H, W, 9]` in (0, 1).
  private func displacements(_ x: Tensor) -> (offsets: Tensor, masks: Tensor) {
    let read = head(x).permuted([0, 2, 3, 1])
    return (read.narrowed(3, from: 0, length: 18), read.narrowed(3, from: 18, length: 9).sigmoid())
  }
}

extension ConvolutionKind {
  /// DCNv2 with one set of offsets for all channels.
  public static let dcnv2 = ConvolutionKind(
    name: "dcnv2", refusal: { $0.refusalUnlessPlain(for: "dcnv2") }, build: { DCNv2($0, $1) })
}

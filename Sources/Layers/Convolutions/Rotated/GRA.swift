import Torch

/// Group-wise rotating and attention (Wang et al. 2024): one kernel whose filters form n groups, each rotated by an angle
/// and weighted by a scale read off every sample; then every group's outputs are gated pixel by pixel.
///
/// Stored filter i·n + g belongs to group g and makes output g·(O/n) + i. Parameters: `weight`, `routing.*`,
/// `attention.*`.
public struct GRA: Layer {
  private let weight: Tensor, routing: RotationRouting
  private let attention: Convolution
  private let groups: Int

  /// - Parameter groups: n; divides the output channels.
  public init(_ scope: Scope, _ shape: ConvolutionShape, groups: Int = 8) {
    let deviation = (2 / Double(9 * shape.output)).squareRoot()
    weight = scope.parameter("weight", shape.weight(), .normal(deviation))
    routing = RotationRouting(scope / "routing", channels: shape.input, outputs: groups)
    attention = Convolution(
      scope / "attention", .init(2, groups, kernel: 5, bias: true), start: .normal(0.02))
    self.groups = groups
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    let (angles, scales) = routing(x)
    let (output, input) = (weight.size(0), weight.size(1))
    // [B, n, 9, 9]
    let mixing = LibTorch.inFullPrecision(on: x.device) {
      KernelRotation.mixing(angles) * scales.reshaped([-1, groups, 1, 1])
    }
    LibTorch.addMultiplyAdds(x.size(0) * 9 * weight.count)
    let stored = weight.permuted([0, 2, 3, 1]).reshaped([output / groups, groups, 9, input])
    let rotated = Tensor.einsum("bnij,onjc->bnoic", mixing, stored)
      .reshaped([-1, output, 9, input]).permuted([0, 1, 3, 2])
    return gated(x.convolved(withOwn: rotated.reshaped([-1, output, input, 3, 3]), padding: 1))
  }

  /// Each group's maps times one map of gates, from the mean and the largest of all channels.
  private func gated(_ y: Tensor) -> Tensor {
    let seen = Tensor.concatenated(
      [y.mean(over: [1], keeping: true), y.max(over: 1, keeping: true)], axis: 1)
    let gates = attention(seen).sigmoid()  // [B, n, H, W]
    let (batch, space) = (y.size(0), Array(y.shape.dropFirst(2)))
    let grouped = y.reshaped([batch, groups, -1] + space) * gates.reshaped([batch, groups, 1] + space)
    return grouped.reshaped(y.shape)
  }
}

extension ConvolutionKind {
  /// GRA with n groups.
  public static func gra(groups: Int = 8) -> ConvolutionKind {
    ConvolutionKind(name: "gra") { shape in
      if let reason = shape.refusalUnlessPlain(for: "gra") { return reason }
      return groups >= 1 && shape.output % groups == 0
        ? nil : "\(groups) groups do not divide \(shape.output) channels"
    } build: {
      GRA($0, $1, groups: groups)
    }
  }
}

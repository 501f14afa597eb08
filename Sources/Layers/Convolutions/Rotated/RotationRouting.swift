import Torch

/// How far each kernel, or each group of a kernel, is turned and how strongly it counts: the routing function that ARC and
/// GRA share.
struct RotationRouting {
  let scope: Scope
  let convolution: Tensor, normWeight: Tensor, normBias: Tensor
  let scale: Tensor, scaleBias: Tensor, angle: Tensor

  /// Largest angle, in radians: 40 degrees.
  static let widest = 40 * Double.pi / 180
  /// The share of pooled features that training drops before each head.
  static let dropout = 0.2

  init(_ scope: Scope, channels: Int, outputs: Int) {
    self.scope = scope
    convolution = (scope / "conv").parameter("weight", [channels, 1, 3, 3], .normal(0.02))
    normWeight = (scope / "norm").parameter("weight", [channels], .ones)
    normBias = (scope / "norm").parameter("bias", [channels], .zeros)
    scale = (scope / "scale").parameter("weight", [outputs, channels], .normal(0.02))
    scaleBias = (scope / "scale").parameter("bias", [outputs], .uniform(1 / Double(channels).squareRoot()))
    angle = (scope / "angle").parameter("weight", [outputs, channels], .normal(0.02))
  }

  /// - Parameter x: `[B, C, H, W]`.
  /// - Returns: angles `[B, n]` in radians, less than 40 degrees to either side, and scales `[B, n]` in (0, 1).
  func callAsFunction(_ x: Tensor) -> (angles: Tensor, scales: Tensor) {
    let mapped = x.convolved(with: convolution, padding: 1, groups: x.size(1)).permuted([0, 2, 3, 1])
    let pooled = mapped.layerNormalized(weight: normWeight, bias: normBias).relu().mean(over: [1, 2])
    func dropped() -> Tensor {
      pooled.dropout(RotationRouting.dropout, active: scope.store.isTraining)
    }
    let scales = dropped().linear(scale, bias: scaleBias).sigmoid()
    let turns = dropped().linear(angle)
    return (turns / (turns.abs() + 1) * RotationRouting.widest, scales)
  }
}

import Torch

/// How far each kernel, or each group of a kernel, is turned and how strongly it counts: the routing function that ARC and
/// GRA share.
struct RotationRouting {
  let convolution: Tensor, normWeight: Tensor, normBias: Tensor
  let scale: Linear, angle: Linear
  /// What training leaves out of the pooled features, for each head anew.
  let dropout: Dropout

  /// Largest angle, in radians: 40 degrees.
  static let widest = 40 * Double.pi / 180

  init(_ scope: Scope, channels: Int, outputs: Int) {
    convolution = (scope / "conv").parameter("weight", [channels, 1, 3, 3], .normal(0.02))
    normWeight = (scope / "norm").parameter("weight", [channels], .ones)
    normBias = (scope / "norm").parameter("bias", [channels], .zeros)
    scale = Linear(scope / "scale", channels, outputs, start: .normal(0.02))
    angle = Linear(scope / "angle", channels, outputs, bias: false, start: .normal(0.02))
    dropout = Dropout(scope, 0.2)
  }

  /// - Parameter x: `[B, C, H, W]`.
  /// - Returns: angles `[B, n]` in radians, less than 40 degrees to either side, and scales `[B, n]` in (0, 1).
  func callAsFunction(_ x: Tensor) -> (angles: Tensor, scales: Tensor) {
    let mapped = x.convolved(with: convolution, padding: 1, groups: x.size(1)).permuted([0, 2, 3, 1])
    let pooled = mapped.layerNormalized(weight: normWeight, bias: normBias).relu().mean(over: [1, 2])
      .widened
    return LibTorch.inFullPrecision(on: x.device) {
      let scales = scale(dropout(pooled)).sigmoid()
      let turns = angle(dropout(pooled))
      return (turns / (turns.abs() + 1) * RotationRouting.widest, scales)
    }
  }
}

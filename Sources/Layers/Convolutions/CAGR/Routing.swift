import Foundation
import Torch

/// How far and how strongly each group's kernel is rolled, read off the gated feature map (paper §3.2, Fig. 4).
package struct Routing {
  let convolution: Tensor, normWeight: Tensor, normBias: Tensor
  let offset: Tensor, scale: Tensor, scaleBias: Tensor
  let shape: ConvolutionShape, groups: Int

  /// Of every group where training starts: sigmoid(1).
  package static let firstScale = 1 / (1 + exp(-1.0))

  init(_ scope: Scope, _ shape: ConvolutionShape, groups: Int) {
    let channels = shape.input
    let inner = ConvolutionShape(channels, channels, kernel: shape.kernel, dimensions: shape.dimensions)
    convolution = (scope / "conv").parameter("weight", inner.weight(groups: groups), .kaiming)
    normWeight = (scope / "norm").parameter("weight", [channels], .ones)
    normBias = (scope / "norm").parameter("bias", [channels], .zeros)
    // Zero weights: training starts from kernels that are not rolled, scaled by sigmoid(1) = 0.731.
    offset = (scope / "offset").parameter("weight", [shape.dimensions * groups, channels], .zeros)
    scale = (scope / "scale").parameter("weight", [groups, channels], .zeros)
    scaleBias = (scope / "scale").parameter("bias", [groups], .ones)
    self.shape = inner
    self.groups = groups
  }

  /// - Parameter gated: the feature map `[B, C, spatial…]`, gated.
  /// - Returns: offsets `[B, n, d]` in voxels, the fastest axis first, and scales `[B, n]` in (0, 1).
  func callAsFunction(_ gated: Tensor) -> (offsets: Tensor, scales: Tensor) {
    let mapped = gated.convolved(with: convolution, padding: shape.padding, groups: groups)
    let channelsLast = [0] + Array(2..<mapped.rank) + [1]
    let activated = mapped.permuted(channelsLast).layerNormalized(weight: normWeight, bias: normBias).gelu()
    let pooled = activated.mean(over: Array(1..<(mapped.rank - 1))).widened
    // Hundredths of a voxel count.
    return LibTorch.inFullPrecision(on: pooled.device) {
      (
        pooled.linear(offset).reshaped([pooled.size(0), groups, shape.dimensions]),
        pooled.linear(scale, bias: scaleBias).sigmoid()
      )
    }
  }
}

import Torch

/// One gate for every channel, from what its own group and all groups saw on average (paper §3.1, Eq. 1 and 2).
struct CrossGroupAttention {
  let weight: Tensor, bias: Tensor, groups: Int

  init(_ scope: Scope, channels: Int, groups: Int, dimensions: Int) {
    let shape = ConvolutionShape(2 * channels, channels, kernel: 1, dimensions: dimensions)
    weight = scope.parameter("weight", shape.weight(groups: groups), .kaiming)
    bias = scope.parameter("bias", [channels], .uniform((Double(groups) / Double(2 * channels)).squareRoot()))
    self.groups = groups
  }

  /// Gates in (0, 1), `[B, C]`, for a feature map `[B, C, spatial…]`.
  func callAsFunction(_ x: Tensor) -> Tensor {
    let (batch, channels) = (x.size(0), x.size(1))
    let members = channels / groups
    let own = x.mean(over: Array(2..<x.rank)).widened.reshaped([batch, groups, members])
    // ShuffleNet's shuffle: channel c·n + g takes channel g·(C/n) + c, so that a group meets all groups.
    let shuffled = own.permuted([0, 2, 1]).reshaped([batch, groups, members])
    let descriptors = Tensor.concatenated([own, shuffled], axis: 2)  // [B, n, 2C/n]
    // A 1 x 1 convolution in n groups, on a 1 x 1 map, is one small matrix product a group.
    let kernels = weight.reshaped([groups, members, 2 * members])
    LibTorch.addMultiplyAdds(batch * weight.count)
    return LibTorch.inFullPrecision(on: x.device) {
      Tensor.einsum("bnj,nij->bni", descriptors, kernels).reshaped([batch, channels]) + bias
    }.sigmoid()
  }
}

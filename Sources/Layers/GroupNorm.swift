import Torch

/// Zero mean and unit variance of every group of channels of every sample, then a weight and a bias for each channel
/// (Wu and He 2018).
public struct GroupNorm: Layer {
  let weight: Tensor, bias: Tensor
  let groups: Int, epsilon: Double

  public init(_ scope: Scope, _ channels: Int, groups: Int, epsilon: Double = 1e-5) {
    precondition(channels % groups == 0, "\(groups) groups do not divide \(channels) channels")
    weight = scope.parameter("weight", [channels], .ones)
    bias = scope.parameter("bias", [channels], .zeros)
    (self.groups, self.epsilon) = (groups, epsilon)
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    x.groupNormalized(groups: groups, weight: weight, bias: bias, epsilon: epsilon)
  }
}

import Torch

/// Zero mean and unit variance of every channel of every sample, then a weight and a bias for each channel (Ulyanov et al.
/// 2016). There are no running statistics: samples of a batch never meet.
///
/// Over a single pixel it gives the bias whatever the image, and no gradient. It is not group norm with as many groups as
/// channels: of channels-last maps LibTorch's takes the variance from sums of squares, which single precision does not
/// carry over a volume.
public struct InstanceNorm: Layer {
  let weight: Tensor, bias: Tensor
  let epsilon: Double

  public init(_ scope: Scope, _ channels: Int, epsilon: Double = 1e-5) {
    weight = scope.parameter("weight", [channels], .ones)
    bias = scope.parameter("bias", [channels], .zeros)
    self.epsilon = epsilon
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    x.instanceNormalized(weight: weight, bias: bias, epsilon: epsilon)
  }
}

import Torch

/// Batch normalisation (Ioffe and Szegedy 2015): by the batch's own statistics in training, which are gathered, and by
/// the gathered ones at test time, when slices of a batch do not meet.
public struct BatchNorm: Layer {
  private let scope: Scope
  private let weight: Tensor, bias: Tensor
  private let mean: Tensor, variance: Tensor

  public init(_ scope: Scope, _ channels: Int, start: Start = .ones) {
    self.scope = scope
    weight = scope.parameter("weight", [channels], start)
    bias = scope.parameter("bias", [channels], .zeros)
    mean = scope.buffer("running_mean", [channels], .zeros)
    variance = scope.buffer("running_var", [channels], .ones)
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    x.batchNormalized(
      weight: weight, bias: bias, mean: mean, variance: variance, training: scope.store.isTraining)
  }
}

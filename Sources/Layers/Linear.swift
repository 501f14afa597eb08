import Torch

/// `x weightᵀ + bias` over the last axis; `weight` is `[out, in]`.
public struct Linear: Layer {
  let weight: Tensor, bias: Tensor?

  public init(
    _ scope: Scope, _ input: Int, _ output: Int, bias: Bool = true, start: Start = .kaiming,
    biasStart: Start? = nil
  ) {
    weight = scope.parameter("weight", [output, input], start)
    let bound = 1 / Double(input).squareRoot()
    self.bias = bias ? scope.parameter("bias", [output], biasStart ?? .uniform(bound)) : nil
  }

  public func callAsFunction(_ x: Tensor) -> Tensor { x.linear(weight, bias: bias) }
}

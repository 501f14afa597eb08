import Torch

/// The convolution everything is compared with.
public struct Convolution: Layer {
  let weight: Tensor, bias: Tensor?
  let stride: Int, padding: Int

  /// - Parameters:
  ///   - start: of the kernel.
  ///   - biasStart: of the bias; PyTorch's uniform one where nothing is said.
  public init(
    _ scope: Scope, _ shape: ConvolutionShape, start: Start = .kaiming, biasStart: Start? = nil
  ) {
    weight = scope.parameter("weight", shape.weight(), start)
    let bound = 1 / Double(weight.count / shape.output).squareRoot()
    bias = shape.bias ? scope.parameter("bias", [shape.output], biasStart ?? .uniform(bound)) : nil
    (stride, padding) = (shape.stride, shape.padding)
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    x.convolved(with: weight, bias: bias, stride: stride, padding: padding)
  }
}

/// The transposed convolution that doubles the resolution: kernel 2, stride 2, weight `[in, out, 2, 2]`.
public struct TransposedConvolution: Layer {
  let weight: Tensor

  public init(_ scope: Scope, _ input: Int, _ output: Int, dimensions: Int = 2) {
    weight = scope.parameter("weight", [input, output] + Array(repeating: 2, count: dimensions), .kaiming)
  }

  public func callAsFunction(_ x: Tensor) -> Tensor { x.convolvedTransposed(with: weight, stride: 2) }
}

extension ConvolutionKind {
  /// A plain convolution.
  public static let standard = ConvolutionKind(name: "standard") { Convolution($0, $1) }
}

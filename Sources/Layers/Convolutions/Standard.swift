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

/// The transposed convolution that doubles the resolution: stride 2, weight `[in, out, k, k]`.
public struct TransposedConvolution: Layer {
  let weight: Tensor, bias: Tensor?
  let padding: Int, outputPadding: Int

  /// - Parameters:
  ///   - padding: rows and columns cut off all around; 1 for kernels of 3 and 4.
  ///   - outputPadding: rows and columns added at the far ends; 1 for a kernel of 3.
  public init(
    _ scope: Scope, _ input: Int, _ output: Int, kernel: Int = 2, padding: Int = 0, outputPadding: Int = 0,
    bias hasBias: Bool = false, dimensions: Int = 2, start: Start = .kaiming, biasStart: Start? = nil
  ) {
    weight = scope.parameter("weight", [input, output] + Array(repeating: kernel, count: dimensions), start)
    let bound = 1 / Double(weight.count / input).squareRoot()
    bias = hasBias ? scope.parameter("bias", [output], biasStart ?? .uniform(bound)) : nil
    (self.padding, self.outputPadding) = (padding, outputPadding)
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    x.convolvedTransposed(
      with: weight, bias: bias, stride: 2, padding: padding, outputPadding: outputPadding)
  }
}

extension ConvolutionKind {
  /// A plain convolution.
  public static let standard = ConvolutionKind(name: "standard") { Convolution($0, $1) }
}

import Torch

/// A differentiable function of one tensor, with parameters that live in a store.
///
/// Feature maps are `[B, C, H, W]` in 2-D and `[B, C, D, H, W]` in 3-D.
public protocol Layer {
  func callAsFunction(_ x: Tensor) -> Tensor

  /// The layer with a ReLU after it: for layers that can do both in one pass over the map.
  func rectified(_ x: Tensor) -> Tensor
}

extension Layer {
  public func rectified(_ x: Tensor) -> Tensor { self(x).reluInPlace() }
}

/// What a convolution has to do, whatever its kind.
public struct ConvolutionShape: Sendable, Equatable {
  /// Channels in and out.
  public var input: Int, output: Int
  /// Side of the kernel in voxels, and the step between outputs.
  public var kernel: Int, stride: Int
  /// Zeros around the image.
  public var padding: Int
  public var bias: Bool
  /// 2 for slices, 3 for volumes.
  public var dimensions: Int

  public init(
    _ input: Int, _ output: Int, kernel: Int = 3, stride: Int = 1, padding: Int? = nil, bias: Bool = false,
    dimensions: Int = 2
  ) {
    (self.input, self.output, self.kernel, self.stride) = (input, output, kernel, stride)
    self.padding = padding ?? kernel / 2
    (self.bias, self.dimensions) = (bias, dimensions)
  }

  /// The shape of a kernel with `input / groups` channels, as PyTorch stores it.
  public func weight(groups: Int = 1) -> [Int] {
    [output, input / groups] + Array(repeating: kernel, count: dimensions)
  }

  /// Why a kind that is defined for the residual blocks' convolutions alone cannot serve this one, or nil.
  func refusalUnlessPlain(for name: String) -> String? {
    dimensions == 2 && kernel == 3 && padding == 1 && stride == 1 && !bias
      ? nil : "\(name) stands in for 3 x 3 convolutions of slices with padding 1, stride 1 and no bias"
  }
}

/// A kind of convolution, as a value: networks take one and build it wherever it replaces the standard one.
public struct ConvolutionKind: Sendable {
  /// As it is written on the command line and in tables.
  public let name: String
  /// Why this kind cannot serve the shape, or nil: groups that do not divide the channels, for example.
  public let refusal: @Sendable (ConvolutionShape) -> String?
  private let build: @Sendable (Scope, ConvolutionShape) -> any Layer

  public init(
    name: String, refusal: @escaping @Sendable (ConvolutionShape) -> String? = { _ in nil },
    build: @escaping @Sendable (Scope, ConvolutionShape) -> any Layer
  ) {
    (self.name, self.refusal, self.build) = (name, refusal, build)
  }

  public func callAsFunction(_ scope: Scope, _ shape: ConvolutionShape) -> any Layer {
    if let reason = refusal(shape) { preconditionFailure(reason) }
    return build(scope, shape)
  }
}

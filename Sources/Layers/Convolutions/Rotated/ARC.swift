import Torch

/// Adaptive rotated convolution (Pu et al. 2023): n whole kernels, each rotated by an angle and weighted by a scale that
/// a routing function reads off every sample, summed to that sample's kernel.
///
/// Parameters: `weight` `[n, O, C, 3, 3]`, `routing.*`.
public struct ARC: Layer {
  private let weight: Tensor, routing: RotationRouting
  private let kernels: Int

  /// - Parameter kernels: n; 4 as published.
  public init(_ scope: Scope, _ shape: ConvolutionShape, kernels: Int = 4) {
    let deviation = (2 / Double(9 * shape.output)).squareRoot()
    weight = scope.parameter("weight", [kernels] + shape.weight(), .normal(deviation))
    routing = RotationRouting(scope / "routing", channels: shape.input, outputs: kernels)
    self.kernels = kernels
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    let (angles, scales) = routing(x)
    let (output, input) = (weight.size(1), weight.size(2))
    // [B, n, 9, 9]
    let mixing = LibTorch.inFullPrecision(on: x.device) {
      KernelRotation.mixing(angles) * scales.reshaped([-1, kernels, 1, 1])
    }
    LibTorch.addMultiplyAdds(x.size(0) * 9 * weight.count)
    // In the order in which the weights lie in memory, as one matrix product.
    let stored = weight.permuted([0, 3, 4, 2, 1]).reshaped([kernels, 9, input, output])
    let mixed = Tensor.einsum("bnij,njco->bico", mixing, stored).permuted([0, 3, 2, 1])
    return x.convolved(withOwn: mixed.reshaped([-1, output, input, 3, 3]), padding: 1)
  }
}

extension ConvolutionKind {
  /// ARC with n kernels.
  public static func arc(kernels: Int = 4) -> ConvolutionKind {
    ConvolutionKind(name: "arc") { shape in
      shape.refusalUnlessPlain(for: "arc")
        ?? (kernels >= 1 ? nil : "arc needs 1 kernel or more, not \(kernels)")
    } build: {
      ARC($0, $1, kernels: kernels)
    }
  }
}

import Layers
import Torch

/// MedSynth's discriminator (Nie et al. 2018): patches `[B, 1, 64, 64]` of a target to one logit each, `[B, 1]`, whatever
/// they were made from.
///
/// Three convolutions without padding, each with ReLU and max pooling, and three fully connected layers. Starts as
/// `MedSynthUnet` does.
public struct MedSynthDiscriminator: Layer {
  /// Rows and columns of a patch, 64: what the convolutions shrink to the 4 x 4 that the first full layer takes.
  public static let side = kernels.reversed().reduce(4) { 2 * $0 + $1 - 1 }

  private static let kernels = [9, 5, 5]

  private let convolutions: [Convolution]
  private let full: [Linear]

  public init(_ scope: Scope) {
    convolutions = [(1, 32), (32, 64), (64, 64)].enumerated().map { index, channels in
      let kernel = MedSynthDiscriminator.kernels[index]
      let shape = ConvolutionShape(channels.0, channels.1, kernel: kernel, padding: 0, bias: true)
      return Convolution(scope / "conv\(index + 1)", shape, start: .xavier(shape), biasStart: .zeros)
    }
    full = [(1024, 512), (512, 64), (64, 1)].enumerated().map { index, layer in
      let start = Start.xavier(ConvolutionShape(layer.0, layer.1, kernel: 1))
      return Linear(scope / "full\(index + 1)", layer.0, layer.1, start: start, biasStart: .zeros)
    }
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    var x = x.channelsLast()
    for convolution in convolutions { x = convolution(x).relu().maxPooled(2) }
    x = x.reshaped([x.size(0), -1])
    for layer in full.dropLast() { x = layer(x).relu() }
    return full[full.count - 1](x)
  }
}

import Layers
import Torch

/// MedSynth's discriminator (Nie et al. 2018): patches `[B, 1, side, side]`, or cubes, of a target to one logit each,
/// `[B, 1]`, whatever they were made from.
///
/// Three convolutions without padding, each with ReLU and max pooling, and three fully connected layers. Starts as
/// `MedSynthUnet` does.
public struct MedSynthDiscriminator: Layer {
  /// Sides of the patches that are judged, of which the published is 64: from the least of which the convolutions leave
  /// a pixel.
  public static let sides: ClosedRange<Int> = kernels.reversed().reduce(1) { 2 * $0 + $1 - 1 }...256

  private static let kernels = [9, 5, 5]

  /// Pixels a side that the convolutions leave of a patch; 4 of the published 64.
  static func left(of side: Int) -> Int { kernels.reduce(side) { ($0 - ($1 - 1)) / 2 } }

  private let convolutions: [Convolution]
  private let full: [Linear]

  /// - Parameters:
  ///   - side: of the patches, one of `sides`.
  ///   - dimensions: 2 for squares, 3 for cubes.
  public init(_ scope: Scope, side: Int = 64, dimensions: Int = 2) {
    precondition(MedSynthDiscriminator.sides.contains(side), "patches of side \(side) cannot be judged")
    convolutions = [(1, 32), (32, 64), (64, 64)].enumerated().map { index, channels in
      let kernel = MedSynthDiscriminator.kernels[index]
      let shape = ConvolutionShape(
        channels.0, channels.1, kernel: kernel, padding: 0, bias: true, dimensions: dimensions)
      return Convolution(scope / "conv\(index + 1)", shape, start: .xavier(shape), biasStart: .zeros)
    }
    let left = Array(repeating: MedSynthDiscriminator.left(of: side), count: dimensions).reduce(64, *)
    full = [(left, 512), (512, 64), (64, 1)].enumerated().map { index, layer in
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

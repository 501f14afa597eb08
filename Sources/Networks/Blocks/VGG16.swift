import Layers
import Torch

/// VGG16 (Simonyan and Zisserman 2015) up to relu2_2: `[B, 3, H, W]` to `[B, 128, H/2, W/2]`.
///
/// Parameters are named as torchvision names them, `features.0.weight` and so on.
public struct VGG16: Layer {
  private let convolutions: [Convolution]

  public init(_ scope: Scope) {
    convolutions = [(0, 3, 64), (2, 64, 64), (5, 64, 128), (7, 128, 128)].map { place, input, output in
      Convolution(scope / "features" / "\(place)", .init(input, output, bias: true))
    }
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    var x = x.channelsLast()
    for (index, convolution) in convolutions.enumerated() {
      if index == 2 { x = x.maxPooled(2) }
      x = convolution(x).relu()
    }
    return x
  }
}

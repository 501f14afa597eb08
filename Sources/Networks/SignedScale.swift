import Layers
import Torch

extension Tensor {
  /// Intensities in [0, 1] on [-1, 1].
  public var signed: Tensor { self * 2 - 1 }
  /// Intensities in [-1, 1] on [0, 1].
  public var unsigned: Tensor { (self + 1) * 0.5 }
}

/// A network that works on [-1, 1], as those that end in tanh do, as one on [0, 1].
public struct SignedScale: Layer {
  private let network: any Layer

  public init(_ network: any Layer) { self.network = network }

  public func callAsFunction(_ x: Tensor) -> Tensor { network(x.signed).unsigned }
}

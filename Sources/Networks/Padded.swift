import Layers
import Torch

/// A network for sides that are multiples of a number, as one for slices `[B, C, H, W]` of any size: zeros are put around
/// them, as many on either side, and cut off the result.
public struct Padded: Layer {
  private let network: any Layer
  private let multiple: Int

  public init(_ network: any Layer, multiple: Int) { (self.network, self.multiple) = (network, multiple) }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    let sides = [x.size(2), x.size(3)]
    let missing = sides.map { (multiple - $0 % multiple) % multiple }
    guard missing.contains(where: { $0 > 0 }) else { return network(x) }
    let before = missing.map { $0 / 2 }
    var y = network(x.padded([before[1], missing[1] - before[1], before[0], missing[0] - before[0]]))
    for axis in 0..<2 { y = y.narrowed(axis + 2, from: before[axis], length: sides[axis]) }
    return y
  }
}

import Torch

/// The nine displaced and weighted samples that a deformable convolution takes around every pixel, made one at a time
/// from plain operators, so that nine copies of a map need not be in memory at once where no gradient is wanted.
struct DisplacedTaps {
  /// How taps are counted, and what comes first in an offset: along the kernel's rows with y, or down its columns with x.
  enum Order { case rows, columns }

  /// The map as `[B·n, C/n, H, W]`.
  private let map: Tensor
  private let offsets: Tensor, weights: Tensor
  private let groups: Int, order: Order
  /// The pixels' own places, `[1, 1, W]` and `[1, H, 1]`.
  private let columns: Tensor, rows: Tensor

  /// - Parameters:
  ///   - map: `[B, H, W, C]`.
  ///   - offsets: `[B, H, W, 18n]`, in pixels.
  ///   - weights: `[B, H, W, 9n]`.
  init(of map: Tensor, offsets: Tensor, weights: Tensor, groups: Int, order: Order) {
    let (batch, height, width, channels) = (map.size(0), map.size(1), map.size(2), map.size(3))
    let members = channels / groups
    self.map = map.reshaped([batch, height, width, groups, members]).permuted([0, 3, 4, 1, 2])
      .reshaped([batch * groups, members, height, width])
    // A place in a wide map needs more digits than bfloat16 has.
    self.offsets = offsets.widened.reshaped([batch, height, width, groups, 9, 2]).permuted([0, 3, 4, 5, 1, 2])
      .reshaped([batch * groups, 9, 2, height, width])
    self.weights = weights.reshaped([batch, height, width, groups, 9]).permuted([0, 3, 4, 1, 2])
      .reshaped([batch * groups, 9, height, width])
    (self.groups, self.order) = (groups, order)
    let type = self.offsets.type
    columns = Tensor.range(0, Double(width), type: type, device: map.device).reshaped([1, 1, width])
    rows = Tensor.range(0, Double(height), type: type, device: map.device).reshaped([1, height, 1])
  }

  /// One tap's samples times their weights, `[B, C, H, W]`.
  subscript(tap: Int) -> Tensor {
    let (height, width) = (map.size(2), map.size(3))
    let pair = offsets.narrowed(1, from: tap, length: 1)
    func offset(_ index: Int) -> Tensor {
      pair.narrowed(2, from: index, length: 1).reshaped([-1, height, width])
    }
    let (x, y) =
      switch order {
      case .rows: (columns + offset(1) + Double(tap % 3 - 1), rows + offset(0) + Double(tap / 3 - 1))
      case .columns: (columns + offset(0) + Double(tap / 3 - 1), rows + offset(1) + Double(tap % 3 - 1))
      }
    // Pixel centres lie at (2 i + 1) / size - 1 of a grid that runs from -1 to 1.
    let grid = Tensor.stacked([(x * 2 + 1) / Double(width) - 1, (y * 2 + 1) / Double(height) - 1], axis: 3)
    let samples = map.sampled(at: grid) * weights.narrowed(1, from: tap, length: 1)
    return samples.reshaped([-1, groups * map.size(1), height, width])
  }
}

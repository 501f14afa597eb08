import Foundation

/// Slices that are brighter and darker by turns, as where odd and even ones were acquired one after the other.
package struct Interleaving: Sendable, Equatable {
  /// The volume's axis along which the slices lie.
  package let axis: Int
  /// By how much the natural logarithm of even slices (0, 2, …) exceeds that of odd ones.
  package let difference: Double

  /// How much brighter the brighter half is.
  package var ratio: Double { exp(abs(difference)) }
}

extension Volume {
  /// Of 101 scans of 33 people, along whichever axis, 0.053 at the most.
  private static let leastDifference = 0.1
  /// Compared voxels of a slice, at the most.
  private static let compared = 8192

  /// How its slices alternate, along the axis on which they are thickest; nil where they do not, where voxels are as long as broad, and
  /// where there are too few slices to tell.
  ///
  /// A slice is compared with the mean of its neighbours, where all three show the head; it alternates where nine in ten slices differ
  /// in turn, by much more than they vary.
  package var interleaving: Interleaving? {
    let spacing = affine.spacing
    guard let axis = (0..<3).max(by: { spacing[$0] < spacing[$1] }), spacing[axis] > 1.2 * spacing.min(),
      let scale = ForegroundScale.of(voxels)
    else { return nil }
    let limit = Float(ForegroundScale.floor * scale)
    let turns = (1..<max(1, dimensions[axis] - 1)).compactMap { slice -> Double? in
      brightness(of: slice, along: axis, above: limit).map { slice % 2 == 0 ? $0 : -$0 }
    }
    guard turns.count >= 6 else { return nil }
    func median(_ values: [Double]) -> Double {
      let sorted = values.sorted()
      return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    }
    let step = median(turns)
    let alike = turns.count { $0 * step > 0 }
    guard abs(step) > Self.leastDifference, 10 * alike > 9 * turns.count,
      median(turns.map { abs($0 - step) }) < abs(step) / 3
    else { return nil }
    // Of slices that are brighter and darker by a factor, each differs from both neighbours by all of it.
    return Interleaving(axis: axis, difference: step)
  }

  /// How far a slice's logarithm lies above its neighbours' mean, as a median over its voxels; nil where too few show the head.
  private func brightness(of slice: Int, along axis: Int, above limit: Float) -> Double? {
    let strides = [1, dimensions.x, dimensions.x * dimensions.y]
    let (across, down) = ((axis + 1) % 3, (axis + 2) % 3)
    let (columns, rows) = (dimensions[across], dimensions[down])
    let every = max(1, columns * rows / (4 * Self.compared))
    var ratios: [Float] = []
    var place = 0
    while place < columns * rows {
      let voxel =
        place % columns * strides[across] + place / columns * strides[down] + slice * strides[axis]
      let (before, own, after) = (voxels[voxel - strides[axis]], voxels[voxel], voxels[voxel + strides[axis]])
      if min(before, own, after) > limit { ratios.append(own * own / (before * after)) }
      place += every
    }
    guard ratios.count >= 100 else { return nil }
    ratios.sort()
    return 0.5 * Double(log(ratios[ratios.count / 2]))
  }

  /// Makes all slices as bright as the mean of the bright and the dark ones.
  package mutating func even(out interleaving: Interleaving) {
    let half = Float(exp(interleaving.difference / 2))
    let stride = [1, dimensions.x, dimensions.x * dimensions.y][interleaving.axis]
    for voxel in voxels.indices {
      voxels[voxel] *= voxel / stride % dimensions[interleaving.axis] % 2 == 0 ? 1 / half : half
    }
  }
}

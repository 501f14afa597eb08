import Imaging

/// Where patches lie in a subject's grid: within the box of voxels that are bright, or over it where it is smaller than the
/// patch. Around a grid that is smaller than a patch are zeros.
struct Patches {
  private let extent: Extent
  private let grid: Extent
  /// By axis, the first and the last plane, row and column that hold anything bright.
  private let signal: [[Int]]

  init(of extent: Extent, in subject: CohortManifest.Subject, of manifest: CohortManifest) {
    self.extent = extent
    grid = manifest.grid(of: subject)
    signal = subject.signal ?? grid.sizes.map { [0, $0 - 1] }
  }

  /// Where a patch may begin along an axis.
  private func places(_ axis: Int) -> ClosedRange<Int> {
    let (side, size) = (extent.sizes[axis], grid.sizes[axis])
    let (first, last) = (signal[axis][0], signal[axis][1] + 1 - side)
    if side >= size {
      // Of an odd number of zeros fewer lie before, as around slices and where a network is applied to a volume.
      let centred = (size - side) / 2
      return centred...centred
    }
    return max(0, min(first, last))...min(size - side, max(first, last))
  }

  /// The first voxel of the patch that is drawn with this number: a function of seed and number alone.
  func drawn(seed: UInt64, number: Int) -> [Int] {
    // The upper half of the streams; the lower one shuffles.
    var random = RandomSource(seed: seed, stream: 1 << 63 | UInt64(number))
    return extent.sizes.indices.map { axis in
      let places = places(axis)
      return places.lowerBound + random.integer(below: places.count)
    }
  }

  /// The first voxels of the fewest evenly spread patches that cover what is bright.
  var covering: [[Int]] {
    let starts = extent.sizes.indices.map { axis -> [Int] in
      let (places, side) = (places(axis), extent.sizes[axis])
      let (first, last) = (places.lowerBound, places.upperBound)
      let length = signal[axis][1] + 1 - signal[axis][0]
      if length <= side { return [(first + last) / 2] }
      let count = (length + side - 1) / side
      return (0..<count).map { first + (last - first) * $0 / (count - 1) }
    }
    return starts[0].flatMap { z in starts[1].flatMap { y in starts[2].map { [z, y, $0] } } }
  }
}

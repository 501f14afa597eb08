import Imaging

/// The voxels of an image or a volume and the distance in mm between neighbours along each axis, slowest axis first:
/// planes, rows and columns.
public struct VoxelGrid: Sendable, Equatable {
  public let extent: Extent
  /// mm, one for each of the extent's sizes.
  public let spacing: [Double]

  public init(_ extent: Extent, spacing: [Double]) {
    precondition(
      spacing.count == extent.dimensions && spacing.allSatisfy { $0 > 0 && $0.isFinite },
      "spacings \(spacing) do not fit \(extent) voxels")
    (self.extent, self.spacing) = (extent, spacing)
  }

  /// The grid of a volume, whose voxels lie [plane][row][column] in memory.
  public init(_ grid: Grid) {
    let (size, spacing) = (grid.dimensions, grid.affine.spacing)
    self.init(Extent(size.z, size.y, size.x), spacing: [spacing.z, spacing.y, spacing.x])
  }

  /// ml a voxel: nothing for an image, which has no thickness.
  public var voxelVolume: Double? { extent.dimensions == 3 ? spacing.reduce(1, *) / 1000 : nil }

  /// Voxels from one to the next along each axis.
  package var strides: [Int] {
    extent.sizes.indices.map { axis in extent.sizes[(axis + 1)...].reduce(1, *) }
  }

  /// The smallest box with every voxel that is true in `mask` and `margin` mm around it, as far as the grid reaches;
  /// nothing where none is.
  package func box(of mask: [Bool], margin: Double = 0) -> GridBox? {
    let (sizes, strides) = (extent.sizes, strides)
    var (lower, upper) = (sizes, [Int](repeating: -1, count: sizes.count))
    for voxel in mask.indices where mask[voxel] {
      for axis in sizes.indices {
        let place = voxel / strides[axis] % sizes[axis]
        lower[axis] = min(lower[axis], place)
        upper[axis] = max(upper[axis], place)
      }
    }
    guard upper[0] >= 0 else { return nil }
    let ranges = sizes.indices.map { axis in
      let reach = Int((margin / spacing[axis]).rounded(.up))
      return max(0, lower[axis] - reach)..<min(sizes[axis], upper[axis] + reach + 1)
    }
    return GridBox(ranges: ranges, of: self)
  }
}

/// A part of a grid.
package struct GridBox {
  package let grid: VoxelGrid
  /// Where the rows of the box lie in the whole.
  private let rows: [Range<Int>]

  init(ranges: [Range<Int>], of whole: VoxelGrid) {
    grid = VoxelGrid(Extent(sizes: ranges.map(\.count)), spacing: whole.spacing)
    let columns = ranges[ranges.count - 1]
    var starts = [columns.lowerBound]
    // The slowest axis is spread last, so that it comes first.
    for (range, stride) in zip(ranges, whole.strides).dropLast().reversed() {
      starts = range.flatMap { place in starts.map { $0 + place * stride } }
    }
    rows = starts.map { $0..<$0 + columns.count }
  }

  /// What lies in the box.
  package func cut<Value>(_ values: [Value]) -> [Value] {
    var part: [Value] = []
    part.reserveCapacity(grid.extent.count)
    for row in rows { part += values[row] }
    return part
  }
}

import Imaging

/// A subject's stored volumes, as far as one must know what slices of them show.
struct StoredView {
  /// What there is to see.
  struct Seen {
    /// The slices that are used.
    let slices: [Int]
    /// Share of the non-zero voxels of all slices asked for that a slice as it is read cuts off.
    let cropped: Double
    /// First and last plane, row and column with a voxel of at least a tenth of its scan's scale; nil where there is none.
    let signal: [[Int]]?
    /// By channel, of the slices that are used.
    let shapes: [IntensityShape]
  }

  /// [channel][plane][row][column]
  private let voxels: UnsafeBufferPointer<UInt16>
  private let extent: Extent
  private let channels: Int
  /// The rows and columns that a slice shows as it is read.
  private let rows: Range<Int>, columns: Range<Int>

  init(
    _ voxels: UnsafeBufferPointer<UInt16>, _ extent: Extent, _ channels: Int, offset: [Int], in slice: Extent
  ) {
    (self.voxels, self.extent, self.channels) = (voxels, extent, channels)
    rows = max(0, -offset[0])..<min(extent.rows, slice.rows - offset[0])
    columns = max(0, -offset[1])..<min(extent.columns, slice.columns - offset[1])
  }

  /// - Parameter dropsEmpty: whether slices that are zero in all channels are not used.
  func seen(_ slices: Range<Int>, _ dropsEmpty: Bool) -> Seen {
    let isCropped = rows.count < extent.rows || columns.count < extent.columns
    let shown = slices.map { count($0, rows, columns) }
    let inside = shown.reduce(0, +)
    let everywhere =
      isCropped ? slices.reduce(0) { $0 + count($1, 0..<extent.rows, 0..<extent.columns) } : inside
    let used = zip(slices, shown).filter { $1 > 0 || !dropsEmpty }.map(\.0)
    return Seen(
      slices: used, cropped: everywhere == 0 ? 0 : 1 - Double(inside) / Double(everywhere), signal: signal,
      shapes: (0..<channels).map { IntensityShape(counts: histogram($0, used)) })
  }

  private func row(_ channel: Int, _ plane: Int, _ row: Int, _ columns: Range<Int>)
    -> UnsafeBufferPointer<UInt16>
  {
    let first = ((channel * extent.planes + plane) * extent.rows + row) * extent.columns
    return UnsafeBufferPointer(rebasing: voxels[first + columns.lowerBound..<first + columns.upperBound])
  }

  /// How many voxels of a plane are not 0, over all channels.
  private func count(_ plane: Int, _ rows: Range<Int>, _ columns: Range<Int>) -> Int {
    var count = 0
    for channel in 0..<channels {
      for row in rows {
        for value in self.row(channel, plane, row, columns) { count &+= value == 0 ? 0 : 1 }
      }
    }
    return count
  }

  private var signal: [[Int]]? {
    func isBright(_ value: UInt16) -> Bool { UInt16(littleEndian: value) >= StoredIntensity.bright }
    var (first, last) = (extent.sizes, [-1, -1, -1])
    for channel in 0..<channels {
      for plane in 0..<extent.planes {
        for line in 0..<extent.rows {
          let row = row(channel, plane, line, 0..<extent.columns)
          guard let left = row.firstIndex(where: isBright), let right = row.lastIndex(where: isBright) else {
            continue
          }
          (first[0], last[0]) = (min(first[0], plane), max(last[0], plane))
          (first[1], last[1]) = (min(first[1], line), max(last[1], line))
          (first[2], last[2]) = (min(first[2], left), max(last[2], right))
        }
      }
    }
    return last[0] < 0 ? nil : zip(first, last).map { [$0, $1] }
  }

  /// Of what is not 0, in 256 steps up to 1, the last of which has all that is above.
  private func histogram(_ channel: Int, _ slices: [Int]) -> [Int] {
    var counts = [Int](repeating: 0, count: 256)
    let steps = 256 / StoredIntensity.one
    counts.withUnsafeMutableBufferPointer { counts in
      for plane in slices {
        for row in rows {
          for value in self.row(channel, plane, row, columns) {
            let value = UInt16(littleEndian: value)
            if value > 0 { counts[min(Int(Float(value) * steps), 255)] &+= 1 }
          }
        }
      }
    }
    return counts
  }
}

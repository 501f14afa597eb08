import Imaging

/// Where a patient's head is in each plane: between the first and the last foreground of its row and of its column, and not
/// where every scan is exactly 0, as around a stripped brain. Elsewhere is air, of which nothing is made.
struct HeadOutline {
  /// Voxels around the foreground that belong to it.
  private static let margin = 2
  private let isHead: [Bool]

  /// - Parameter images: on one grid, scaled by the foreground's rule; one at least.
  init(_ images: [Volume]) {
    let size = images[0].dimensions
    let (columns, rows, area) = (size.x, size.y, size.x * size.y)
    let limit = Float(ForegroundScale.floor * ForegroundScale.level)
    var isHead = [Bool](repeating: false, count: area * size.z)
    for plane in 0..<size.z {
      let start = plane * area
      var (left, right) = ([Int](repeating: columns, count: rows), [Int](repeating: -1, count: rows))
      var (top, bottom) = ([Int](repeating: rows, count: columns), [Int](repeating: -1, count: columns))
      for row in 0..<rows {
        for column in 0..<columns
        where images.contains(where: { $0.voxels[start + row * columns + column] > limit }) {
          (left[row], right[row]) = (min(left[row], column), column)
          (top[column], bottom[column]) = (min(top[column], row), row)
        }
      }
      let margin = HeadOutline.margin
      for row in 0..<rows {
        for column in 0..<columns {
          let voxel = start + row * columns + column
          guard right[row] >= 0, bottom[column] >= 0,
            (left[row] - margin...right[row] + margin).contains(column),
            (top[column] - margin...bottom[column] + margin).contains(row)
          else { continue }
          isHead[voxel] = images.contains { $0.voxels[voxel] != 0 }
        }
      }
    }
    self.isHead = isHead
  }

  /// The same volume with 0 in the air.
  func cleared(_ volume: Volume) -> Volume {
    var result = volume
    for voxel in result.voxels.indices where !isHead[voxel] { result.voxels[voxel] = 0 }
    return result
  }
}

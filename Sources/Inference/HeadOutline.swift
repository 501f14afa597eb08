import Imaging

/// Where a patient's head is: everywhere else is air, of which nothing is made.
///
/// Around a stripped brain every scan is exactly 0. Around a whole head there is noise; there the head lies, in each plane,
/// between the first and the last foreground of its row and of its column.
struct HeadOutline {
  /// Voxels around the foreground that belong to a head, and within which a stripped brain's faint rim lies.
  private static let margin = 2, rim = 8
  /// The largest share of voxels beyond the rim that are not 0, of those within, for a brain to be stripped.
  private static let stray = 0.05
  private let isHead: [Bool]

  /// - Parameter images: on one grid, scaled by the foreground's rule; one at least.
  init(_ images: [Volume]) {
    let size = images[0].dimensions
    let spans = Spans(images)
    var isAny = [Bool](repeating: false, count: size.x * size.y * size.z)
    var (inside, outside) = (0, 0)
    for voxel in isAny.indices where images.contains(where: { $0.voxels[voxel] != 0 }) {
      isAny[voxel] = true
      if spans.contains(voxel, within: HeadOutline.rim) { inside += 1 } else { outside += 1 }
    }
    let isStripped = Double(outside) < HeadOutline.stray * Double(inside)
    isHead =
      isStripped ? isAny : isAny.indices.map { isAny[$0] && spans.contains($0, within: HeadOutline.margin) }
  }

  /// The same volume with 0 in the air.
  func cleared(_ volume: Volume) -> Volume {
    var result = volume
    for voxel in result.voxels.indices where !isHead[voxel] { result.voxels[voxel] = 0 }
    return result
  }
}

/// From where to where rows and columns of each plane have foreground.
private struct Spans {
  private let columns: Int, rows: Int
  /// By plane and row, and by plane and column; nothing where there is no foreground.
  private var across: [ClosedRange<Int>?], down: [ClosedRange<Int>?]

  init(_ images: [Volume]) {
    let size = images[0].dimensions
    (columns, rows) = (size.x, size.y)
    across = Array(repeating: nil, count: rows * size.z)
    down = Array(repeating: nil, count: columns * size.z)
    for line in across.indices {
      let (plane, row) = line.quotientAndRemainder(dividingBy: rows)
      for column in 0..<columns
      where images.contains(where: { $0.voxels[line * columns + column] > ForegroundScale.seen }) {
        let place = plane * columns + column
        across[line] = min(across[line]?.lowerBound ?? .max, column)...column
        down[place] = min(down[place]?.lowerBound ?? .max, row)...row
      }
    }
  }

  /// Whether a place lies between foreground along its row and along its column, or along lines so near to it.
  func contains(_ voxel: Int, within margin: Int) -> Bool {
    let (line, column) = voxel.quotientAndRemainder(dividingBy: columns)
    let (plane, row) = line.quotientAndRemainder(dividingBy: rows)
    func holds(_ span: ClosedRange<Int>?, _ place: Int) -> Bool {
      span.map { $0.lowerBound - margin <= place && place <= $0.upperBound + margin } ?? false
    }
    let lines = max(0, row - margin)...min(rows - 1, row + margin)
    let places = max(0, column - margin)...min(columns - 1, column + margin)
    return lines.contains { holds(across[plane * rows + $0], column) }
      && places.contains { holds(down[plane * columns + $0], row) }
  }
}

import Imaging

/// Where a patient's head is: everywhere else is air, of which nothing is made.
///
/// Around a stripped brain every scan is exactly 0, as it is around a head whose air was put to 0. Where there is noise the head
/// lies, in each plane, between the first and the last foreground of its row and of its column.
package struct HeadOutline {
  /// Voxels around the foreground that belong to a head, and within which a stripped brain's faint rim lies.
  private static let margin = 2, rim = 8
  /// The largest share of voxels beyond the rim that are not 0, of those within, for air to be 0.
  private static let stray = 0.05
  /// What counts as 0, as a share of the scale of the foreground: whole numbers with a slope and an intercept do not meet it
  /// exactly.
  private static let zero = 0.005
  /// Fluid that is nulled in all scans is 0 here and there, and no air: the largest such spot in a plane, in mm².
  private static let hole = 50.0
  /// How far beneath the skin of a whole head, and how far below its top, brain is found, in mm: inside of scalp and skull, and
  /// above face and neck.
  private static let scalp = 20.0, height = 100.0
  /// By voxel.
  let isHead: [Bool]
  private let spans: Spans
  /// Whether there is no skull around the brain.
  let isStripped: Bool

  /// - Parameters:
  ///   - images: on one grid; one at least.
  ///   - limits: of each what its foreground lies above.
  package init(_ images: [Volume], limits: [Float]) {
    let size = images[0].dimensions
    spans = Spans(images, limits)
    let zeros = limits.map { $0 * Float(HeadOutline.zero / ForegroundScale.floor) }
    var isAny = [Bool](repeating: false, count: size.x * size.y * size.z)
    var (inside, outside) = (0, 0)
    for voxel in isAny.indices where images.indices.contains(where: { images[$0].voxels[voxel] > zeros[$0] })
    {
      isAny[voxel] = true
      if spans.contains(voxel, within: HeadOutline.rim) { inside += 1 } else { outside += 1 }
    }
    let isAirZero = Double(outside) < HeadOutline.stray * Double(inside)
    let shape = isAirZero ? HeadShape(images, factors: limits.map { ForegroundScale.seen / $0 }) : nil
    isStripped = isAirZero && !(shape?.isWholeHead ?? false)
    var isHead = isAirZero ? isAny : spans.contained(in: isAny, within: HeadOutline.margin)
    let spacing = images[0].affine.spacing
    PlaneHoles.fill(
      &isHead, columns: size.x, rows: size.y, largest: Int(HeadOutline.hole / (spacing.x * spacing.y)))
    self.isHead = isHead
  }

  /// Places where there is brain, whatever else there may be: of a stripped one all, of a whole head what lies deep in its upper
  /// part; all of it too where none lies so.
  ///
  /// - Parameter grid: the images'; its planes go upwards.
  package func brain(on grid: Grid) -> [Bool] {
    let spacing = grid.affine.spacing
    let planes = Int((HeadOutline.height / spacing.z).rounded())
    guard !isStripped, let top = spans.planes?.upperBound else { return isHead }
    let margin = SIMD2(
      Int((HeadOutline.scalp / spacing.x).rounded()), Int((HeadOutline.scalp / spacing.y).rounded()))
    let area = grid.dimensions.x * grid.dimensions.y
    let found = isHead.indices.map {
      isHead[$0] && $0 / area > top - planes && spans.contains($0, deeper: margin)
    }
    return found.contains(true) ? found : isHead
  }

  /// Puts 0 into the air.
  func clear(_ volume: inout Volume) {
    for voxel in volume.voxels.indices where !isHead[voxel] { volume.voxels[voxel] = 0 }
  }
}

/// From where to where rows and columns of each plane have foreground.
private struct Spans {
  private let columns: Int, rows: Int
  /// By plane and row, and by plane and column; nothing where there is no foreground.
  private var across: [ClosedRange<Int>?], down: [ClosedRange<Int>?]

  init(_ images: [Volume], _ limits: [Float]) {
    let size = images[0].dimensions
    (columns, rows) = (size.x, size.y)
    across = Array(repeating: nil, count: rows * size.z)
    down = Array(repeating: nil, count: columns * size.z)
    for line in across.indices {
      let (plane, row) = line.quotientAndRemainder(dividingBy: rows)
      for column in 0..<columns
      where images.indices.contains(where: { images[$0].voxels[line * columns + column] > limits[$0] }) {
        let place = plane * columns + column
        across[line] = min(across[line]?.lowerBound ?? .max, column)...column
        down[place] = min(down[place]?.lowerBound ?? .max, row)...row
      }
    }
  }

  /// The first and the last plane with foreground.
  var planes: ClosedRange<Int>? {
    let filled = (0..<across.count / rows).filter { plane in
      across[plane * rows..<(plane + 1) * rows].contains { $0 != nil }
    }
    return filled.first.flatMap { first in filled.last.map { first...$0 } }
  }

  func contained(in places: [Bool], within margin: Int) -> [Bool] {
    places.indices.map { places[$0] && contains($0, within: margin) }
  }

  /// Whether a place lies between foreground along its row and along its column, at least so many columns and rows from their
  /// ends.
  func contains(_ voxel: Int, deeper margin: SIMD2<Int>) -> Bool {
    let (line, column) = voxel.quotientAndRemainder(dividingBy: columns)
    let (plane, row) = line.quotientAndRemainder(dividingBy: rows)
    func holds(_ span: ClosedRange<Int>?, _ place: Int, _ margin: Int) -> Bool {
      span.map { $0.lowerBound + margin <= place && place <= $0.upperBound - margin } ?? false
    }
    return holds(across[line], column, margin.x) && holds(down[plane * columns + column], row, margin.y)
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

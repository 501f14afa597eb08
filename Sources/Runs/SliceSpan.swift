import Cohorts
import Imaging
import Metrics

/// A subject's planes from the first to the last of its chosen slices, as a volume of its own.
struct SliceSpan: Sendable {
  /// Of the planes in the subject's own grid.
  let first: Int
  /// mm as the patient has them.
  let grid: VoxelGrid
  private let isChosen: [Bool]
  /// Of a slice what is the patient's and no padding.
  private let rows: Range<Int>, columns: Range<Int>
  /// Whether the subject's own volume goes on below the first and above the last of the planes.
  private let goesOn: (below: Bool, above: Bool)

  init(of subject: CohortManifest.Subject, in manifest: CohortManifest) {
    let (first, last) = (subject.slices.first ?? 0, subject.slices.last ?? 0)
    let spacing = manifest.spacing(of: subject)
    self.first = first
    grid = VoxelGrid(
      Extent(last - first + 1, manifest.extent.rows, manifest.extent.columns),
      spacing: [spacing.z, spacing.y, spacing.x])
    func part(_ offset: Int, _ count: Int, of side: Int) -> Range<Int> {
      guard !subject.resized else { return 0..<side }
      let start = min(max(0, offset), side)
      return start..<max(start, min(side, offset + count))
    }
    rows = part(subject.offset[0], subject.dimensions[1], of: manifest.extent.rows)
    columns = part(subject.offset[1], subject.dimensions[0], of: manifest.extent.columns)
    let chosen = Set(subject.slices)
    isChosen = (first...last).map(chosen.contains)
    // That rule leaves out nothing but slices without anything in them.
    let cuts = manifest.sliceRule != .all
    goesOn = (cuts && first > 0, cuts && last < subject.dimensions[2] - 1)
  }

  /// Whether slices in between are not chosen.
  var hasGaps: Bool { isChosen.contains(false) }

  /// Whether a region touches the first or the last plane where that is not the end of the subject's volume: what is measured
  /// of it is of the chosen slices, and it may go on beyond them.
  func isCut(_ mask: [Bool]) -> Bool {
    goesOn.below && mask.prefix(size).contains(true) || goesOn.above && mask.suffix(size).contains(true)
  }

  /// Puts 0 where a map of the span is no part of the patient's volume.
  func clearPadding(_ map: inout [UInt8]) {
    for index in map.indices {
      let (line, column) = index.quotientAndRemainder(dividingBy: grid.extent.columns)
      if !columns.contains(column) || !rows.contains(line % grid.extent.rows) { map[index] = 0 }
    }
  }

  /// Voxels of a plane.
  var size: Int { grid.extent.rows * grid.extent.columns }

  /// Of the planes of a whole volume those of the span; `nothing` fills those that are not chosen.
  func cut<Value>(_ volume: [Value], _ nothing: Value) -> [Value] {
    isChosen.enumerated().flatMap { index, isChosen in
      isChosen
        ? volume[(first + index) * size..<(first + index + 1) * size]
        : Array(repeating: nothing, count: size)[...]
    }
  }
}

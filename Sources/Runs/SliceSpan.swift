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
  /// Whether the subject's own volume goes on below the first and above the last of the planes.
  private let goesOn: (below: Bool, above: Bool)

  init(of subject: CohortManifest.Subject, in manifest: CohortManifest) {
    let (first, last) = (subject.slices.first ?? 0, subject.slices.last ?? 0)
    let spacing = manifest.spacing(of: subject)
    self.first = first
    grid = VoxelGrid(
      Extent(last - first + 1, manifest.extent.rows, manifest.extent.columns),
      spacing: [spacing.z, spacing.y, spacing.x])
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

import Foundation
import Imaging

/// The part of a patient's planes that a network sees, at voxels that it was trained on, and the way back: planes with much
/// larger or smaller voxels are resampled, and what lies around the head is left away.
///
/// A window that does neither changes nothing.
struct PatientWindow {
  /// Voxels in the plane, in mm, that are left as they are; others become voxels of 1 mm.
  static let spacings = 0.8...1.3
  /// Pixels that are left around the head, and of what the sides become multiples where there is room.
  private static let margin = 8, multiple = 16

  /// The volume's own, in LPS order.
  private let own: Grid
  private let size: SIMD2<Int>
  private var columns: Range<Int>, rows: Range<Int>

  init(_ own: Grid, resizes: Bool) {
    self.own = own
    let spacing = own.affine.spacing
    size =
      (resizes && (0..<2).contains { !PatientWindow.spacings.contains(spacing[$0]) })
      ? SIMD2(
        max(1, Int((Double(own.dimensions.x) * spacing.x).rounded())),
        max(1, Int((Double(own.dimensions.y) * spacing.y).rounded())))
      : SIMD2(own.dimensions.x, own.dimensions.y)
    (columns, rows) = (0..<size.x, 0..<size.y)
  }

  /// Columns, rows and planes, before anything is left away.
  var dimensions: SIMD3<Int> { [size.x, size.y, own.dimensions.z] }

  private var isResized: Bool { size != SIMD2(own.dimensions.x, own.dimensions.y) }

  /// What a reader should know of it.
  var notes: [String] {
    guard isResized else { return [] }
    let spacing = own.affine.spacing
    return [
      String(
        format: "planes of %.2f x %.2f mm were resampled to about 1 mm for the model, and what it made back",
        spacing.x, spacing.y)
    ]
  }

  /// A volume on its own grid at the window's voxels.
  func resized(_ volume: Volume) -> Volume { volume.resized(columns: size.x, rows: size.y) }

  /// Leaves away what lies around the foreground of all the images, which have been resized and scaled.
  mutating func close(around images: [Volume]) {
    let limit = ForegroundScale.seen
    var (low, high) = (size, SIMD2<Int>(repeating: -1))
    for image in images {
      for row in 0..<image.dimensions.y * image.dimensions.z {
        let line = image.voxels[row * size.x..<(row + 1) * size.x]
        guard let first = line.firstIndex(where: { $0 > limit }),
          let last = line.lastIndex(where: { $0 > limit })
        else { continue }
        let y = row % size.y
        low = pointwiseMin(low, [first - line.startIndex, y])
        high = pointwiseMax(high, [last - line.startIndex, y])
      }
    }
    guard high.min() >= 0 else { return }
    columns = PatientWindow.side(low.x...high.x, of: size.x)
    rows = PatientWindow.side(low.y...high.y, of: size.y)
  }

  private static func side(_ inner: ClosedRange<Int>, of size: Int) -> Range<Int> {
    let wanted = inner.count + 2 * margin
    let length = min(size, (wanted + multiple - 1) / multiple * multiple)
    let start = max(0, min(size - length, inner.lowerBound - (length - inner.count) / 2))
    return start..<start + length
  }

  func cropped(_ volume: Volume) -> Volume { volume.cropped(columns: columns, rows: rows) }

  /// What was made of the window on the volume's own grid; 0 around it.
  func restored(_ volume: Volume) -> Volume {
    let whole = volume.uncropped(columns: columns, rows: rows, to: resizedGrid)
    return isResized ? whole.resampled(to: own) : Volume(grid: own, voxels: whole.voxels)
  }

  private var resizedGrid: Grid { own.resized(columns: size.x, rows: size.y) }
}

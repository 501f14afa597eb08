import Foundation
import Imaging

/// The part of a patient's planes that a network sees, at voxels that it was trained on, and the way back: planes with much
/// larger or smaller voxels are resampled, and what lies around the head is left away.
///
/// A window that does neither changes nothing.
struct PatientWindow {
  /// Voxels in the plane, over those of training, that are left as they are; others become as large as those of training.
  static let ratios = 0.8...1.3
  /// Pixels that are left around the head, and of what the sides become multiples where there is room.
  private static let margin = 8, multiple = 16

  /// The volume's own, in LPS order.
  private let own: Grid
  private let size: SIMD2<Int>
  /// Of training, in mm.
  private let trained: SIMD2<Double>
  private var columns: Range<Int>, rows: Range<Int>

  /// - Parameter trained: voxels in the plane that the network knows, in mm; nil where any are left as they are.
  init(_ own: Grid, trainedAt trained: SIMD2<Double>?) {
    self.own = own
    self.trained = trained ?? SIMD2(1, 1)
    let spacing = SIMD2(own.affine.spacing.x, own.affine.spacing.y)
    let sides = SIMD2(own.dimensions.x, own.dimensions.y)
    if let trained, (0..<2).contains(where: { !PatientWindow.ratios.contains(spacing[$0] / trained[$0]) }) {
      let wanted = SIMD2(Double(sides.x), Double(sides.y)) * spacing / trained
      size = SIMD2(max(1, Int(wanted.x.rounded())), max(1, Int(wanted.y.rounded())))
    } else {
      size = sides
    }
    (columns, rows) = (0..<size.x, 0..<size.y)
  }

  /// Columns, rows and planes, before anything is left away.
  var dimensions: SIMD3<Int> { [size.x, size.y, own.dimensions.z] }

  private var isResized: Bool { size != SIMD2(own.dimensions.x, own.dimensions.y) }

  /// What a reader should know of it.
  var notes: [String] {
    guard isResized else { return [] }
    func mm(_ x: Double, _ y: Double) -> String { String(format: "%.2f x %.2f mm", x, y) }
    let (spacing, common) = (own.affine.spacing, trained == SIMD2(1, 1) ? "1 mm" : nil)
    return [
      "planes of \(mm(spacing.x, spacing.y)) were resampled to about \(common ?? mm(trained.x, trained.y)) "
        + "for the model, and its images back to theirs"
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

  /// What a volume in the window is where the whole of it is turned over, left to right.
  func mirrored(_ volume: Volume) -> Volume {
    var turned = volume
    for line in stride(from: 0, to: volume.voxels.count, by: columns.count) {
      for column in columns {
        let other = size.x - 1 - column
        turned.voxels[line + column - columns.lowerBound] =
          columns.contains(other) ? volume.voxels[line + other - columns.lowerBound] : 0
      }
    }
    return turned
  }

  /// What was made of the window on the volume's own grid; 0 around it.
  func restored(_ volume: Volume) -> Volume {
    let whole = volume.uncropped(columns: columns, rows: rows, to: resizedGrid)
    return isResized ? whole.resampled(to: own) : Volume(grid: own, voxels: whole.voxels)
  }

  private var resizedGrid: Grid { own.resized(columns: size.x, rows: size.y) }
}

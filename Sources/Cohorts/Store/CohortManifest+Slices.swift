import Failures
import Foundation
import Imaging

extension CohortManifest {
  /// What the used slices of a subject show of another volume on the grid of its scans, as they are read.
  /// - Parameters:
  ///   - volume: in any orientation.
  ///   - name: its file, for the message.
  /// - Returns: rows x columns by slice, 0 beyond the grid, in the volume's own intensities.
  /// - Throws: `.inconsistent` for a volume of other dimensions or voxel sizes: where it lies, the store does not know.
  public func slices(of volume: Volume, name: String, for subject: Subject) throws -> [Int: [Float]] {
    let volume = volume.reoriented(to: .lps)
    let size = volume.dimensions
    let spacing = volume.affine.spacing
    let isAlike = zip(0..<3, subject.spacing).allSatisfy { axis, own in
      own <= 0 || abs(spacing[axis] - own) <= 0.01 * own
    }
    guard [size.x, size.y, size.z] == subject.dimensions, isAlike else {
      func words(_ dimensions: [Int], _ spacing: [Double]) -> String {
        dimensions.map(String.init).joined(separator: " x ") + " voxels of "
          + spacing.map { String(format: "%g", $0) }.joined(separator: " x ") + " mm"
      }
      throw Failure(
        .inconsistent,
        "\(name): has \(words([size.x, size.y, size.z], [spacing.x, spacing.y, spacing.z])), and the scans of \(subject.id) have "
          + words(subject.dimensions, subject.spacing)
          + "; name one on their grid")
    }
    return Dictionary(
      uniqueKeysWithValues: subject.slices.map { ($0, slice(volume.slice($0), size, of: subject)) })
  }

  /// A plane padded, cropped or resized as the subject's are.
  private func slice(_ plane: [Float], _ size: SIMD3<Int>, of subject: Subject) -> [Float] {
    if subject.resized {
      return Picture.resized(plane, width: size.x, height: size.y, toWidth: width, toHeight: height)
    }
    var image = [Float](repeating: 0, count: extent.count)
    let (top, left) = (subject.offset[0], subject.offset[1])
    let columns = max(0, -left)..<min(size.x, width - left)
    guard !columns.isEmpty else { return image }
    for row in max(0, -top)..<min(size.y, height - top) {
      let start = (row + top) * width + columns.lowerBound + left
      image.replaceSubrange(
        start..<start + columns.count,
        with: plane[row * size.x + columns.lowerBound..<row * size.x + columns.upperBound])
    }
    return image
  }
}

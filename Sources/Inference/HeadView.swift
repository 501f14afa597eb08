import Foundation
import Imaging

/// One way of cutting a patient's head into slices for a network, and the way back.
///
/// Of a head that is as fine in every direction a network makes the same in three ways, whose errors are not the same: their mean
/// is nearer to the truth than any of them, and has no steps from slice to slice (as FastSurfer does with segmentations: Henschel et
/// al., NeuroImage 2020).
struct HeadView: Equatable {
  let plane: HeadPlane
  /// What the number of rows is multiplied by: coronal and sagittal rows are the volume's planes, which may be further apart than
  /// training's voxels. 1 leaves them as they are.
  let stretch: Double

  /// The largest edge in mm that voxels of a slice may have to be seen: computed heads have none that are larger. What is acquired in
  /// thick slices is seen in their own plane alone.
  static let largestVoxel = 2.1

  /// The views in which a model sees volumes of a grid; the axial one where it knows no other, and where none shows fine slices.
  /// - Parameter own: in LPS order, before anything is resampled.
  static func all(of own: Grid, for card: ModelCard) -> [HeadView] {
    let axial = [HeadView(plane: .axial, stretch: 1)]
    guard let known = card.planes, let trained = card.trainedVoxel?.x else { return axial }
    let spacing = own.affine.spacing
    let ratio = spacing.z / trained
    let stretch = PatientWindow.ratios.contains(ratio) ? 1 : ratio
    let views = known.filter { plane in
      let axes = plane.orientation.axes
      return spacing[axes.x] <= largestVoxel && spacing[axes.y] <= largestVoxel
    }
    guard !views.isEmpty else { return axial }
    return views.map { HeadView(plane: $0, stretch: $0 == .axial ? 1 : stretch) }
  }

  /// Of a volume of this size in LPS order.
  func dimensions(of size: SIMD3<Int>) -> SIMD3<Int> {
    let axes = plane.orientation.axes
    return [size[axes.x], rows(size[axes.y]), size[axes.z]]
  }

  private func rows(_ count: Int) -> Int { max(1, Int((Double(count) * stretch).rounded())) }

  /// Whether a volume of this grid looks any other.
  func changes(_ grid: Grid) -> Bool { plane != .axial || rows(grid.dimensions.y) != grid.dimensions.y }

  /// A volume in LPS order as it is seen.
  func seen(_ volume: Volume) -> Volume {
    let turned = volume.reoriented(to: plane.orientation)
    return turned.resized(columns: turned.dimensions.x, rows: rows(turned.dimensions.y))
  }

  /// The same of what is true of its voxels.
  func seen(_ mask: [Bool], on grid: Grid) -> [Bool] {
    changes(grid) ? seen(Volume(grid: grid, voxels: mask.map { $0 ? 1 : 0 })).voxels.map { $0 >= 0.5 } : mask
  }

  /// Adds what was made of a view to a volume in LPS order.
  func add(_ made: Volume, to sum: inout Volume, weight: Float) {
    let turned = sum.grid.reoriented(to: plane.orientation)
    let own = made.resized(columns: turned.dimensions.x, rows: turned.dimensions.y)
    let back = Volume(grid: turned, voxels: own.voxels).reoriented(to: .lps)
    for voxel in sum.voxels.indices { sum.voxels[voxel] += weight * back.voxels[voxel] }
  }
}

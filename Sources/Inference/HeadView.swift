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
  var rowFactor = 1.0
  /// The same of planes: of what was resampled to finer rows or columns, no more are seen as planes than were acquired.
  var planeFactor = 1.0

  /// How far apart planes may lie in mm to be rows of others: computed heads have no larger voxels. What was acquired in thick axial
  /// slices is seen in those alone.
  static let largestVoxel = 2.1

  /// The views in which a model sees volumes of a grid: the axial one, which changes nothing, and after it those that it knows.
  /// - Parameter own: in LPS order, before anything is resampled.
  static func all(of own: Grid, for card: ModelCard) -> [HeadView] {
    let axial = HeadView(plane: .axial)
    let spacing = own.affine.spacing
    guard let known = card.planes, let trained = card.trainedVoxel?.x, spacing.z <= largestVoxel else {
      return [axial]
    }
    func ratio(_ axis: Int) -> Double {
      let ratio = spacing[axis] / trained
      return PatientWindow.ratios.contains(ratio) ? 1 : ratio
    }
    let others = known.filter { $0 != .axial }.map { plane in
      HeadView(
        plane: plane, rowFactor: ratio(2), planeFactor: min(1, 1 / ratio(plane.orientation.axes.z)))
    }
    return [axial] + others
  }

  /// Of a volume of this size in LPS order.
  func dimensions(of size: SIMD3<Int>) -> SIMD3<Int> {
    let axes = plane.orientation.axes
    return [size[axes.x], count(size[axes.y], rowFactor), count(size[axes.z], planeFactor)]
  }

  private func count(_ number: Int, _ factor: Double) -> Int {
    max(1, Int((Double(number) * factor).rounded()))
  }

  /// A volume in LPS order as it is seen.
  func seen(_ volume: Volume) -> Volume {
    let size = dimensions(of: volume.dimensions)
    return volume.reoriented(to: plane.orientation).resized(columns: size.x, rows: size.y, planes: size.z)
  }

  /// Adds what was made of a view to a volume in LPS order.
  func add(_ made: Volume, to sum: inout Volume, weight: Float) {
    let turned = sum.grid.reoriented(to: plane.orientation)
    let size = turned.dimensions
    let own = made.resized(columns: size.x, rows: size.y, planes: size.z)
    let back = Volume(grid: turned, voxels: own.voxels).reoriented(to: .lps)
    for voxel in sum.voxels.indices { sum.voxels[voxel] += weight * back.voxels[voxel] }
  }
}

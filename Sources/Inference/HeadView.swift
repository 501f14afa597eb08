import Foundation
import Imaging

/// One way of cutting a patient's head into slices for a network, and the way back.
///
/// Of a head a network makes the same in three ways, whose errors are not the same: their mean is nearer to the truth than any of
/// them, and has no steps from slice to slice (as FastSurfer does with segmentations: Henschel et al., NeuroImage 2020).
struct HeadView: Equatable {
  let plane: HeadPlane
  /// Its share of the mean of it and those before it.
  var share = 1.0
  /// Of what it changes, only what is this broad within axial planes counts: a Gaussian's standard deviation in mm, 0 for all of it.
  var leastBreadth = 0.0
  /// What the number of rows is multiplied by: coronal and sagittal rows are the volume's planes, which may be further apart than
  /// training's voxels. 1 leaves them as they are.
  var rowFactor = 1.0
  /// The same of planes, 1 at the most.
  var planeFactor = 1.0

  /// How far apart axial slices lie in mm that count as thick. Rows of the other views lie between them then, so that those show
  /// less than the slices themselves.
  static let thick = 2.1
  /// Of thick ones, how broad it must be in mm what the other views change, as a Gaussian's standard deviation, and how far apart
  /// their planes are.
  static let broad = 2.0
  /// Computed heads have no slices that are further apart than this, in mm; what does is seen in axial ones alone.
  static let farthest = 8.0

  /// The views in which a model sees volumes of a grid: the axial one, which changes nothing, and after it those that it knows.
  /// - Parameter own: in LPS order, before anything is resampled.
  static func all(of own: Grid, for card: ModelCard) -> [HeadView] {
    let spacing = own.affine.spacing
    let others = (card.planes ?? []).filter { $0 != .axial }
    guard !others.isEmpty, let trained = card.trainedVoxel?.x, spacing.z <= farthest else {
      return [HeadView(plane: .axial)]
    }
    let isThick = spacing.z > thick
    func ratio(_ axis: Int) -> Double {
      let ratio = spacing[axis] / trained
      return PatientWindow.ratios.contains(ratio) ? 1 : ratio
    }
    let views = others.enumerated().map { number, plane in
      // Of what was resampled to finer rows and columns no more planes are seen than were acquired.
      let across = plane.orientation.axes.z
      let seen = isThick ? max(spacing[across], broad) : spacing[across]
      let between = ratio(across) == 1 ? spacing[across] : trained
      // Thick slices count twice.
      let before = number + (isThick ? 2 : 1)
      return HeadView(
        plane: plane, share: 1 / Double(before + 1), leastBreadth: isThick ? broad : 0, rowFactor: ratio(2),
        planeFactor: min(1, between / seen))
    }
    return [HeadView(plane: .axial)] + views
  }

  /// Edges of a pixel in mm, of voxels in LPS order.
  func sides(of spacing: SIMD3<Double>) -> SIMD2<Double> {
    let axes = plane.orientation.axes
    return SIMD2(spacing[axes.x], spacing[axes.y])
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

  /// Adds what was made of it to the mean of those before it, in LPS order.
  func add(_ made: Volume, to mean: inout Volume) {
    let turned = mean.grid.reoriented(to: plane.orientation)
    let size = turned.dimensions
    let own = made.resized(columns: size.x, rows: size.y, planes: size.z)
    var change = Volume(grid: turned, voxels: own.voxels).reoriented(to: .lps)
    for voxel in mean.voxels.indices { change.voxels[voxel] -= mean.voxels[voxel] }
    if leastBreadth > 0 { change = change.blurredInPlane(by: leastBreadth) }
    let share = Float(share)
    // What is changed broadly beside an edge could fall below nothing there.
    for voxel in mean.voxels.indices {
      mean.voxels[voxel] = max(0, mean.voxels[voxel] + share * change.voxels[voxel])
    }
  }
}

extension ModelCard {
  /// Whether it was trained on a cohort of thick axial slices.
  public var isOfThickSlices: Bool { spacing.count == 3 && spacing[2] > HeadView.thick }
}

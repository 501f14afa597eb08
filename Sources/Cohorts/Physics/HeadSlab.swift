import Imaging

/// Some planes of a computed head: which tissue lies where, and what skull-stripping keeps of it.
///
/// Planes run foot to head, rows anterior to posterior, columns from the patient's right to left; of coronal and sagittal ones
/// see `HeadPlane`.
package struct HeadSlab: Sendable {
  /// Planes, rows and columns; a margin is included.
  package var extent: Extent
  /// Edge of a voxel in plane, and the distance of planes, in mm.
  package var voxel: Double
  package var planeSpacing: Double
  /// `TissueClass` raw values of four sub-voxels a voxel, one after another: two of the row's upper half, two of its lower.
  package var classes: [UInt8]
  /// Share of each voxel that skull-stripping keeps, 0 ... 1.
  package var mask: [Float]
  package var plane: HeadPlane
  package var isStripped: Bool
  /// Whether it was laid over face and neck.
  package var isOverFace: Bool
  /// How much of the whole head is of each class, by raw value, where the mask keeps it; in no unit.
  package var volumes: [Double]
  /// The anatomy it was made from.
  package var anatomy: String
}

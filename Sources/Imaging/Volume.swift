/// A scan: voxel intensities on a grid in the patient's space.
///
/// `voxels[i + nx * (j + ny * k)]` lies at `affine` applied to (i, j, k): the first axis runs fastest, as in NIfTI.
public struct Volume: Sendable {
  /// Voxels along each axis (nx, ny, nz).
  public var dimensions: SIMD3<Int>
  public var affine: Affine
  /// Intensities with slope and intercept applied.
  public var voxels: [Float]

  public init(dimensions: SIMD3<Int>, affine: Affine, voxels: [Float]) {
    precondition(voxels.count == dimensions.x * dimensions.y * dimensions.z)
    self.dimensions = dimensions
    self.affine = affine
    self.voxels = voxels
  }
}

/// A voxel-to-world map: index (i, j, k) to millimetres in RAS+ (x to the patient's right, y anterior, z superior).
public struct Affine: Sendable, Equatable {
  /// The upper three rows of the 4 x 4 matrix; each is (coefficient of i, of j, of k, translation in mm).
  public var rows: [SIMD4<Double>]

  public init(_ x: SIMD4<Double>, _ y: SIMD4<Double>, _ z: SIMD4<Double>) { rows = [x, y, z] }

  /// A grid aligned with the axes: voxel sizes and the position of voxel (0, 0, 0), both in mm.
  public init(spacing: SIMD3<Double>, origin: SIMD3<Double> = .zero) {
    self.init(
      [spacing.x, 0, 0, origin.x], [0, spacing.y, 0, origin.y], [0, 0, spacing.z, origin.z])
  }
}

/// A voxel-to-world map: index (i, j, k) to millimetres in RAS+ (x to the patient's right, y anterior, z superior).
public struct Affine: Sendable, Equatable {
  /// The upper three rows of the 4 x 4 matrix; each is (coefficient of i, of j, of k, translation in mm).
  public var rows: [SIMD4<Double>]

  /// What a quaternion in single precision leaves open, where the map comes from one; two maps may differ in it.
  public var freeTurn: FreeTurn?

  public init(_ x: SIMD4<Double>, _ y: SIMD4<Double>, _ z: SIMD4<Double>) { rows = [x, y, z] }

  /// A grid aligned with the axes: voxel sizes and the position of voxel (0, 0, 0), both in mm.
  public init(spacing: SIMD3<Double>, origin: SIMD3<Double> = .zero) {
    self.init(
      [spacing.x, 0, 0, origin.x], [0, spacing.y, 0, origin.y], [0, 0, spacing.z, origin.z])
  }

  /// The map whose columns are the steps along i, j, k and the position of voxel (0, 0, 0), in mm.
  public init(columns: [SIMD3<Double>], origin: SIMD3<Double>) {
    func row(_ axis: Int) -> SIMD4<Double> {
      [columns[0][axis], columns[1][axis], columns[2][axis], origin[axis]]
    }
    self.init(row(0), row(1), row(2))
  }

  public static let identity = Affine(spacing: .one)

  public static func == (left: Affine, right: Affine) -> Bool { left.rows == right.rows }

  /// The step in mm from one voxel to the next along axis 0, 1 or 2.
  public func column(_ axis: Int) -> SIMD3<Double> { [rows[0][axis], rows[1][axis], rows[2][axis]] }

  /// Where voxel (0, 0, 0) lies, in mm.
  public var origin: SIMD3<Double> { column(3) }

  /// The position in mm of a voxel index, which may be fractional.
  public func callAsFunction(_ index: SIMD3<Double>) -> SIMD3<Double> {
    let point = SIMD4(index, 1)
    return [(rows[0] * point).sum(), (rows[1] * point).sum(), (rows[2] * point).sum()]
  }

  /// The distance in mm between neighbouring voxels along each axis.
  public var spacing: SIMD3<Double> { [length(column(0)), length(column(1)), length(column(2))] }

  /// Volume of a voxel in mm³, negative where the axes are left-handed.
  public var determinant: Double { dot(column(0), cross(column(1), column(2))) }

  public var isFinite: Bool { rows.allSatisfy { row in (0..<4).allSatisfy { row[$0].isFinite } } }

  /// Whether no axis has length nought and no two nearly coincide: relative volume above 1e-6.
  public var isInvertible: Bool {
    let size = spacing
    let box = size.x * size.y * size.z
    return isFinite && box.isNormal && abs(determinant) > 1e-6 * box
  }

  /// World to voxel. The map must be invertible.
  public var inverse: Affine {
    let (a, b, c) = (column(0), column(1), column(2))
    let scale = 1 / determinant
    let x = cross(b, c) * scale
    let y = cross(c, a) * scale
    let z = cross(a, b) * scale
    let t = origin
    return Affine(SIMD4(x, -dot(x, t)), SIMD4(y, -dot(y, t)), SIMD4(z, -dot(z, t)))
  }

  /// The map that applies `right` first.
  public static func * (left: Affine, right: Affine) -> Affine {
    func row(_ r: SIMD4<Double>) -> SIMD4<Double> {
      r.x * right.rows[0] + r.y * right.rows[1] + r.z * right.rows[2] + [0, 0, 0, r.w]
    }
    return Affine(row(left.rows[0]), row(left.rows[1]), row(left.rows[2]))
  }
}

func dot(_ a: SIMD3<Double>, _ b: SIMD3<Double>) -> Double { (a * b).sum() }
func length(_ a: SIMD3<Double>) -> Double { dot(a, a).squareRoot() }
func cross(_ a: SIMD3<Double>, _ b: SIMD3<Double>) -> SIMD3<Double> {
  [a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x]
}

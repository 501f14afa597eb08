// NIfTI-1 standard, "METHOD 2": quatern_b, quatern_c, quatern_d, qoffset and qfac.

/// A rotation as NIfTI stores it: b, c, d of a unit quaternion (a >= 0 follows), and the handedness `qfac`.
public struct Quaternion: Sendable, Equatable {
  public var b: Double
  public var c: Double
  public var d: Double
  /// -1 where the third axis is reversed (a left-handed grid), otherwise 1.
  public var handedness: Double

  public init(b: Double, c: Double, d: Double, handedness: Double) {
    (self.b, self.c, self.d, self.handedness) = (b, c, d, handedness)
  }
}

extension Affine {
  /// The map of a NIfTI qform: rotation, voxel sizes in mm and the position of voxel (0, 0, 0) in mm.
  public init(_ q: Quaternion, spacing: SIMD3<Double>, origin: SIMD3<Double>) {
    var (b, c, d) = (q.b, q.c, q.d)
    let square = b * b + c * c + d * d
    var a = 0.0
    // Single-precision fields of a half turn add up to 1 but for rounding; a root of that rounding would tilt
    // the volume by up to 0.03 degrees.
    if square > 1 - 1e-6 {
      let norm = 1 / square.squareRoot()
      (b, c, d) = (b * norm, c * norm, d * norm)
    } else {
      a = (1 - square).squareRoot()
    }
    self.init(
      columns: [
        spacing.x * SIMD3(a * a + b * b - c * c - d * d, 2 * (b * c + a * d), 2 * (b * d - a * c)),
        spacing.y * SIMD3(2 * (b * c - a * d), a * a + c * c - b * b - d * d, 2 * (c * d + a * b)),
        spacing.z * q.handedness
          * SIMD3(2 * (b * d + a * c), 2 * (c * d - a * b), a * a + d * d - b * b - c * c),
      ], origin: origin)
  }

  /// The rotation of a grid whose axes are perpendicular within `tolerance` (of a cosine); nil where they are
  /// sheared and no qform can say so.
  public func quaternion(tolerance: Double = 1e-5) -> Quaternion? {
    let size = spacing
    guard isInvertible else { return nil }
    let handedness = determinant < 0 ? -1.0 : 1.0
    let x = column(0) / size.x
    let y = column(1) / size.y
    let z = column(2) / size.z * handedness
    guard abs(dot(x, y)) <= tolerance, abs(dot(y, z)) <= tolerance, abs(dot(x, z)) <= tolerance else {
      return nil
    }
    // The largest of the four squares is the one that is safe to divide by.
    let squares = [
      1 + x.x + y.y + z.z, 1 + x.x - y.y - z.z, 1 - x.x + y.y - z.z, 1 - x.x - y.y + z.z,
    ]
    var q: SIMD4<Double>
    switch squares.indices.max(by: { squares[$0] < squares[$1] }) {
    case 1: q = [y.z - z.y, squares[1], y.x + x.y, z.x + x.z]
    case 2: q = [z.x - x.z, y.x + x.y, squares[2], z.y + y.z]
    case 3: q = [x.y - y.x, z.x + x.z, z.y + y.z, squares[3]]
    default: q = [squares[0], y.z - z.y, z.x - x.z, x.y - y.x]
    }
    q /= (q * q).sum().squareRoot()
    if q[0] < 0 { q = -q }
    return Quaternion(b: q[1], c: q[2], d: q[3], handedness: handedness)
  }
}

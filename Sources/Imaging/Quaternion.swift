import Foundation

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

  var vector: SIMD3<Double> { [b, c, d] }

  /// Whether all components are numbers of single precision, as those of every NIfTI-1 file are.
  var isSingle: Bool { [b, c, d].allSatisfy { Double(Float($0)) == $0 } }
}

extension Affine {
  /// The map of a NIfTI qform: rotation, voxel sizes in mm and the position of voxel (0, 0, 0) in mm.
  ///
  /// The first component follows from the others: a² = 1 - b² - c² - d². Below 1e-7 that is the rounding of single
  /// precision and a is 0; a quaternion a little longer than 1 is shortened. So does `nifti_quatern_to_mat44` of the
  /// NIfTI-1 library, and with it nearly every program; nibabel's limit is 3.6e-7. In double precision (NIfTI-2) the
  /// limit is three units in the last place, as in nibabel.
  public init(_ q: Quaternion, spacing: SIMD3<Double>, origin: SIMD3<Double>) {
    var (b, c, d) = (q.b, q.c, q.d)
    let square = b * b + c * c + d * d
    var a = 0.0
    if 1 - square < (q.isSingle ? 1e-7 : 3 * Double.ulpOfOne) {
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
    if q.isSingle { freeTurn = FreeTurn(q, pivot: origin) }
  }

  /// The rotation of a grid whose axes are perpendicular within `tolerance` (of a cosine); nil where they are sheared.
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

/// The turn about its own axis that a quaternion in single precision leaves open.
///
/// a² = 1 - b² - c² - d² carries the rounding of three stored squares, up to 1.1e-7 (half a unit in the last place of
/// each component), and counts as 0 below 1e-7. Near a half turn, where a is small, that is a turn of up to 2 √2.1e-7 =
/// 9.2e-4 radians (0.05 degrees) about (b, c, d); elsewhere it is nothing.
public struct FreeTurn: Sendable {
  /// Of length 1, in the patient's space: the same however the voxels are counted.
  let axis: SIMD3<Double>
  /// Where voxel (0, 0, 0) of the file lies, which every reader leaves in place, in mm.
  var pivot: SIMD3<Double>
  /// Radians to either side.
  let limit: Double

  /// nil where a is so large that nothing is left open.
  init?(_ q: Quaternion, pivot: SIMD3<Double>) {
    let square = dot(q.vector, q.vector)
    let (rest, rounding) = (1 - square, 1.1e-7)
    guard rest < 0.5 else { return nil }
    let a = rest < 1e-7 ? 0 : rest.squareRoot()
    let highest = max(rest + rounding, rounding + 1e-7).squareRoot()
    let lowest = max(0, rest - rounding).squareRoot()
    axis = q.vector / square.squareRoot()
    self.pivot = pivot
    // Besides, the matrix that it is compared with has rounded entries.
    limit = 2 * max(highest - a, a - lowest) + 2e-7
  }

  /// The map turned by an angle in radians.
  func turned(_ affine: Affine, by angle: Double) -> Affine {
    let vector = axis * sin(angle / 2)
    let rotation = Affine(
      Quaternion(b: vector.x, c: vector.y, d: vector.z, handedness: 1), spacing: .one, origin: .zero)
    let shift = Affine(spacing: .one, origin: pivot - rotation(pivot))
    return shift * (rotation * affine)
  }
}

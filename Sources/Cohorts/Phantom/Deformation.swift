import Imaging

/// A person's head against the atlas: patient position in mm to atlas position in mm.
///
/// y = M(A(x + u(x))): u is a smooth random displacement (a coarse and a fine B-spline field, after Rueckert et al.
/// 1999), A scales, tilts and moves the head, and M makes room for a tumour. It is one-to-one: u is scaled down
/// until det(I + grad u) stays above 0.2 at every point tested, A is near the identity, and M is radially monotone.
package struct Deformation: Sendable {
  /// Columns of A, and its translation in mm.
  private let columns: (SIMD3<Float>, SIMD3<Float>, SIMD3<Float>)
  private let translation: SIMD3<Float>
  /// What u was scaled by to stay one-to-one.
  package let strength: Float
  /// A tumour's centre in the atlas (mm), the share it displaces and the width of its influence (mm).
  var mass: (centre: SIMD3<Float>, share: Float, width: Float)?

  /// `coarse` and `fine` hold u in their first three functions, in mm. The Jacobian is tested from `low` to `high`.
  package init(
    coarse: SplineField, fine: SplineField, low: SIMD3<Float>, high: SIMD3<Float>, random: inout RandomSource
  ) {
    func draw(_ deviation: Double) -> Double { deviation * min(max(random.normal(), -2), 2) }
    // Heads differ by about 3 % in each direction (one standard deviation) and lie a few degrees askew.
    let size = 1 + draw(0.02)
    let scale = SIMD3<Double>(size + draw(0.02), size + draw(0.02), size + draw(0.02))
    let (rx, ry, rz) = (draw(0.035), draw(0.025), draw(0.035))
    let moved = SIMD3<Double>(draw(1.5), draw(2), draw(2))
    translation = SIMD3<Float>(moved)
    // R = Rz Ry Rx for angles so small that sin and cos by their series are exact to float precision.
    func turn(_ v: SIMD3<Double>) -> SIMD3<Double> {
      func cosSin(_ a: Double) -> (c: Double, s: Double) {
        (1 - a * a / 2 + a * a * a * a / 24, a - a * a * a / 6)
      }
      let (x, y, z) = (cosSin(rx), cosSin(ry), cosSin(rz))
      let a = SIMD3<Double>(v.x, x.c * v.y - x.s * v.z, x.s * v.y + x.c * v.z)
      let b = SIMD3<Double>(y.c * a.x + y.s * a.z, a.y, -y.s * a.x + y.c * a.z)
      return SIMD3<Double>(z.c * b.x - z.s * b.y, z.s * b.x + z.c * b.y, b.z)
    }
    columns = (
      SIMD3<Float>(turn([scale.x, 0, 0])), SIMD3<Float>(turn([0, scale.y, 0])),
      SIMD3<Float>(turn([0, 0, scale.z]))
    )
    var strength: Float = 1
    while Self.smallestJacobian(coarse, fine, strength, low, high) < 0.2 { strength *= 0.85 }
    self.strength = strength
  }

  /// Atlas position of a patient position with the displacement u there, both in mm; first without the tumour's
  /// mass, in which its shape is defined, then with it.
  @inline(__always)
  func callAsFunction(
    _ position: SIMD3<Float>, displacement: SIMD3<Float>
  ) -> (unpushed: SIMD3<Float>, atlas: SIMD3<Float>) {
    let p = position + displacement * strength
    let y = columns.0 * p.x + columns.1 * p.y + columns.2 * p.z + translation
    guard let mass else { return (y, y) }
    let d = y - mass.centre
    let q = (d * d).sum() / (mass.width * mass.width)
    guard q < 9 else { return (y, y) }
    // (1 - q/9)^4: close to a Gaussian, and exactly zero at three widths.
    let fall = 1 - q / 9
    let square = fall * fall
    return (y, y - d * (mass.share * square * square))
  }

  /// The atlas position of one patient position (mm).
  package func map(_ position: SIMD3<Float>, coarse: SplineField, fine: SplineField) -> SIMD3<Float> {
    let u = coarse(position) + fine(position)
    return self(position, displacement: [u.x, u.y, u.z]).atlas
  }

  /// The smallest det(I + strength grad u) on a lattice of 6 mm, by differences over 2 mm.
  private static func smallestJacobian(
    _ coarse: SplineField, _ fine: SplineField, _ strength: Float, _ low: SIMD3<Float>, _ high: SIMD3<Float>
  ) -> Float {
    let xs = stride(from: low.x, through: high.x, by: 2).map { $0 }
    let ys = stride(from: low.y, through: high.y, by: 6).map { $0 }
    let empty = [SIMD4<Float>](repeating: .zero, count: xs.count)
    var rows = (SplineRows(coarse, x: xs), SplineRows(fine, x: xs))
    var scratch = (empty, empty)
    func line(_ y: Float, _ z: Float) -> [SIMD4<Float>] {
      rows.0.evaluate(y: y, in: xs.indices, into: &scratch.0)
      rows.1.evaluate(y: y, in: xs.indices, into: &scratch.1)
      return zip(scratch.0, scratch.1).map { ($0 + $1) * strength }
    }
    func lines(_ z: Float) -> [(here: [SIMD4<Float>], next: [SIMD4<Float>])] {
      rows.0.move(toZ: z)
      rows.1.move(toZ: z)
      return ys.map { (line($0, z), line($0 + 2, z)) }
    }
    var smallest = Float.infinity
    for z in stride(from: low.z, through: high.z, by: 6) {
      let here = lines(z)
      let above = lines(z + 2)
      for j in ys.indices {
        for i in stride(from: 0, to: xs.count - 1, by: 3) {
          let u = here[j].here[i]
          let dx = (here[j].here[i + 1] - u) * 0.5 + [1, 0, 0, 0]
          let dy = (here[j].next[i] - u) * 0.5 + [0, 1, 0, 0]
          let dz = (above[j].here[i] - u) * 0.5 + [0, 0, 1, 0]
          let a = dx.x * (dy.y * dz.z - dy.z * dz.y)
          let b = dx.y * (dy.x * dz.z - dy.z * dz.x)
          let c = dx.z * (dy.x * dz.y - dy.y * dz.x)
          smallest = min(smallest, a - b + c)
        }
      }
    }
    return smallest
  }
}

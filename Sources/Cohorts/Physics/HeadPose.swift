import Foundation
import Imaging

/// How a slab lies in a label map: from mm in the slab, about its centre, to voxel indices.
struct HeadPose: Sendable {
  /// Indices a millimetre along the slab's columns, rows and planes.
  private(set) var columns: (SIMD3<Float>, SIMD3<Float>, SIMD3<Float>)
  /// Where the slab's centre lies, as an index.
  var centre: SIMD3<Float> = .zero
  /// mm along the slab's axes for an index step along each of the map's.
  private(set) var rows: (SIMD3<Float>, SIMD3<Float>, SIMD3<Float>)

  init(
    _ spacing: SIMD3<Float>, _ options: HeadOptions, plane: HeadPlane, isMirrored: Bool,
    random: inout RandomSource
  ) {
    func angle() -> Double { random.uniform(-options.rotation, options.rotation) * .pi / 180 }
    let (a, b, c) = (angle(), angle(), angle())
    let size = random.uniform(1 - options.scaling, 1 + options.scaling)
    func axis() -> Double { size * random.uniform(1 - options.scaling / 3, 1 + options.scaling / 3) }
    let scale = SIMD3(axis(), axis(), axis())
    func shear() -> Double { random.uniform(-options.shear, options.shear) }
    let sheared = SIMD3(shear(), shear(), shear())
    func turned(_ vector: SIMD3<Double>) -> SIMD3<Double> {
      var v = vector
      v = [v.x, cos(a) * v.y - sin(a) * v.z, sin(a) * v.y + cos(a) * v.z]
      v = [cos(b) * v.x + sin(b) * v.z, v.y, -sin(b) * v.x + cos(b) * v.z]
      return [cos(c) * v.x - sin(c) * v.y, sin(c) * v.x + cos(c) * v.y, v.z]
    }
    // A larger head means smaller steps through the map.
    let side = SIMD3<Double>(isMirrored ? -1 : 1, 1, 1)
    func column(_ vector: SIMD3<Double>) -> SIMD3<Float> {
      let v = turned(plane.inHead(vector)) * side / scale
      return SIMD3<Float>(v) / spacing
    }
    let x = column([1, 0, 0])
    let y = column([sheared.x, 1, 0])
    let z = column([sheared.y, sheared.z, 1])
    columns = (x, y, z)
    let determinant = Self.dot(x, Self.cross(y, z))
    rows = (Self.cross(y, z) / determinant, Self.cross(z, x) / determinant, Self.cross(x, y) / determinant)
  }

  /// mm in the slab to an index.
  @inline(__always)
  func index(_ position: SIMD3<Float>) -> SIMD3<Float> {
    centre + columns.0 * position.x + columns.1 * position.y + columns.2 * position.z
  }

  /// An index to mm in the slab.
  func position(_ index: SIMD3<Float>) -> SIMD3<Float> {
    let v = index - centre
    return [Self.dot(rows.0, v), Self.dot(rows.1, v), Self.dot(rows.2, v)]
  }

  private static func dot(_ a: SIMD3<Float>, _ b: SIMD3<Float>) -> Float { (a * b).sum() }

  private static func cross(_ a: SIMD3<Float>, _ b: SIMD3<Float>) -> SIMD3<Float> {
    [a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x]
  }
}

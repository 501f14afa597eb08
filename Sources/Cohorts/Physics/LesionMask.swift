import Imaging

/// A real lesion mask in MNI space, one bit a voxel.
package struct LesionMask: Sendable {
  package enum Kind: String, Sendable, CaseIterable {
    case multipleSclerosis = "ms"
    case stroke
  }

  let name: String
  let kind: Kind
  /// In mm of MNI space, right to left, anterior to posterior and foot to head: the first voxel's centre, and edges.
  let origin: SIMD3<Float>
  let spacing: SIMD3<Float>
  let dimensions: SIMD3<Int>
  let bits: [UInt64]

  init(name: String, kind: Kind, labels: LabelMap, origin: SIMD3<Float>) {
    self.name = name
    self.kind = kind
    (self.origin, spacing, dimensions) = (origin, labels.spacing, labels.dimensions)
    var bits = [UInt64](repeating: 0, count: (labels.voxels.count + 63) / 64)
    for at in labels.voxels.indices where labels.voxels[at] != 0 { bits[at >> 6] |= 1 << UInt64(at & 63) }
    self.bits = bits
  }

  /// Whether the mask holds a position in mm of MNI space.
  @inline(__always)
  func holds(_ x: Float, _ y: Float, _ z: Float) -> Bool {
    let u = (x - origin.x) / spacing.x + 0.5
    let v = (y - origin.y) / spacing.y + 0.5
    let w = (z - origin.z) / spacing.z + 0.5
    guard u >= 0, v >= 0, w >= 0 else { return false }
    let (i, j, k) = (Int(u), Int(v), Int(w))
    guard i < dimensions.x, j < dimensions.y, k < dimensions.z else { return false }
    let at = i + dimensions.x * (j + dimensions.y * k)
    return bits.withUnsafeBufferPointer { $0[at >> 6] >> UInt64(at & 63) & 1 == 1 }
  }

  /// Its far corner, in mm.
  var end: SIMD3<Float> {
    origin + spacing * SIMD3<Float>(Float(dimensions.x - 1), Float(dimensions.y - 1), Float(dimensions.z - 1))
  }
}

/// The box of the brain in MNI space: where its sides, its poles and its top lie, in mm, left, posterior and superior.
enum MNIBrain {
  static let low: SIMD3<Float> = [-70, -72, -52]
  static let high: SIMD3<Float> = [70, 105, 80]
}

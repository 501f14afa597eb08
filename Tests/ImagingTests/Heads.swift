import Foundation
import Imaging

/// A computed head: skull or none, tissue, noise, as scans of many kinds show it.
struct Head {
  var size: SIMD3<Int> = [40, 48, 30]
  var hasSkull = true
  /// What 1 becomes.
  var scale = 800.0
  /// Deviation of the noise, as a share of the scale; its magnitude is taken, as scanners do.
  var noise = 0.01
  /// Share of the head's voxels that interpolation put below 0.
  var ringing = 0.0
  var seed: UInt64 = 1

  /// In LPS order, 6 mm or so a voxel where it is small, so that it is as large as a head; of any size in one place.
  var affine: Affine {
    let spacing = SIMD3(192, 216, 156) / SIMD3<Double>(size)
    return Affine(
      columns: [[-spacing.x, 0, 0], [0, -spacing.y, 0], [0, 0, spacing.z]],
      origin: [97.4 - spacing.x / 2, 109.25 - spacing.y / 2, -62.6 + spacing.z / 2])
  }

  /// One contrast of it: the same anatomy for the same seed, in another order of brightness.
  func volume(_ contrast: Int = 0) -> Volume {
    var anatomy = RandomSource(seed: seed)
    var random = RandomSource(seed: seed, stream: UInt64(contrast + 1))
    let phase = SIMD4((0..<4).map { _ in anatomy.uniform(0, 6) })
    var voxels: [Float] = []
    voxels.reserveCapacity(size.x * size.y * size.z)
    for k in 0..<size.z {
      for j in 0..<size.y {
        for i in 0..<size.x {
          let p = (SIMD3(Double(i), Double(j), Double(k)) + 0.5) / SIMD3<Double>(size) * 2 - 1
          let r = ((p / SIMD3(0.8, 0.88, 1.1)) * (p / SIMD3(0.8, 0.88, 1.1))).sum().squareRoot()
          var value = 0.0
          if r < 0.85 {
            let tissue =
              0.5 + 0.25 * sin(5 * p.x + phase.x) * cos(4 * p.y + phase.y)
              + 0.2 * sin(7 * p.y + 3 * p.z + phase.z)
            value = contrast == 0 ? tissue : contrast == 1 ? 1.05 - tissue : 0.4 + (tissue - 0.5).magnitude
          } else if hasSkull && r < 1 {
            value = r > 0.93 ? 0.9 : 0.08
          }
          value = max(value, 0) * scale
          let disturbed = value + random.normal() * noise * scale
          if !hasSkull && value == 0 {
            voxels.append(0)
          } else if ringing > 0 && r > 0.8 && r < 0.85 && random.uniform() < ringing {
            voxels.append(Float(-0.1 * scale * random.uniform()))
          } else {
            voxels.append(Float(disturbed.magnitude))
          }
        }
      }
    }
    return Volume(dimensions: size, affine: affine, voxels: voxels)
  }
}

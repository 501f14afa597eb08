import Foundation
import Imaging

/// Scans made for measuring: a head-like ellipsoid with a smooth pattern and noise on a background of 0.
enum GeneratedScans {
  static func volume(_ dimensions: SIMD3<Int>, seed: UInt64) -> Volume {
    var random = RandomSource(seed: seed)
    var voxels: [Float] = []
    voxels.reserveCapacity(dimensions.x * dimensions.y * dimensions.z)
    func place(_ index: Int, _ size: Int) -> Double { 2 * (Double(index) + 0.5) / Double(size) - 1 }
    let phase = Double(seed)
    for k in 0..<dimensions.z {
      let z = place(k, dimensions.z)
      for j in 0..<dimensions.y {
        let y = place(j, dimensions.y)
        for i in 0..<dimensions.x {
          let x = place(i, dimensions.x)
          guard x * x + y * y + z * z / 2 < 0.8 else {
            voxels.append(0)
            continue
          }
          let pattern = sin(7 * x + phase) * cos(5 * y) + sin(4 * z + 3 * x * y)
          voxels.append(Float(500 + 150 * pattern + 20 * (random.uniform() + random.uniform() - 1)))
        }
      }
    }
    return Volume(dimensions: dimensions, affine: .identity, voxels: voxels)
  }

  /// Runs `body` in a fresh folder that is removed afterwards.
  static func inTemporaryFolder<R>(_ body: (String) throws -> R) throws -> R {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("aginet-bench-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try body(folder)
  }
}

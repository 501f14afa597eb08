import Cohorts
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

  /// Writes subjects with T1, T2 and PD in the BIDS layout, all to be trained on, into `folder`.
  static func scans(in folder: String, subjects: Int, dimensions: SIMD3<Int>) throws {
    let names = (1...subjects).map { String(format: "sub-%04d", $0) }
    try Parallel.forEach(count: subjects) { number in
      let anat = "\(folder)/bids/\(names[number])/anat"
      try FileManager.default.createDirectory(atPath: anat, withIntermediateDirectories: true)
      for (index, suffix) in ["T1w", "T2w", "PDw"].enumerated() {
        let volume = volume(dimensions, seed: UInt64(3 * number + index + 1))
        try NIfTI.write(volume, as: .int16, to: "\(anat)/\(names[number])_\(suffix).nii")
      }
    }
    try JSONEncoder().encode(["train": names]).write(to: URL(fileURLWithPath: "\(folder)/splits.json"))
  }

  /// Makes a store of what `scans` wrote.
  static func prepare(_ folder: String) throws {
    var preparation = Preparation()
    preparation.modalities = [.t1, .t2, .pd]
    preparation.splits = .file("\(folder)/splits.json")
    _ = try preparation.run(
      BIDSCohort(folder: "\(folder)/bids"), layout: "bids", into: "\(folder)/store", program: "aginet-bench")
  }

  /// Opens what `prepare` made.
  static func store(in folder: String) throws -> PreparedCohort {
    try PreparedCohort(folder: "\(folder)/store")
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

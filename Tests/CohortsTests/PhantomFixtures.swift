import Cohorts
import Files
import Foundation
import Imaging

/// A small head: a ball of white matter with a shell of grey matter, fluid around it and a fluid ventricle within.
func ballAtlas() throws -> Atlas {
  let grid = Grid(
    dimensions: [80, 80, 80], affine: Affine(spacing: [2, 2, 2], origin: [-80, -98, -74]))
  var maps = [[Float]](repeating: [Float](repeating: 0, count: grid.voxelCount), count: 3)
  for k in 0..<80 {
    for j in 0..<80 {
      for i in 0..<80 {
        let p = SIMD3<Double>(Double(i), Double(j), Double(k)) * 2 - [80, 80, 80]
        let r = (p * p).sum().squareRoot()
        let inner = ((p / [10, 22, 12]) * (p / [10, 22, 12])).sum()
        guard r < 66 else { continue }
        let at = i + 80 * (j + 80 * k)
        let white = min(max((50 - r) / 4 + 0.5, 0), 1) * min(max((inner - 1) * 3, 0), 1)
        let grey = min(max((62 - r) / 4 + 0.5, 0), 1) * min(max((r - 50) / 4 + 0.5, 0), 1)
        maps[0][at] = Float(65 + 158 * white + 100 * grey)
        maps[1][at] = Float(255 * grey)
        maps[2][at] = Float(255 * white)
      }
    }
  }
  return try Atlas(
    t1: Volume(grid: grid, voxels: maps[0]), grey: Volume(grid: grid, voxels: maps[1]),
    white: Volume(grid: grid, voxels: maps[2]))
}

/// A coarse, quick phantom on that head.
func ballPhantom(_ change: (inout PhantomOptions) -> Void = { _ in }) throws -> Phantom {
  var options = PhantomOptions()
  options.subjects = 4
  options.voxelSize = 4
  change(&options)
  return try Phantom(atlas: try ballAtlas(), options: options)
}

/// Where set-up puts the atlas.
let atlasFolder = Path.folder(#filePath) + "/../../.atlas"

extension PhantomSubject {
  func voxels(_ modality: Modality) -> [Float] {
    scans.first { $0.modality == modality }?.volume.voxels ?? []
  }
}

/// The share of a target's variance that its mean given a source's intensity explains (a look-up of 256 bins).
func lookUpExplains(_ source: [Float], _ target: [Float]) -> Double {
  let inside = source.indices.filter { source[$0] > 0 && target[$0] > 0 }
  let top = inside.map { source[$0] }.max() ?? 1
  var sums = [(n: Double, sum: Double)](repeating: (0, 0), count: 257)
  func bin(_ at: Int) -> Int { Int(source[at] / top * 256) }
  for at in inside {
    sums[bin(at)].n += 1
    sums[bin(at)].sum += Double(target[at])
  }
  let mean = inside.reduce(0) { $0 + Double(target[$1]) } / Double(inside.count)
  var total = 0.0
  var left = 0.0
  for at in inside {
    let value = Double(target[at])
    let guess = sums[bin(at)].sum / sums[bin(at)].n
    total += (value - mean) * (value - mean)
    left += (value - guess) * (value - guess)
  }
  return 1 - left / total
}

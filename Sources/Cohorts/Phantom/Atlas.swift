import Failures
import Files
import Foundation
import Imaging

/// The anatomy that subjects are made from: tissue fractions of the ICBM 152 average (2009a symmetric, 1 mm;
/// Fonov et al. 2009, 2011), which is without skull and scalp.
package struct Atlas: Sendable {
  /// (extent, grey matter, white matter, T1 residual) on the cropped grid, first axis fastest. Extent is 1 within the
  /// brain as the atlas strips it, 0.5 in a rim of 4 mm of cerebrospinal fluid that is put around it, 0 beyond. Grey
  /// and white matter are fractions 0 ... 1; what is neither is fluid. The residual is how much brighter the T1 average
  /// is than those fractions explain, as a share of the range between fluid and white matter: a map of myelin.
  let voxels: [SIMD4<Float>]
  let dimensions: SIMD3<Int>
  /// Position of voxel (0, 0, 0) in mm, and the edge of a voxel.
  let origin: SIMD3<Float>
  let spacing: Float
  /// Places for lesions, in mm: deep in white matter, and in white matter close to the ventricles.
  let deepWhite: [SIMD3<Float>]
  let periventricular: [SIMD3<Float>]

  /// The maps in their files' names, and the files' SHA-256.
  private static let maps = [
    ("t1", "421a10e872fd6cadae7f61d358dffbcc1795a497d61ee76c5dda2503e1a1e9e6"),
    ("gm", "97a5ca69bd24db37a9cb7b32525e1733a209af904129bf1cd36da06d24243bed"),
    ("wm", "382d92812de4744f9c86c7a0e4f680dc317a0a50e4da1f0153618a6798c7b7db"),
  ]

  /// Reads the three maps of `folder`. Throws `.notFound` for a missing, `.malformed` for a changed one.
  package init(folder: String) throws {
    let paths = Self.maps.map { "\(folder)/mni_icbm152_\($0.0)_tal_nlin_sym_09a_converted.nii.gz" }
    for (path, map) in zip(paths, Self.maps) {
      guard FileManager.default.fileExists(atPath: path) else {
        throw Failure(.notFound, "\(path): the anatomical atlas is missing; '\(Term.setup)' puts it there")
      }
      guard try SHA256.ofFile(path).digest == map.1 else {
        let what = "is not the published atlas (wrong SHA-256)"
        throw Failure(.malformed, "\(path): \(what); remove it and run '\(Term.setup)'")
      }
    }
    let volumes = try paths.map { try NIfTI.read(path: $0).volume }
    try self.init(t1: volumes[0], grey: volumes[1], white: volumes[2])
  }

  /// From maps on one axis-aligned grid of cubic voxels: T1 intensity, 0 outside the brain, and the probabilities of
  /// grey and of white matter as 0 ... 255. Throws `.inconsistent` if they do not share such a grid.
  package init(t1: Volume, grey: Volume, white: Volume) throws {
    let edge = t1.affine.rows[0].x
    guard t1.grid == grey.grid, t1.grid == white.grid, edge > 0,
      t1.affine == Affine(spacing: SIMD3(repeating: edge), origin: t1.affine.origin)
    else {
      throw Failure(.inconsistent, "the atlas: its maps do not share one grid of cubic voxels in RAS order")
    }
    let full = t1.dimensions
    func index(_ i: Int, _ j: Int, _ k: Int) -> Int { i + full.x * (j + full.y * k) }
    func isBrain(_ at: Int) -> Bool { t1.voxels[at] > 0 || grey.voxels[at] + white.voxels[at] >= 128 }
    var (low, high) = (full, SIMD3<Int>(repeating: -1))
    for k in 0..<full.z {
      for j in 0..<full.y {
        for i in 0..<full.x where isBrain(index(i, j, k)) {
          low = pointwiseMin(low, [i, j, k])
          high = pointwiseMax(high, [i, j, k])
        }
      }
    }
    guard all(low .< high) else { throw Failure(.malformed, "the atlas: holds no brain") }
    // Room for the rim, and one empty voxel, so that sampling beyond the crop is sampling of nothing.
    let rim = max(1, Int((4 / edge).rounded()))
    let dimensions = high &- low &+ (2 * rim + 3)
    let corner = low &- (rim + 1)
    var voxels = [SIMD4<Float>](repeating: .zero, count: dimensions.x * dimensions.y * dimensions.z)
    for k in low.z...high.z {
      for j in low.y...high.y {
        for i in low.x...high.x {
          let from = index(i, j, k)
          guard isBrain(from) else { continue }
          let g = min(max(grey.voxels[from] / 255, 0), 1)
          let w = min(max(white.voxels[from] / 255, 0), 1 - g)
          let expected = 65 * (1 - g - w) + 165 * g + 223 * w
          let residual = t1.voxels[from] > 0 ? min(max((t1.voxels[from] - expected) / 158, -0.3), 0.3) : 0
          let to = SIMD3(i, j, k) &- corner
          voxels[to.x + dimensions.x * (to.y + dimensions.y * to.z)] = [1, g, w, residual]
        }
      }
    }
    for _ in 0..<rim { Self.addRim(to: &voxels, dimensions) }
    origin = SIMD3<Float>(t1.affine.origin + SIMD3<Double>(corner) * edge)
    spacing = Float(edge)
    self.dimensions = dimensions
    self.voxels = voxels
    (deepWhite, periventricular) = Self.places(voxels, dimensions, origin, spacing)
  }

  /// The maps at a position in mm, interpolated linearly; zero outside.
  @inline(__always)
  static func sample(
    _ voxels: UnsafePointer<SIMD4<Float>>, _ dimensions: SIMD3<Int>, _ index: SIMD3<Float>
  ) -> SIMD4<Float> {
    guard index.x >= 0, index.y >= 0, index.z >= 0 else { return .zero }
    // Scalars: the library converts vectors between number types lane by lane and slowly.
    let (x, y, z) = (Int(index.x), Int(index.y), Int(index.z))
    guard x < dimensions.x - 1, y < dimensions.y - 1, z < dimensions.z - 1 else { return .zero }
    let f = SIMD3<Float>(index.x - Float(x), index.y - Float(y), index.z - Float(z))
    let nx = dimensions.x
    let plane = nx * dimensions.y
    let p = voxels + (x + nx * y + plane * z)
    let x00 = p[0] + (p[1] - p[0]) * f.x
    let x10 = p[nx] + (p[nx + 1] - p[nx]) * f.x
    let x01 = p[plane] + (p[plane + 1] - p[plane]) * f.x
    let x11 = p[plane + nx] + (p[plane + nx + 1] - p[plane + nx]) * f.x
    let y0 = x00 + (x10 - x00) * f.y
    let y1 = x01 + (x11 - x01) * f.y
    return y0 + (y1 - y0) * f.z
  }

  /// Gives empty voxels that touch a face of one that is not an extent of 0.5.
  private static func addRim(to voxels: inout [SIMD4<Float>], _ n: SIMD3<Int>) {
    let before = voxels.map { $0.x > 0 }
    let steps = [1, n.x, n.x * n.y]
    for k in 1..<(n.z - 1) {
      for j in 1..<(n.y - 1) {
        for i in 1..<(n.x - 1) {
          let at = i + n.x * (j + n.y * k)
          if !before[at], steps.contains(where: { before[at - $0] || before[at + $0] }) {
            voxels[at] = [0.5, 0, 0, 0]
          }
        }
      }
    }
  }

  private static func places(
    _ voxels: [SIMD4<Float>], _ n: SIMD3<Int>, _ origin: SIMD3<Float>, _ spacing: Float
  ) -> (deep: [SIMD3<Float>], near: [SIMD3<Float>]) {
    var (deep, near): ([SIMD3<Float>], [SIMD3<Float>]) = ([], [])
    let margin = max(1, Int((8 / spacing).rounded()))
    func at(_ i: Int, _ j: Int, _ k: Int) -> SIMD4<Float> {
      guard i >= 0, j >= 0, k >= 0, i < n.x, j < n.y, k < n.z else { return .zero }
      return voxels[i + n.x * (j + n.y * k)]
    }
    for k in stride(from: 0, to: n.z, by: 2) {
      for j in stride(from: 0, to: n.y, by: 2) {
        for i in stride(from: 0, to: n.x, by: 2) where at(i, j, k).z > 0.85 {
          let around = [
            at(i - margin, j, k), at(i + margin, j, k), at(i, j - margin, k), at(i, j + margin, k),
            at(i, j, k - margin), at(i, j, k + margin),
          ]
          let position = origin + SIMD3<Float>(SIMD3<Int32>(Int32(i), Int32(j), Int32(k))) * spacing
          // Supratentorial, where gliomas of adults grow.
          let isHigh = position.z > -15
          if isHigh && around.allSatisfy({ $0.x > 0.5 }) { deep.append(position) }
          let hasVentricle = around.contains { $0.x == 1 && $0.y + $0.z < 0.5 }
          if hasVentricle && isHigh && abs(position.x) < 45 { near.append(position) }
        }
      }
    }
    return (deep, near)
  }
}

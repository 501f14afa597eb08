import Foundation

/// How much two volumes tell of each other where one is moved: their normalised mutual information, (H(a) + H(b)) / H(a, b), of
/// the entropies of brightness (Studholme, Hill and Hawkes 1999). It is 1 where they tell nothing and 2 where they tell all, asks
/// for no likeness of contrasts, and depends little on how much of each is seen.
struct MutualInformation: Sendable {
  /// Of brightness, of each volume.
  private static let bins = 64
  /// Points are shared out into as many parts, whose sums are added in order, so that the value does not depend on threads.
  private static let parts = 16

  /// Indices into the reference's grid, and the brightness there in bins.
  private let points: [SIMD3<Float>], brightness: [Float]
  private let reference: Affine
  private let moving: Volume
  /// From the moving volume's values to bins.
  private let factor: Float
  /// Points that must be seen in both: a quarter of those that can be, where one volume is much the smaller.
  private let least: Double

  /// - Parameters:
  ///   - moving: the volume that is moved.
  ///   - reference: the one that stays.
  ///   - spacing: of the points in mm; both volumes are made as coarse.
  ///   - most: of the points that are looked at.
  init(of moving: Volume, in reference: Volume, spacing: Double, most: Int = 200_000, threads: Int) {
    let (coarse, other) = (
      reference.coarsened(to: spacing, threads: threads), moving.coarsened(to: spacing, threads: threads)
    )
    self.reference = coarse.affine
    self.moving = other
    factor = MutualInformation.factor(of: other)
    let own = MutualInformation.factor(of: coarse)
    // Off the grid, as two grids that meet are smoothest where they meet.
    var random = RandomSource(seed: 20_261_127)
    let share = Double(most) / Double(coarse.voxels.count)
    var (points, brightness): ([SIMD3<Float>], [Float]) = ([], [])
    coarse.voxels.withUnsafeBufferPointer { voxels in
      for k in 0..<coarse.dimensions.z {
        for j in 0..<coarse.dimensions.y {
          for i in 0..<coarse.dimensions.x {
            let jitter = SIMD3<Float>(
              Float(random.uniform()) - 0.5, Float(random.uniform()) - 0.5, Float(random.uniform()) - 0.5)
            guard random.uniform() < share else { continue }
            let point = SIMD3<Float>(Float(i), Float(j), Float(k)) + jitter
            guard let value = MutualInformation.value(voxels, coarse.dimensions, point) else { continue }
            points.append(point)
            brightness.append(MutualInformation.bin(value * own))
          }
        }
      }
    }
    (self.points, self.brightness) = (points, brightness)
    least = 0.25 * Double(points.count) * min(1, other.cubicMillimetres / coarse.cubicMillimetres)
  }

  /// - Parameter motion: from positions in the reference to those in the moving volume, in mm.
  /// - Returns: from 1 to 2; 1 as well where less is seen in both than a quarter of what can be.
  func callAsFunction(_ motion: RigidMotion, threads: Int) -> Double {
    let map = moving.affine.inverse * motion.affine * reference
    let bins = MutualInformation.bins
    let parts = Parallel.map(count: MutualInformation.parts, threads: threads) { part in
      histogram(part, map)
    }
    var joint = [Double](repeating: 0, count: bins * bins)
    for part in parts {
      for index in joint.indices { joint[index] += Double(part[index]) }
    }
    guard joint.reduce(0, +) > least else { return 1 }
    return MutualInformation.normalised(MutualInformation.smooth(joint))
  }

  private func histogram(_ part: Int, _ map: Affine) -> [Float] {
    let bins = MutualInformation.bins
    let columns = (0..<4).map { SIMD3<Float>(map.column($0)) }
    let (x, y, z, origin) = (columns[0], columns[1], columns[2], columns[3])
    let range =
      points.count * part / MutualInformation.parts..<points.count * (part + 1) / MutualInformation.parts
    var counts = [Float](repeating: 0, count: bins * bins)
    moving.voxels.withUnsafeBufferPointer { voxels in
      points.withUnsafeBufferPointer { points in
        brightness.withUnsafeBufferPointer { brightness in
          counts.withUnsafeMutableBufferPointer { counts in
            for index in range {
              let point = points[index]
              let place = origin + x * point.x + y * point.y + z * point.z
              guard let value = MutualInformation.value(voxels, moving.dimensions, place) else { continue }
              let (a, b) = (brightness[index], MutualInformation.bin(value * factor))
              // Each shares itself out between the two bins beside it.
              let (row, column) = (Int(a), Int(b))
              let (s, t) = (a - Float(row), b - Float(column))
              let at = row * bins + column
              counts[at] += (1 - s) * (1 - t)
              counts[at + 1] += (1 - s) * t
              counts[at + bins] += s * (1 - t)
              counts[at + bins + 1] += s * t
            }
          }
        }
      }
    }
    return counts
  }

  /// Below the last bin, so that there is one above.
  @inline(__always)
  private static func bin(_ value: Float) -> Float { min(max(value, 0), Float(bins) - 1.001) }

  /// From values to bins: what is brighter than nearly all counts as the brightest.
  private static func factor(of volume: Volume) -> Float {
    let top = Percentile.of(volume.voxels.map { $0.isFinite ? $0 : 0 }, 99.5) ?? 0
    return top > 0 ? Float(Double(bins - 1) / top) : 0
  }

  /// Between voxels, linearly; nil outside.
  @inline(__always)
  private static func value(
    _ voxels: UnsafeBufferPointer<Float>, _ size: SIMD3<Int>, _ place: SIMD3<Float>
  ) -> Float? {
    let last = SIMD3<Float>(Float(size.x - 1), Float(size.y - 1), Float(size.z - 1))
    guard all(place .>= 0), all(place .<= last) else { return nil }
    let floor = place.rounded(.down)
    let t = place - floor
    let (i, j, k) = (Int(floor.x), Int(floor.y), Int(floor.z))
    // In the last plane there is none beyond, and none of it counts.
    let dx = i + 1 < size.x ? 1 : 0
    let dy = j + 1 < size.y ? size.x : 0
    let dz = k + 1 < size.z ? size.x * size.y : 0
    let at = (k * size.y + j) * size.x + i
    func row(_ at: Int) -> Float { voxels[at] + (voxels[at + dx] - voxels[at]) * t.x }
    let near = row(at) + (row(at + dy) - row(at)) * t.y
    let far = row(at + dz) + (row(at + dz + dy) - row(at + dz)) * t.y
    return near + (far - near) * t.z
  }

  /// Under a Gaussian of one bin, so that few points make no peaks.
  private static func smooth(_ joint: [Double]) -> [Double] {
    let weights = (-3...3).map { exp(-0.5 * Double($0 * $0)) }
    let sum = weights.reduce(0, +)
    func along(_ step: Int, _ other: Int, _ values: [Double]) -> [Double] {
      var result = [Double](repeating: 0, count: values.count)
      for line in 0..<bins {
        for place in 0..<bins {
          var value = 0.0
          for (tap, weight) in weights.enumerated() {
            // Beyond the ends the outermost bins go on.
            let near = min(max(place + tap - 3, 0), bins - 1)
            value += weight * values[line * other + near * step]
          }
          result[line * other + place * step] = value / sum
        }
      }
      return result
    }
    return along(bins, 1, along(1, bins, joint))
  }

  private static func normalised(_ joint: [Double]) -> Double {
    var (rows, columns) = ([Double](repeating: 0, count: bins), [Double](repeating: 0, count: bins))
    var sum = 0.0
    for row in 0..<bins {
      for column in 0..<bins {
        let value = joint[row * bins + column]
        rows[row] += value
        columns[column] += value
        sum += value
      }
    }
    func entropy(_ values: [Double]) -> Double {
      values.reduce(0) { $1 > 0 ? $0 - $1 / sum * log($1 / sum) : $0 }
    }
    let both = entropy(joint)
    return both > 0 ? (entropy(rows) + entropy(columns)) / both : 1
  }
}

extension Volume {
  fileprivate var cubicMillimetres: Double { abs(affine.determinant) * Double(voxels.count) }

  /// Voxels of about this size in mm along every axis along which they are smaller.
  fileprivate func coarsened(to spacing: Double, threads: Int) -> Volume {
    let own = affine.spacing
    let sides = (0..<3).map { axis in
      own[axis] >= spacing
        ? dimensions[axis] : max(1, Int((Double(dimensions[axis]) * own[axis] / spacing).rounded()))
    }
    return resized(columns: sides[0], rows: sides[1], planes: sides[2], threads: threads)
  }
}

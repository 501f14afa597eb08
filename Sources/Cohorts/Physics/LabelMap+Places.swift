import Imaging

extension LabelMap {
  /// Marks fluid where the falx (between the hemispheres) and the tentorium (between cerebellum and cerebrum) may lie.
  mutating func addSheets() {
    let middle = middlePlane()
    let fluid = TissueClass.sulcalFluid.rawValue
    // The falx: in each row that crosses the middle, the centre of the fluid between the hemispheres.
    for k in 0..<dimensions.z {
      for j in 0..<dimensions.y {
        let x = middle.offset + middle.slopes.x * Float(j) + middle.slopes.y * Float(k)
        let reach = Int(5 / spacing.x)
        let centre = Int(x.rounded())
        guard centre > reach + 8, centre + reach + 8 < dimensions.x else { continue }
        let near = (0...reach).lazy.flatMap { [centre - $0, centre + $0] }
        guard let start = near.first(where: { voxels[index($0, j, k)] == fluid }) else { continue }
        var (first, last) = (start, start)
        while start - first < 8, voxels[index(first - 1, j, k)] == fluid { first -= 1 }
        while last - start < 8, voxels[index(last + 1, j, k)] == fluid { last += 1 }
        guard last - first < 8, LabelSet.cerebrum[voxels[index(first - 1, j, k)]],
          LabelSet.cerebrum[voxels[index(last + 1, j, k)]]
        else { continue }
        voxels[index((first + last) / 2, j, k)] = Anatomy.sheet
      }
    }
    // The tentorium: in each column from the cerebellum up to the cerebrum.
    for j in 0..<dimensions.y {
      for i in 0..<dimensions.x {
        var below: Int?
        for k in 0..<dimensions.z {
          let label = voxels[index(i, j, k)]
          if LabelSet.cerebellum[label] { below = k }
          guard let start = below, label != fluid, !LabelSet.cerebellum[label] else { continue }
          if LabelSet.cerebrum[label], k - start > 1, k - start < 8 {
            voxels[index(i, j, (start + k) / 2)] = Anatomy.sheet
          }
          below = nil
        }
      }
    }
  }

  /// The plane x = offset + slopes.x j + slopes.y k that halves the brain: a least-squares fit to the middle of its rows.
  private func middlePlane() -> (offset: Float, slopes: SIMD2<Float>) {
    var (count, j1, k1, x1) = (0.0, 0.0, 0.0, 0.0)
    var (jj, jk, kk, jx, kx) = (0.0, 0.0, 0.0, 0.0, 0.0)
    for k in stride(from: 0, to: dimensions.z, by: 3) {
      for j in stride(from: 0, to: dimensions.y, by: 3) {
        var (weight, sum) = (0.0, 0.0)
        for i in 0..<dimensions.x where LabelSet.brain[voxels[index(i, j, k)]] {
          weight += 1
          sum += Double(i)
        }
        guard weight > 20 else { continue }
        let (y, z, x) = (Double(j), Double(k), sum / weight)
        count += weight
        (j1, k1, x1) = (j1 + weight * y, k1 + weight * z, x1 + weight * x)
        (jj, jk, kk) = (jj + weight * y * y, jk + weight * y * z, kk + weight * z * z)
        (jx, kx) = (jx + weight * y * x, kx + weight * z * x)
      }
    }
    guard count > 0 else { return (Float(dimensions.x) / 2, .zero) }
    let (ym, zm, xm) = (j1 / count, k1 / count, x1 / count)
    let (a, b, c) = (jj / count - ym * ym, jk / count - ym * zm, kk / count - zm * zm)
    let (d, e) = (jx / count - ym * xm, kx / count - zm * xm)
    let determinant = a * c - b * b
    guard determinant > 1e-6 * (a * c + 1e-12) else { return (Float(xm), .zero) }
    let slopes = SIMD2((d * c - e * b) / determinant, (a * e - b * d) / determinant)
    return (Float(xm - slopes.x * ym - slopes.y * zm), SIMD2<Float>(slopes))
  }

  /// Where lesions may begin, on every third voxel.
  func places(_ surface: SurfaceDistance) -> (
    white: [SIMD3<Int32>], near: [SIMD3<Int32>], rim: [SIMD3<Int32>]
  ) {
    var (white, near, rim): ([SIMD3<Int32>], [SIMD3<Int32>], [SIMD3<Int32>]) = ([], [], [])
    let reach = Int(4 / spacing.min())
    let ventricle = TissueClass.ventricularFluid.rawValue
    for k in stride(from: reach, to: dimensions.z - reach, by: 3) {
      for j in stride(from: reach, to: dimensions.y - reach, by: 3) {
        for i in stride(from: reach, to: dimensions.x - reach, by: 3) {
          let label = voxels[index(i, j, k)]
          let place = SIMD3(Int32(i), Int32(j), Int32(k))
          let distance = surface.nearest(i, j, k)
          if abs(distance) < 2 { rim.append(place) }
          guard label == TissueClass.whiteMatter.rawValue, distance < -6 else { continue }
          white.append(place)
          let around = [
            index(i - reach, j, k), index(i + reach, j, k), index(i, j - reach, k), index(i, j + reach, k),
            index(i, j, k - reach), index(i, j, k + reach),
          ]
          if around.contains(where: { voxels[$0] == ventricle }) { near.append(place) }
        }
      }
    }
    return (white, near, rim)
  }

  /// Voxels by shell about an outer surface and by label.
  func shells(_ surface: SurfaceDistance) -> [Int32] {
    var result = [Int32](repeating: 0, count: Anatomy.shellCount * 256)
    result.withUnsafeMutableBufferPointer { result in
      voxels.withUnsafeBufferPointer { voxels in
        surface.values.withUnsafeBufferPointer { distances in
          let n = surface.dimensions
          for k in 0..<dimensions.z {
            for j in 0..<dimensions.y {
              let from = dimensions.x * (j + dimensions.y * k)
              let row = n.x * (j / 2 + n.y * (k / 2))
              for i in 0..<dimensions.x {
                let shell = Anatomy.shell(Float(distances[row + i / 2]) * SurfaceDistance.unit)
                result[shell * 256 + Int(voxels[from + i])] += 1
              }
            }
          }
        }
      }
    }
    return result
  }
}

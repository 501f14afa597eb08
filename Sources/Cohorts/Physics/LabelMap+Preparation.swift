import Imaging

extension LabelMap {
  /// The lowest and highest index of brain along each axis.
  func brainBox() -> (low: SIMD3<Int>, high: SIMD3<Int>) { box { LabelSet.brain[$0] } }

  private func box(_ isMember: (UInt8) -> Bool) -> (low: SIMD3<Int>, high: SIMD3<Int>) {
    var (low, high) = (dimensions, SIMD3<Int>(repeating: -1))
    voxels.withUnsafeBufferPointer { voxels in
      for k in 0..<dimensions.z {
        for j in 0..<dimensions.y {
          let start = dimensions.x * (j + dimensions.y * k)
          guard let first = (0..<dimensions.x).first(where: { isMember(voxels[start + $0]) }),
            let last = (0..<dimensions.x).last(where: { isMember(voxels[start + $0]) })
          else { continue }
          low = pointwiseMin(low, [first, j, k])
          high = pointwiseMax(high, [last, j, k])
        }
      }
    }
    return (low, high)
  }

  /// Keeps the brain and what lies within so many millimetres before and behind it along each axis.
  mutating func crop(margins: (before: SIMD3<Float>, behind: SIMD3<Float>)) {
    let box = brainBox()
    var (low, high) = (box.low, box.high)
    for axis in 0..<3 {
      low[axis] = max(0, low[axis] - Int(margins.before[axis] / spacing[axis]))
      high[axis] = min(dimensions[axis] - 1, high[axis] + Int(margins.behind[axis] / spacing[axis]))
    }
    let size = high &- low &+ 1
    var kept: [UInt8] = []
    kept.reserveCapacity(size.x * size.y * size.z)
    for k in low.z...high.z {
      for j in low.y...high.y {
        let start = index(low.x, j, k)
        kept.append(contentsOf: voxels[start..<start + size.x])
      }
    }
    (dimensions, voxels) = (size, kept)
  }

  /// Which voxels are of a set, or within so many millimetres of it (a chamfer distance).
  func near(_ isMember: (UInt8) -> Bool, within reach: Float) -> [Bool] {
    var distance = voxels.map { isMember($0) ? Float(0) : .infinity }
    Self.relax(&distance, dimensions, spacing)
    return distance.map { $0 <= reach }
  }

  /// Chamfer distances along the faces' and edges' neighbours, from where they are 0.
  static func relax(_ distance: inout [Float], _ n: SIMD3<Int>, _ spacing: SIMD3<Float>) {
    let (x, y, z) = (spacing.x, spacing.y, spacing.z)
    let (xy, xz, yz) = (
      (x * x + y * y).squareRoot(), (x * x + z * z).squareRoot(), (y * y + z * z).squareRoot()
    )
    let plane = n.x * n.y
    guard n.x > 2, n.y > 2, n.z > 2 else { return }
    distance.withUnsafeMutableBufferPointer { d in
      for sign in [1, -1] {
        for planeStep in 1..<(n.z - 1) {
          let k = sign > 0 ? planeStep : n.z - 1 - planeStep
          for rowStep in 1..<(n.y - 1) {
            let j = sign > 0 ? rowStep : n.y - 1 - rowStep
            let start = n.x * (j + n.y * k)
            for columnStep in 1..<(n.x - 1) {
              let at = start + (sign > 0 ? columnStep : n.x - 1 - columnStep)
              guard d[at] > 0 else { continue }
              var least = min(d[at], d[at - sign] + x, d[at - sign * n.x] + y, d[at - sign * plane] + z)
              least = min(least, min(d[at - sign * (n.x + 1)], d[at - sign * (n.x - 1)]) + xy)
              least = min(least, min(d[at - sign * (plane + 1)], d[at - sign * (plane - 1)]) + xz)
              least = min(least, min(d[at - sign * (plane + n.x)], d[at - sign * (plane - n.x)]) + yz)
              d[at] = least
            }
          }
        }
      }
    }
  }

  /// Where a brain comes without the fluid around it, its sulci and a thin shell are filled with some.
  mutating func addFluid() {
    let outer = voxels.count { $0 == TissueClass.sulcalFluid.rawValue }
    let brain = voxels.count { LabelSet.brain[$0] }
    guard outer * 20 < brain else { return }
    // A closing: out by 6 mm, and back by 4.
    let wide = near({ LabelSet.inner[$0] }, within: 6)
    let filled = LabelMap(dimensions: dimensions, spacing: spacing, voxels: wide.map { $0 ? 0 : 1 })
    let outside = filled.near({ $0 == 1 }, within: 4)
    for at in voxels.indices where voxels[at] == 0 && !outside[at] {
      voxels[at] = TissueClass.sulcalFluid.rawValue
    }
  }

  /// What skull-stripping keeps: brain, and the fluid and vessels about it that hang together with it and lie near it.
  func strippedBody() -> [Bool] {
    var body = near({ LabelSet.brain[$0] }, within: 14)
    for at in body.indices where !LabelSet.inner[voxels[at]] { body[at] = false }
    let steps = [
      1, -1, dimensions.x, -dimensions.x, dimensions.x * dimensions.y, -dimensions.x * dimensions.y,
    ]
    var reached = [Bool](repeating: false, count: voxels.count)
    var open = voxels.indices.filter { LabelSet.brain[voxels[$0]] }
    for at in open { reached[at] = true }
    while let at = open.popLast() {
      for step in steps {
        let next = at + step
        if voxels.indices.contains(next), body[next], !reached[next] {
          reached[next] = true
          open.append(next)
        }
      }
    }
    return reached
  }

  /// Of a map of three tissues: fluid deep within the body is that of the ventricles.
  mutating func tellVentricles(_ body: [Bool]) {
    let outside = LabelMap(dimensions: dimensions, spacing: spacing, voxels: body.map { $0 ? 0 : 1 })
    let shallow = outside.near({ $0 == 1 }, within: 24)
    for at in voxels.indices where voxels[at] == TissueClass.sulcalFluid.rawValue && !shallow[at] {
      voxels[at] = TissueClass.ventricularFluid.rawValue
    }
  }

  /// Soft tissue that is not told apart is fat under the scalp, and a patchwork of fat and muscle below.
  mutating func tellSoftTissue(_ surface: SurfaceDistance) {
    let texture = NoiseTexture.shared
    for k in 0..<dimensions.z {
      for j in 0..<dimensions.y {
        for i in 0..<dimensions.x where voxels[index(i, j, k)] == TissueClass.fat.rawValue {
          guard surface.nearest(i, j, k) >= SurfaceDistance.limit - 1 else { continue }
          if texture.value(Float(i), Float(j), Float(k)) > -0.2 {
            voxels[index(i, j, k)] = TissueClass.muscle.rawValue
          }
        }
      }
    }
  }
}

import Imaging

/// Signed distance in mm to the surface of a body of voxels, negative inside, on a lattice of every second voxel.
///
/// Near the surface it is the blurred body's value over its gradient; further away a chamfer distance (Borgefors 1986).
struct SurfaceDistance: Sendable {
  let dimensions: SIMD3<Int>
  let values: [Int8]
  /// Values are in eighths of a millimetre near the surface; they end at this distance.
  static let limit: Float = 15.5
  static let unit: Float = 0.125

  /// From a surface, one that lies further in.
  private init(_ dimensions: SIMD3<Int>, _ values: [Int8]) {
    (self.dimensions, self.values) = (dimensions, values)
  }

  init(body: [Bool], _ full: SIMD3<Int>, _ spacing: SIMD3<Float>) {
    let n = (full &+ 1) / 2
    dimensions = n
    let count = n.x * n.y * n.z
    var share = Self.share(full) { body[$0] }
    let steps = [1, n.x, n.x * n.y]
    for axis in 0..<3 { Self.blur(&share, n, axis, steps[axis]) }
    let edge = spacing * 2
    var distance = [Float](repeating: .infinity, count: count)
    var isKnown = [Bool](repeating: false, count: count)
    for k in 1..<max(n.z - 1, 1) {
      for j in 1..<max(n.y - 1, 1) {
        for i in 1..<max(n.x - 1, 1) {
          let at = i + n.x * (j + n.y * k)
          guard share[at] > 0.1, share[at] < 0.9 else { continue }
          var square: Float = 0
          for axis in 0..<3 {
            let slope = (share[at + steps[axis]] - share[at - steps[axis]]) / (2 * edge[axis])
            square += slope * slope
          }
          guard square > 0.0025 else { continue }
          distance[at] = abs((0.5 - share[at]) / square.squareRoot())
          isKnown[at] = true
        }
      }
    }
    Self.spread(&distance, isKnown, n, edge)
    values = zip(distance, share).map { distance, share in
      let signed = share > 0.5 ? -distance : distance
      return Int8(min(max(signed, -Self.limit), Self.limit) / Self.unit)
    }
  }

  /// The share of each lattice point's eight voxels that a body holds.
  @inline(__always)
  private static func share(_ full: SIMD3<Int>, _ holds: (Int) -> Bool) -> [Float] {
    let n = (full &+ 1) / 2
    var share = [Float](repeating: 0, count: n.x * n.y * n.z)
    for k in 0..<full.z {
      for j in 0..<full.y {
        let from = full.x * (j + full.y * k)
        let to = n.x * (j / 2 + n.y * (k / 2))
        for i in 0..<full.x where holds(from + i) { share[to + i / 2] += 0.125 }
      }
    }
    return share
  }

  /// Surfaces from this one, of the fluid, towards the brain's own hull (a closing of the brain by 6 mm, and 1 mm more),
  /// by these shares of the way, but nowhere more than 6 mm further in, so that cisterns stay.
  func towards(_ labels: LabelMap, shares: [Float]) -> [SurfaceDistance] {
    let edge = labels.spacing * 2
    let none = [Bool](repeating: false, count: values.count)
    let brain = labels.voxels.withUnsafeBufferPointer { voxels in
      Self.share(labels.dimensions) { LabelSet.brain[voxels[$0]] }
    }
    var outer = brain.map { $0 >= 0.5 ? Float(0) : .infinity }
    Self.spread(&outer, none, dimensions, edge)
    var inner = outer.map { $0 < 6 ? Float.infinity : 0 }
    Self.spread(&inner, none, dimensions, edge)
    return shares.map { share in
      SurfaceDistance(
        dimensions,
        values.indices.map { at in
          let own = Float(values[at]) * Self.unit
          let hull = outer[at] < 6 ? 5 - inner[at] : outer[at] - 1
          let moved = own + share * min(max(hull - own, 0), 6)
          return Int8(min(max(moved, -Self.limit), Self.limit) / Self.unit)
        })
    }
  }

  private static func blur(_ share: inout [Float], _ n: SIMD3<Int>, _ axis: Int, _ step: Int) {
    let before = share
    before.withUnsafeBufferPointer { before in
      for k in 0..<n.z {
        for j in 0..<n.y {
          for i in 0..<n.x {
            let at = i + n.x * (j + n.y * k)
            let place = [i, j, k][axis]
            let low = place > 0 ? before[at - step] : 0
            let high = place + 1 < n[axis] ? before[at + step] : 0
            share[at] = 0.25 * (low + high) + 0.5 * before[at]
          }
        }
      }
    }
  }

  /// Two passes over the lattice with the 13 neighbours that come before, and after.
  private static func spread(
    _ distance: inout [Float], _ isKnown: [Bool], _ n: SIMD3<Int>, _ edge: SIMD3<Float>
  ) {
    var neighbours: [(offset: SIMD3<Int>, length: Float)] = []
    for k in -1...0 {
      for j in -1...1 {
        for i in -1...1 where (k, j, i) < (0, 0, 0) {
          let vector = edge * SIMD3<Float>(Float(i), Float(j), Float(k))
          neighbours.append(([i, j, k], (vector * vector).sum().squareRoot()))
        }
      }
    }
    let count = n.x * n.y * n.z
    distance.withUnsafeMutableBufferPointer { distance in
      for sign in [1, -1] {
        let links = neighbours.map {
          (sign * ($0.offset.x + n.x * ($0.offset.y + n.y * $0.offset.z)), $0.length)
        }
        for step in 0..<count {
          let at = sign > 0 ? step : count - 1 - step
          let (i, j, k) = (at % n.x, at / n.x % n.y, at / (n.x * n.y))
          guard i > 0, j > 0, k > 0, i < n.x - 1, j < n.y - 1, k < n.z - 1, !isKnown[at] else { continue }
          var least = distance[at]
          for (offset, length) in links { least = min(least, distance[at + offset] + length) }
          distance[at] = least
        }
      }
      // Borders are passed over above; there the limit stands for what is far.
      for at in 0..<count where distance[at] > limit { distance[at] = limit }
    }
  }

  /// At a voxel index of the full grid, interpolated linearly.
  @inline(__always)
  static func sample(
    _ values: UnsafePointer<Int8>, _ n: SIMD3<Int>, _ x: Float, _ y: Float, _ z: Float
  ) -> Float {
    let (u, v, w) = ((x - 0.5) * 0.5, (y - 0.5) * 0.5, (z - 0.5) * 0.5)
    guard u >= 0, v >= 0, w >= 0 else { return limit }
    let (i, j, k) = (Int(u), Int(v), Int(w))
    guard i < n.x - 1, j < n.y - 1, k < n.z - 1 else { return limit }
    let (fx, fy, fz) = (u - Float(i), v - Float(j), w - Float(k))
    let plane = n.x * n.y
    let p = values + (i + n.x * j + plane * k)
    @inline(__always) func line(_ p: UnsafePointer<Int8>) -> Float {
      Float(p[0]) + (Float(p[1]) - Float(p[0])) * fx
    }
    let (a, b) = (line(p), line(p + n.x))
    let (c, d) = (line(p + plane), line(p + plane + n.x))
    let (low, high) = (a + (b - a) * fy, c + (d - c) * fy)
    return (low + (high - low) * fz) * unit
  }

  /// The same of the nearest lattice point.
  func nearest(_ i: Int, _ j: Int, _ k: Int) -> Float {
    Float(values[i / 2 + dimensions.x * (j / 2 + dimensions.y * (k / 2))]) * Self.unit
  }
}

/// How finely the box about the voxel centres of a volume is divided: into equal elements along each axis, over which uniform
/// cubic B-splines lie, three more than there are elements.
struct SplineMesh: Sendable {
  /// Voxels of the volume along each axis.
  let dimensions: SIMD3<Int>
  let elements: SIMD3<Int>

  /// Splines along each axis; a field has one coefficient for each three, the first axis running fastest.
  var counts: SIMD3<Int> { elements &+ 3 }
  var coefficientCount: Int { counts.x * counts.y * counts.z }

  /// The first of the four splines that are not 0 at a voxel index, which may be fractional, and their values.
  func splines(at index: Double, axis: Int) -> (start: Int, weights: [Double]) {
    let place = index / Double(max(dimensions[axis] - 1, 1)) * Double(elements[axis])
    let element = min(max(Int(place), 0), elements[axis] - 1)
    let t = place - Double(element)
    let s = 1 - t
    let (left, right) = (4 - 6 * t * t + 3 * t * t * t, 4 - 6 * s * s + 3 * s * s * s)
    return (element, [s * s * s / 6, left / 6, right / 6, t * t * t / 6])
  }

  /// Values at voxel indices along an axis from the coefficients along it.
  func values(at indices: [Double], axis: Int) -> AxisWeights {
    AxisWeights(indices.map { splines(at: $0, axis: axis) }, counts[axis])
  }

  /// Sums over voxel indices along an axis, ascending, for each spline along it.
  ///
  /// - Parameter share: what an index adds, of the spline's value there and of the sum of the squares of all splines' there.
  func sums(
    over indices: [Double], axis: Int, _ share: (_ weight: Double, _ squares: Double) -> Double
  ) -> AxisWeights {
    let splines = indices.map { self.splines(at: $0, axis: axis) }
    let taps = (0..<counts[axis]).map { spline in
      let near = splines.indices.filter { (0..<4).contains(spline - splines[$0].start) }
      let weights = near.map { place in
        let all = splines[place].weights
        return share(all[spline - splines[place].start], all.reduce(0) { $0 + $1 * $1 })
      }
      return (start: near.first ?? 0, weights: weights)
    }
    return AxisWeights(taps, indices.count)
  }

  /// Half as large elements, where each would still have a voxel of its own.
  var refined: SplineMesh {
    var finer = elements
    for axis in 0..<3 where 2 * finer[axis] < dimensions[axis] { finer[axis] *= 2 }
    return SplineMesh(dimensions: dimensions, elements: finer)
  }

  /// The coefficients by which the same field has the `refined` elements.
  func refine(_ coefficients: [Float]) -> [Float] {
    var (result, inner) = (coefficients, 1)
    let refined = refined
    for axis in 0..<3 {
      if refined.elements[axis] > elements[axis] {
        // A spline is the sum of five of half its width, as 1, 4, 6, 4 and 1 of 8.
        let taps = (0..<refined.counts[axis]).map { fine in
          (start: fine / 2, weights: fine % 2 == 0 ? [0.5, 0.5] : [0.125, 0.75, 0.125])
        }
        result = AxisWeights(taps, counts[axis]).apply(result, inner: inner, threads: 1)
      }
      inner *= refined.counts[axis]
    }
    return result
  }
}

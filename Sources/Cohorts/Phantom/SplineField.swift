import Imaging

/// Four smooth random functions of position on one lattice: uniform cubic B-splines, so each is twice continuously
/// differentiable and known everywhere, at shifted positions no less exactly than at voxel centres.
package struct SplineField: Sendable {
  /// Lattice points along each axis, their spacing in mm and the position of the first.
  let counts: SIMD3<Int>
  let spacing: Float
  let origin: SIMD3<Float>
  var coefficients: [SIMD4<Float>]

  /// A field with standard deviation near `deviation` in each of its four functions, over the box from `low` to
  /// `high` (mm) and at least one spacing beyond.
  ///
  /// Coefficients are normal, cut at `limit` standard deviations.
  package init(
    low: SIMD3<Float>, high: SIMD3<Float>, spacing: Float, deviation: SIMD4<Float>, limit: Double = 3,
    random: inout RandomSource
  ) {
    self.spacing = spacing
    origin = low - 2 * spacing
    let span = ((high - low) / spacing).rounded(.up)
    counts = SIMD3<Int>(Int(span.x), Int(span.y), Int(span.z)) &+ 6
    // Independent coefficients of deviation 1 sum to about (0.479)^(3/2): the mean square of the weights, per axis.
    let scale = deviation / 0.332
    coefficients = []
    coefficients.reserveCapacity(counts.x * counts.y * counts.z)
    for _ in 0..<(counts.x * counts.y * counts.z) {
      var value = SIMD4<Float>.zero
      for lane in 0..<4 where deviation[lane] > 0 {
        value[lane] = Float(min(max(random.normal(), -limit), limit))
      }
      coefficients.append(value * scale)
    }
  }

  /// The four values at a position in mm.
  package func callAsFunction(_ position: SIMD3<Float>) -> SIMD4<Float> {
    var plane = [SIMD4<Float>](repeating: .zero, count: counts.x * counts.y)
    var line = [SIMD4<Float>](repeating: .zero, count: counts.x)
    contract(coefficients, axis: 2, at: position.z, into: &plane)
    contract(plane, axis: 1, at: position.y, into: &line)
    let (cell, weights) = Self.weights((position.x - origin.x) / spacing, count: counts.x)
    return (0..<4).reduce(.zero) { $0 + line[cell + $1] * weights[$1] }
  }

  /// Coefficients reduced along their last axis: the lattice to a plane at height z (axis 2), a plane to its line at y (1).
  func contract(
    _ coefficients: [SIMD4<Float>], axis: Int, at coordinate: Float, into result: inout [SIMD4<Float>]
  ) {
    let (cell, w) = Self.weights((coordinate - origin[axis]) / spacing, count: counts[axis])
    let size = result.count
    coefficients.withUnsafeBufferPointer { from in
      result.withUnsafeMutableBufferPointer { to in
        let base = cell * size
        for n in 0..<size {
          let low = from[base + n] * w.x + from[base + size + n] * w.y
          let high = from[base + 2 * size + n] * w.z + from[base + 3 * size + n] * w.w
          to[n] = low + high
        }
      }
    }
  }

  /// The first of the four lattice points about a coordinate (in spacings from the first point), and their weights.
  /// Coordinates beyond the lattice give its border.
  static func weights(_ coordinate: Float, count: Int) -> (cell: Int, weights: SIMD4<Float>) {
    let inside = min(max(coordinate, 1), Float(count) - 2.001)
    let base = inside.rounded(.down)
    let t = inside - base
    let s = 1 - t
    let t2 = t * t
    let w1 = (4 - 6 * t2 + 3 * t2 * t) / 6
    let w2 = (1 + 3 * t + 3 * t2 - 3 * t2 * t) / 6
    return (Int(base) - 1, [s * s * s / 6, w1, w2, t2 * t / 6])
  }
}

/// A field along rows of equally spaced samples: plane and line are reduced once and shared by the row.
struct SplineRows {
  let field: SplineField
  private var plane: [SIMD4<Float>]
  private var line: [SIMD4<Float>]
  private let cells: [Int]
  private let weights: [SIMD4<Float>]

  /// Rows of samples at the given x positions, in mm.
  init(_ field: SplineField, x: [Float]) {
    self.field = field
    plane = [SIMD4<Float>](repeating: .zero, count: field.counts.x * field.counts.y)
    line = [SIMD4<Float>](repeating: .zero, count: field.counts.x)
    let places = x.map { SplineField.weights(($0 - field.origin.x) / field.spacing, count: field.counts.x) }
    cells = places.map(\.cell)
    weights = places.map(\.weights)
  }

  mutating func move(toZ z: Float) { field.contract(field.coefficients, axis: 2, at: z, into: &plane) }

  /// Values at the given samples of the row at y.
  mutating func evaluate(y: Float, in samples: Range<Int>, into row: inout [SIMD4<Float>]) {
    field.contract(plane, axis: 1, at: y, into: &line)
    line.withUnsafeBufferPointer { line in
      weights.withUnsafeBufferPointer { weights in
        cells.withUnsafeBufferPointer { cells in
          row.withUnsafeMutableBufferPointer { row in
            for i in samples {
              let c = cells[i]
              let w = weights[i]
              row[i] = (line[c] * w.x + line[c + 1] * w.y) + (line[c + 2] * w.z + line[c + 3] * w.w)
            }
          }
        }
      }
    }
  }
}

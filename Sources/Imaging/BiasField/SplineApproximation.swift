/// The field near values that are known at some points of a grid: the B-spline approximation of Lee, Wolberg and Shin (IEEE
/// TVCG 1997, section 3).
///
/// Each point alone asks of the 64 splines about it for the smallest coefficients that give its value, `value · w / Σ w²`;
/// where points ask for different ones, they count by `w²`. On a grid `w` and `Σ w²` are products of one factor for each
/// axis, so that the sums over points are taken along one axis after another.
struct SplineApproximation: Sendable {
  private let size: SIMD3<Int>
  /// Which points of the grid have a value, and how many points there are.
  private let places: [Int]
  private let pointCount: Int
  /// For each axis, from coefficients to points.
  private let fields: [AxisWeights]
  /// For each axis, from points to coefficients, by `w³ / Σ w²`.
  private let requests: [AxisWeights]
  /// 1 by what all points near three splines count together, or 0 where that is next to nothing.
  private let shares: [Float]

  init(_ mesh: SplineMesh, at samples: LogSamples) {
    let size = SIMD3(samples.indices[0].count, samples.indices[1].count, samples.indices[2].count)
    self.size = size
    (places, pointCount) = (samples.places, samples.pointCount)
    let indices = samples.indices.map { $0.map { Double($0) } }
    fields = (0..<3).map { mesh.values(at: indices[$0], axis: $0) }
    requests = (0..<3).map { mesh.sums(over: indices[$0], axis: $0) { $0 * $0 * $0 / $1 } }
    let squares = (0..<3).map { mesh.sums(over: indices[$0], axis: $0) { weight, _ in weight * weight } }
    var isKnown = [Float](repeating: 0, count: pointCount)
    for place in places { isKnown[place] = 1 }
    // What points at the very rim of splines ask of them is next to nothing too, and both may be lost to rounding.
    shares = Self.gathered(isKnown, by: squares, size).map { $0 > 1e-12 ? 1 / $0 : 0 }
  }

  /// - Parameter values: of the samples.
  /// - Returns: one for each three splines; 0 where no sample is near.
  func coefficients(of values: [Float]) -> [Float] {
    var grid = [Float](repeating: 0, count: pointCount)
    for (place, value) in zip(places, values) { grid[place] = value }
    return zip(Self.gathered(grid, by: requests, size), shares).map { $0 * $1 }
  }

  /// The field at the samples.
  func values(_ coefficients: [Float]) -> [Float] {
    var grid = fields[0].apply(coefficients, inner: 1, threads: 1)
    grid = fields[1].apply(grid, inner: size.x, threads: 1)
    grid = fields[2].apply(grid, inner: size.x * size.y, threads: 1)
    return places.map { grid[$0] }
  }

  /// The slowest axis first: its passes run along whole planes, and leave little for the others.
  private static func gathered(_ grid: [Float], by weights: [AxisWeights], _ size: SIMD3<Int>) -> [Float] {
    var result = weights[2].apply(grid, inner: size.x * size.y, threads: 1)
    result = weights[1].apply(result, inner: size.x, threads: 1)
    return weights[0].apply(result, inner: 1, threads: 1)
  }
}

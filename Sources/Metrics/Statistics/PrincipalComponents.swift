/// The directions in which a cloud of points varies most, by orthogonal iteration on the covariance.
public struct PrincipalComponents: Sendable {
  /// Mean of each channel.
  public let mean: [Double]
  /// Unit vectors over the channels, the most variance first; the largest entry of each is positive.
  public let axes: [[Double]]
  /// Variance along each axis (divided by n).
  public let variances: [Double]
  /// Variance along all axes there are.
  public let total: Double

  /// Directions that are followed at once: a few more than are wanted let those converge sooner.
  private static let reserve = 5
  private static let mostIterations = 500

  /// - Parameters:
  ///   - values: `channels x points`, one channel after another.
  ///   - count: axes wanted; at most as many as there are channels.
  public init(_ values: [Float], channels: Int, count: Int) {
    precondition(channels > 0 && values.count % channels == 0 && values.count >= channels)
    let points = values.count / channels
    let mean = (0..<channels).map { channel in
      values[channel * points..<(channel + 1) * points].reduce(0.0) { $0 + Double($1) } / Double(points)
    }
    let covariance = PrincipalComponents.covariance(values, mean: mean)
    let wanted = min(count, channels)
    let followed = min(channels, wanted + PrincipalComponents.reserve)
    // Any start serves that is not orthogonal to an axis: fixed numbers without structure.
    var state: UInt64 = 1
    var basis = (0..<followed).map { _ in
      (0..<channels).map { _ -> Double in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Double(Int64(bitPattern: state) >> 11) / 0x1p52
      }
    }
    orthonormalize(&basis)
    var variances = [Double](repeating: 0, count: followed)
    for _ in 0..<PrincipalComponents.mostIterations {
      let images = basis.map { covariance.times($0) }
      // Within the space they span, the axes are known exactly.
      let (rotation, found) = SymmetricMatrix(
        (0..<followed).flatMap { row in (0..<followed).map { dot(basis[row], images[$0]) } }, side: followed
      ).eigenvectors
      let change = zip(found, variances).map { abs($0 - $1) }.prefix(wanted).max() ?? 0
      variances = found
      basis = rotation.map { weights in
        (0..<channels).map { place in zip(weights, images).reduce(0) { $0 + $1.0 * $1.1[place] } }
      }
      orthonormalize(&basis)
      if change <= 1e-13 * max(found[0], .leastNormalMagnitude) { break }
    }
    self.mean = mean
    axes = basis.prefix(wanted).map { axis in
      let largest = axis.max { abs($0) < abs($1) } ?? 0
      return largest < 0 ? axis.map { -$0 } : axis
    }
    self.variances = variances.prefix(wanted).map { max(0, $0) }
    total = (0..<channels).reduce(0) { $0 + covariance[$1, $1] }
  }

  /// How far each point lies along an axis, from the mean.
  public func projection(of values: [Float], on axis: Int) -> [Float] {
    let points = values.count / mean.count
    var sums = [Double](repeating: 0, count: points)
    for (channel, weight) in axes[axis].enumerated() {
      for point in 0..<points {
        sums[point] += weight * (Double(values[channel * points + point]) - mean[channel])
      }
    }
    return sums.map { Float($0) }
  }

  private static func covariance(_ values: [Float], mean: [Double]) -> SymmetricMatrix {
    let (channels, points) = (mean.count, values.count / mean.count)
    var centred = [Double](repeating: 0, count: values.count)
    for index in values.indices { centred[index] = Double(values[index]) - mean[index / points] }
    var entries = [Double](repeating: 0, count: channels * channels)
    centred.withUnsafeBufferPointer { centred in
      for row in 0..<channels {
        for column in 0...row {
          var sum = 0.0
          for point in 0..<points { sum += centred[row * points + point] * centred[column * points + point] }
          entries[row * channels + column] = sum / Double(points)
          entries[column * channels + row] = sum / Double(points)
        }
      }
    }
    return SymmetricMatrix(entries, side: channels)
  }
}

/// A small symmetric matrix.
struct SymmetricMatrix {
  let side: Int
  private var entries: [Double]

  init(_ entries: [Double], side: Int) {
    precondition(entries.count == side * side)
    (self.entries, self.side) = (entries, side)
  }

  subscript(row: Int, column: Int) -> Double {
    get { entries[row * side + column] }
    set { entries[row * side + column] = newValue }
  }

  func times(_ vector: [Double]) -> [Double] {
    entries.withUnsafeBufferPointer { entries in
      (0..<side).map { row in
        var sum = 0.0
        for column in 0..<side { sum += entries[row * side + column] * vector[column] }
        return sum
      }
    }
  }

  /// Unit eigenvectors with their values, the largest first, by Jacobi's rotations.
  var eigenvectors: (vectors: [[Double]], values: [Double]) {
    var matrix = self
    var vectors = (0..<side).map { row in (0..<side).map { $0 == row ? 1.0 : 0 } }
    for _ in 0..<60 {
      var rest = 0.0
      for p in 0..<side { for q in 0..<p { rest += matrix[p, q] * matrix[p, q] } }
      let size = (0..<side).reduce(0) { $0 + matrix[$1, $1] * matrix[$1, $1] }
      if rest <= 1e-30 * size { break }
      for p in 0..<side {
        for q in 0..<p where matrix[p, q] != 0 {
          // The rotation in the plane of p and q that makes their entry vanish.
          let slope = (matrix[q, q] - matrix[p, p]) / (2 * matrix[p, q])
          let tangent = (slope < 0 ? -1 : 1) / (abs(slope) + (1 + slope * slope).squareRoot())
          let cosine = 1 / (1 + tangent * tangent).squareRoot()
          let sine = tangent * cosine
          for k in 0..<side {
            let (a, b) = (matrix[k, p], matrix[k, q])
            (matrix[k, p], matrix[k, q]) = (cosine * a - sine * b, sine * a + cosine * b)
          }
          for k in 0..<side {
            let (a, b) = (matrix[p, k], matrix[q, k])
            (matrix[p, k], matrix[q, k]) = (cosine * a - sine * b, sine * a + cosine * b)
            let (u, v) = (vectors[p][k], vectors[q][k])
            (vectors[p][k], vectors[q][k]) = (cosine * u - sine * v, sine * u + cosine * v)
          }
        }
      }
    }
    let order = (0..<side).sorted { matrix[$0, $0] > matrix[$1, $1] }
    return (order.map { vectors[$0] }, order.map { matrix[$0, $0] })
  }
}

private func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }

/// Gram and Schmidt's procedure, twice for accuracy; a vector that depends on those before becomes an axis that does not.
private func orthonormalize(_ basis: inout [[Double]]) {
  for index in basis.indices {
    var vector = basis[index]
    var spare = 0
    while true {
      let before = dot(vector, vector).squareRoot()
      for _ in 0..<2 {
        for other in basis[..<index] {
          let share = dot(vector, other)
          for place in vector.indices { vector[place] -= share * other[place] }
        }
      }
      let length = dot(vector, vector).squareRoot()
      if length > 1e-10 * before {
        basis[index] = vector.map { $0 / length }
        break
      }
      vector = vector.indices.map { $0 == spare ? 1 : 0 }
      spare += 1
    }
  }
}

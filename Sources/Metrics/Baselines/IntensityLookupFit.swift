extension IntensityLookup {
  /// Fits the table slice by slice: sums only, so the memory is that of the table, whatever the cohort's size.
  ///
  /// Every pixel spreads over the corners of its cell. A node's value is a linear trend, fitted to all pixels, plus
  /// the mean residual of the pixels around the node, so that one-sided cells at 0 and 1 are not biased; nodes
  /// that saw less than one pixel take their residual from the nearest ones that did.
  public struct Fit: Sendable {
    public let sources: [String]
    public let target: String
    public private(set) var pixels = 0

    private let grid: IntensityGrid
    /// Per node: weight, weighted target, weighted intensity of each source.
    private var sums: [Double]
    /// Of (1, sources..., target): the products of all pairs, row by row.
    private var moments: [Double]

    public init(sources: [String], target: String) {
      precondition((1...8).contains(sources.count), "a look-up has 1 to 8 sources, not \(sources.count)")
      self.sources = sources
      self.target = target
      grid = IntensityGrid(sources: sources.count)
      sums = [Double](repeating: 0, count: grid.count * (sources.count + 2))
      moments = [Double](repeating: 0, count: (sources.count + 2) * (sources.count + 2))
    }

    /// Adds one slice: its sources in the order of `sources`, and its target, scaled to [0, 1].
    ///
    /// Pixels whose target is not finite are passed over.
    public mutating func add(sources images: [[Float]], target: [Float]) {
      let grid = grid
      let width = grid.sources + 2
      pixels += target.count { $0.isFinite }
      grid.withViews(of: images, count: target.count) { views, corner, weight in
        withUnsafeTemporaryAllocation(of: Double.self, capacity: width) { point in
          point.initialize(repeating: 1)
          sums.withUnsafeMutableBufferPointer { sums in
            moments.withUnsafeMutableBufferPointer { moments in
              for pixel in target.indices where target[pixel].isFinite {
                for source in 0..<grid.sources {
                  let value = views[source][pixel]
                  point[source + 1] = Double(value > 0 ? (value < 1 ? value : 1) : 0)
                }
                point[width - 1] = Double(target[pixel])
                for i in 0..<width {
                  for j in i..<width { moments[i * width + j] += point[i] * point[j] }
                }
                for c in 0..<grid.corners(of: pixel, in: views, corner, weight) {
                  let share = Double(weight[c])
                  let start = corner[c] * width
                  for k in 0..<width { sums[start + k] += share * point[k] }
                }
              }
            }
          }
        }
      }
    }

    /// The table; nothing if no pixel was seen.
    public func finished() -> IntensityLookup? {
      guard pixels > 0 else { return nil }
      let width = grid.sources + 2
      let trend = trend()
      var residual = [Double](repeating: 0, count: grid.count)
      var seen = [Bool](repeating: false, count: grid.count)
      for node in 0..<grid.count where sums[node * width] >= 1 {
        var rest = sums[node * width + width - 1]
        for k in 0...grid.sources { rest -= trend[k] * sums[node * width + k] }
        residual[node] = rest / sums[node * width]
        seen[node] = true
      }
      fill(&residual, &seen)
      let table = (0..<grid.count).map { node in
        var value = trend[0] + residual[node]
        for source in 0..<grid.sources {
          value += trend[source + 1] * grid.intensity(of: node, along: source)
        }
        return Float(max(0, min(1, value)))
      }
      return IntensityLookup(sources: sources, target: target, pixels: pixels, table: table, grid: grid)
    }

    /// Least squares of the target on (1, sources...), a trace of ridge keeping constant sources solvable.
    private func trend() -> [Double] {
      let width = grid.sources + 2
      let n = grid.sources + 1
      var matrix = (0..<n).map { i in (0..<n).map { j in moments[min(i, j) * width + max(i, j)] } }
      var right = (0..<n).map { moments[$0 * width + width - 1] }
      for i in 0..<n { matrix[i][i] += 1e-9 * Double(pixels) }
      for i in 0..<n {
        for row in (i + 1)..<max(n, i + 1) {
          let factor = matrix[row][i] / matrix[i][i]
          for column in i..<n { matrix[row][column] -= factor * matrix[i][column] }
          right[row] -= factor * right[i]
        }
      }
      for i in (0..<n).reversed() {
        for column in (i + 1)..<max(n, i + 1) { right[i] -= matrix[i][column] * right[column] }
        right[i] /= matrix[i][i]
      }
      return right
    }

    /// Grows the seen nodes, ring by ring, into the unseen ones: the mean of the neighbours along the axes.
    private func fill(_ residual: inout [Double], _ seen: inout [Bool]) {
      guard seen.contains(true) else { return }
      while seen.contains(false) {
        let before = (residual: residual, seen: seen)
        for node in 0..<grid.count where !before.seen[node] {
          var sum = 0.0
          var count = 0
          var step = 1
          for _ in 0..<grid.sources {
            let place = node / step % grid.nodes
            for (isInside, other) in [(place > 0, node - step), (place < grid.nodes - 1, node + step)]
            where isInside && before.seen[other] {
              sum += before.residual[other]
              count += 1
            }
            step *= grid.nodes
          }
          if count > 0 {
            residual[node] = sum / Double(count)
            seen[node] = true
          }
        }
      }
    }
  }
}

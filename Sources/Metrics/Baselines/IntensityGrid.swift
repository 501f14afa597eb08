/// Nodes at equal steps over [0, 1]^S and the multilinear weights of a point on them.
struct IntensityGrid: Sendable, Equatable {
  let sources: Int
  /// Nodes along each axis: fewer for more sources, so that the cells stay populated.
  let nodes: Int

  init(sources: Int) {
    self.sources = sources
    nodes = sources > 4 ? 5 : [64, 32, 16, 8][sources - 1]
  }

  var count: Int { (0..<sources).reduce(1) { product, _ in product * nodes } }

  /// Intensity along one axis of node `index`; the first source's axis runs fastest.
  func intensity(of index: Int, along source: Int) -> Double {
    let step = (0..<source).reduce(1) { product, _ in product * nodes }
    return Double(index / step % nodes) / Double(nodes - 1)
  }

  /// The corners of the cell that holds a point, with their weights; corners of weight 0 are left out.
  ///
  /// Intensities are clamped to [0, 1]; one that is not a number counts as 0.
  /// - Returns: how many corners were written; at most 2^S.
  @inline(__always)
  func corners(
    of pixel: Int, in images: UnsafeBufferPointer<UnsafeBufferPointer<Float>>,
    _ indices: UnsafeMutablePointer<Int>, _ weights: UnsafeMutablePointer<Float>
  ) -> Int {
    var count = 1
    indices[0] = 0
    weights[0] = 1
    var step = 1
    for source in 0..<sources {
      let raw = images[source][pixel]
      let value = raw > 0 ? (raw < 1 ? raw : 1) : 0
      let position = value * Float(nodes - 1)
      let low = min(Int(position), nodes - 2)
      let fraction = position - Float(low)
      let base = low * step
      if fraction == 0 {
        for c in 0..<count { indices[c] += base }
      } else {
        for c in 0..<count {
          indices[count + c] = indices[c] + base + step
          weights[count + c] = weights[c] * fraction
          indices[c] += base
          weights[c] *= 1 - fraction
        }
        count *= 2
      }
      step *= nodes
    }
    return count
  }

  /// Calls `body` with views of all images, of equal length, and with room for the corners of one pixel.
  @inline(__always)
  func withViews(
    of images: [[Float]], count: Int,
    _ body: (
      _ views: UnsafeBufferPointer<UnsafeBufferPointer<Float>>, _ corners: UnsafeMutablePointer<Int>,
      _ weights: UnsafeMutablePointer<Float>
    ) -> Void
  ) {
    precondition(images.count == sources, "\(images.count) images for \(sources) sources")
    precondition(images.allSatisfy { $0.count == count }, "the images differ in their number of pixels")
    func open(_ views: [UnsafeBufferPointer<Float>]) {
      guard views.count == images.count else {
        return images[views.count].withUnsafeBufferPointer { open(views + [$0]) }
      }
      let corners = UnsafeMutablePointer<Int>.allocate(capacity: 1 << sources)
      let weights = UnsafeMutablePointer<Float>.allocate(capacity: 1 << sources)
      defer {
        corners.deallocate()
        weights.deallocate()
      }
      views.withUnsafeBufferPointer { body($0, corners, weights) }
    }
    open([])
  }
}

/// Local moments of two images, or of one plane of two volumes, one row of the map at a time, so that the working set stays
/// in the cache.
///
/// Four maps suffice for SSIM: means of p, of t, of p² + t² and of p t (only the sum of the variances is used).
/// The rows that a window spans lie in a ring, widened to `Double`, the four maps of a row side by side; those of a volume
/// already filtered across planes.
struct MomentRows<P: Pixel> {
  private typealias Lanes = SIMD8<Double>

  private let prediction: UnsafeBufferPointer<P>
  private let target: UnsafeBufferPointer<P>
  private let height: Int
  private let width: Int
  private let weights: [Double]
  private let radius: Int
  private let mirrored: Bool
  /// Which planes of a volume a row is made of, and with which weights; none of an image.
  private let planes: [(plane: Int, weight: Double)]
  /// Doubles from one map's row to the next: the width, room for mirrored borders, whole vectors.
  private let stride: Int
  /// Rows in the ring; a power of two is not needed, a whole window is.
  private let ringRows: Int
  /// The beginning of all the memory: `line` and `output` lie behind.
  private let ring: UnsafeMutablePointer<Double>
  private let line: UnsafeMutablePointer<Double>
  private let output: UnsafeMutablePointer<Double>
  private var loaded = 0

  /// - Parameter plane: the plane of the map, of `depth` in all; an image has one.
  init(
    _ prediction: UnsafeBufferPointer<P>, _ target: UnsafeBufferPointer<P>, plane: Int = 0, depth: Int = 1,
    height: Int, width: Int, window: Window, mirrored: Bool
  ) {
    self.prediction = prediction
    self.target = target
    self.height = height
    self.width = width
    self.mirrored = mirrored
    weights = window.weights
    radius = window.radius
    planes =
      depth == 1
      ? []
      : (-window.radius...window.radius).map {
        (Self.mirror(plane + $0, depth), window.weights[abs($0)])
      }
    stride = (width + 7) / 8 * 8 + 16
    ringRows = 2 * radius + 1
    let rows = (ringRows + 2) * 4
    ring = .allocate(capacity: rows * stride)
    ring.initialize(repeating: 0, count: rows * stride)
    (line, output) = (ring + ringRows * 4 * stride, ring + (ringRows + 1) * 4 * stride)
  }

  func deallocate() { ring.deallocate() }

  /// Pixels of a row of the map.
  private var columns: Int { mirrored ? width : width - 2 * radius }

  /// Reflection about the border pixel, folded again where the image is smaller than the window.
  @inline(__always)
  private static func mirror(_ index: Int, _ count: Int) -> Int {
    if index >= 0 && index < count { return index }
    if count == 1 { return 0 }
    let period = 2 * (count - 1)
    let folded = ((index % period) + period) % period
    return folded < count ? folded : period - folded
  }

  private func load(row y: Int) {
    let start = ring + (y % ringRows) * 4 * stride + radius
    let p = start
    let t = start + stride
    let squares = start + 2 * stride
    let products = start + 3 * stride
    if planes.isEmpty {
      let first = y * width
      for x in 0..<width {
        let a = prediction[first + x].value
        let b = target[first + x].value
        p[x] = a
        t[x] = b
        squares[x] = a * a + b * b
        products[x] = a * b
      }
      return
    }
    start.update(repeating: 0, count: 3 * stride + width)
    for (plane, weight) in planes {
      let first = (plane * height + y) * width
      for x in 0..<width {
        let a = prediction[first + x].value
        let b = target[first + x].value
        p[x] += a * weight
        t[x] += b * weight
        squares[x] += (a * a + b * b) * weight
        products[x] += a * b * weight
      }
    }
  }

  /// Filters the window's rows around row `y`; rows must be asked for from top to bottom.
  mutating func filter(row y: Int) {
    let last = min(height - 1, y + radius)
    while loaded <= last {
      load(row: loaded)
      loaded += 1
    }
    vertical(y)
    if mirrored { mirrorBorders() }
    horizontal()
  }

  @inline(__always)
  private func lanes(_ pointer: UnsafeMutablePointer<Double>) -> Lanes {
    UnsafeRawPointer(pointer).loadUnaligned(as: Lanes.self)
  }

  @inline(__always)
  private func store(_ value: Lanes, _ pointer: UnsafeMutablePointer<Double>) {
    UnsafeMutableRawPointer(pointer).storeBytes(of: value, as: Lanes.self)
  }

  @inline(__always)
  private func ringRow(_ y: Int) -> UnsafeMutablePointer<Double> {
    ring + (Self.mirror(y, height) % ringRows) * 4 * stride
  }

  private func vertical(_ y: Int) {
    let centre = ringRow(y)
    withUnsafeTemporaryAllocation(of: UnsafeMutablePointer<Double>.self, capacity: 2 * radius) { pairs in
      for k in 1...radius {
        pairs.initializeElement(at: 2 * k - 2, to: ringRow(y - k))
        pairs.initializeElement(at: 2 * k - 1, to: ringRow(y + k))
      }
      weights.withUnsafeBufferPointer { weights in
        for x in Swift.stride(from: 0, to: 4 * stride, by: 8) {
          var sum = lanes(centre + x) * weights[0]
          for k in 1...radius {
            sum += (lanes(pairs[2 * k - 2] + x) + lanes(pairs[2 * k - 1] + x)) * weights[k]
          }
          store(sum, line + x)
        }
      }
    }
  }

  private func mirrorBorders() {
    for map in 0..<4 {
      let row = line + map * stride + radius
      for k in 1...radius {
        row[-k] = row[Self.mirror(-k, width)]
        row[width - 1 + k] = row[Self.mirror(width - 1 + k, width)]
      }
    }
  }

  private func horizontal() {
    let columns = columns
    // A cropped map starts at pixel `radius`, a mirrored one at pixel 0 whose window starts in the border.
    let first = mirrored ? radius : 2 * radius
    weights.withUnsafeBufferPointer { weights in
      for map in 0..<4 {
        let row = line + map * stride + first
        let out = output + map * stride
        var x = 0
        while x < columns {
          // The last vector slides back so as not to read beyond the row.
          let at = columns >= 8 ? min(x, columns - 8) : x
          var sum = lanes(row + at) * weights[0]
          for k in 1...radius { sum += (lanes(row + at - k) + lanes(row + at + k)) * weights[k] }
          store(sum, out + at)
          x += 8
        }
      }
    }
  }

  /// The SSIM map of the row that was filtered last.
  func similarity(c1: Double, c2: Double, unbiased: Double) -> UnsafeBufferPointer<Double> {
    let columns = columns
    let doubled = 2 * unbiased
    for x in Swift.stride(from: 0, to: columns, by: 8) {
      let p = lanes(output + x)
      let t = lanes(output + stride + x)
      let product = p * t
      let energy = p * p + t * t
      let covariance = (lanes(output + 3 * stride + x) - product) * doubled
      var variances = (lanes(output + 2 * stride + x) - energy) * unbiased
      variances.replace(with: 0, where: variances .< 0)
      let upper = (product * 2 + c1) * (covariance + c2)
      store(upper / ((energy + c1) * (variances + c2)), output + x)
    }
    return UnsafeBufferPointer(start: output, count: columns)
  }
}

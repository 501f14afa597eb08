import Foundation
import Imaging

/// Structural similarity of two slices or two volumes (Wang et al., 2004).
///
/// The flavour changes the third decimal, so it has a name and is printed beside the figure.
/// Means, variances and covariance come from one separable window, square or cubic; K1 = 0.01, K2 = 0.03.
/// torchmetrics clamps each variance at 0; here their sum is clamped, which in `Double` differs by rounding only.
public struct SSIM: Sendable, Equatable, Codable {
  /// Which window, and what becomes of the border.
  public enum Variant: String, Sendable, Codable, CaseIterable {
    /// torchmetrics 1.9: Gaussian, 11 pixels along each axis, sigma 1.5, mirrored border, mean of the full map.
    case full
    /// The same with a border of 5 pixels left out; scikit-image's `gaussian_weights` and older torchmetrics.
    case crop
    /// scikit-image's default: uniform, 7 pixels along each axis, sample covariance, a border of 3 pixels left out.
    case uniform
  }

  /// What pixels of a map add up to, all of them and those inside a mask.
  struct Sum {
    var image = 0.0, inside = 0.0
    var pixels = 0, masked = 0

    static func += (sum: inout Sum, other: Sum) {
      sum.image += other.image
      sum.inside += other.inside
      sum.pixels += other.pixels
      sum.masked += other.masked
    }

    /// Not a number of what has no pixel.
    var means: (image: Double, inside: Double) { (image / Double(pixels), inside / Double(masked)) }
  }

  public var variant: Variant
  /// L, the largest minus the smallest value an image may take.
  public var dataRange: Double

  public init(_ variant: Variant = .full, dataRange: Double = 1) {
    self.variant = variant
    self.dataRange = dataRange
  }

  /// Pixels of the border that the mean leaves out.
  public var margin: Int { variant == .full ? 0 : window.radius }

  /// The data range where none is given, as torchmetrics infers it: the larger of both images' spans.
  public static func dataRange(of prediction: [Float], _ target: [Float]) -> Double {
    [prediction, target].map { Double($0.max() ?? 0) - Double($0.min() ?? 0) }.max() ?? 0
  }

  /// The mean over the map of one slice, rows of `width` pixels one after another.
  ///
  /// Not a number where nothing is left to average: `.crop` needs 11 x 11 pixels, `.uniform` 7 x 7.
  public func callAsFunction(_ prediction: [Float], _ target: [Float], height: Int, width: Int) -> Double {
    self(prediction, target, Extent(height, width))
  }

  public func callAsFunction(_ prediction: [Double], _ target: [Double], height: Int, width: Int) -> Double {
    self(prediction, target, Extent(height, width))
  }

  /// The mean over the slice, and over those pixels of the map that lie inside `mask` (not a number if none).
  public func callAsFunction(
    _ prediction: [Float], _ target: [Float], height: Int, width: Int, inside mask: [Bool]
  ) -> (image: Double, inside: Double) {
    self(prediction, target, Extent(height, width), inside: mask)
  }

  /// The mean over the map of a slice, or of a volume with the window reaching across its planes.
  ///
  /// Not a number where nothing is left to average: `.crop` needs 11 pixels along each axis, `.uniform` 7.
  public func callAsFunction(_ prediction: [Float], _ target: [Float], _ extent: Extent) -> Double {
    prediction.withUnsafeBufferPointer { p in
      target.withUnsafeBufferPointer { t in sum(p, t, extent, nil).means.image }
    }
  }

  public func callAsFunction(_ prediction: [Double], _ target: [Double], _ extent: Extent) -> Double {
    prediction.withUnsafeBufferPointer { p in
      target.withUnsafeBufferPointer { t in sum(p, t, extent, nil).means.image }
    }
  }

  /// The mean over the map, and over those pixels of it that lie inside `mask` (not a number if none).
  public func callAsFunction(
    _ prediction: [Float], _ target: [Float], _ extent: Extent, inside mask: [Bool]
  ) -> (image: Double, inside: Double) {
    sum(prediction, target, extent, inside: mask).means
  }

  func sum(_ prediction: [Float], _ target: [Float], _ extent: Extent, inside mask: [Bool]) -> Sum {
    prediction.withUnsafeBufferPointer { p in target.withUnsafeBufferPointer { t in sum(p, t, extent, mask) }
    }
  }

  @inline(__always)
  private func sum<P: Pixel>(
    _ prediction: UnsafeBufferPointer<P>, _ target: UnsafeBufferPointer<P>, _ extent: Extent, _ mask: [Bool]?
  ) -> Sum {
    precondition(
      prediction.count == extent.count && target.count == extent.count,
      "prediction has \(prediction.count) pixels, target \(target.count), slice or volume \(extent)")
    precondition(mask.map { $0.count == target.count } ?? true, "mask and target differ in size")
    let edge = margin
    guard extent.sizes.allSatisfy({ $0 > 2 * edge }) else { return Sum() }
    guard extent.dimensions == 3 else { return plane(0, prediction, target, extent, mask) }
    // The planes of a volume are far enough apart to be worked on at a time; their sums are added in order.
    let images = (UncheckedPixels(pixels: prediction), UncheckedPixels(pixels: target))
    let sums = Parallel.map(count: extent.planes - 2 * edge) { index in
      plane(index + edge, images.0.pixels, images.1.pixels, extent, mask)
    }
    return sums.reduce(into: Sum()) { $0 += $1 }
  }

  /// What one plane of the map adds up to.
  @inline(__always)
  private func plane<P: Pixel>(
    _ plane: Int, _ prediction: UnsafeBufferPointer<P>, _ target: UnsafeBufferPointer<P>, _ extent: Extent,
    _ mask: [Bool]?
  ) -> Sum {
    let (edge, window, height, width) = (margin, window, extent.rows, extent.columns)
    let c1 = 0.01 * dataRange * 0.01 * dataRange
    let c2 = 0.03 * dataRange * 0.03 * dataRange
    let unbiased = window.unbiased(dimensions: extent.dimensions)
    var moments = MomentRows(
      prediction, target, plane: plane, depth: extent.planes, height: height, width: width, window: window,
      mirrored: variant == .full)
    defer { moments.deallocate() }
    var sum = Sum()
    for y in edge..<(height - edge) {
      moments.filter(row: y)
      let row = moments.similarity(c1: c1, c2: c2, unbiased: unbiased)
      var line = 0.0
      for x in 0..<row.count { line += row[x] }
      sum.image += line
      if let mask {
        let first = (plane * height + y) * width + edge
        for x in 0..<row.count where mask[first + x] {
          sum.inside += row[x]
          sum.masked += 1
        }
      }
    }
    sum.pixels = (height - 2 * edge) * (width - 2 * edge)
    return sum
  }

  private var window: Window { variant == .uniform ? .uniform7 : .gaussian11 }
}

/// Pixels that several threads read and none writes.
private struct UncheckedPixels<P: Pixel>: @unchecked Sendable {
  let pixels: UnsafeBufferPointer<P>
}

/// A separable, symmetric window: weights from the centre outwards, which sum to 1 over the whole width.
struct Window: Sendable {
  let weights: [Double]
  /// Whether covariances over the window are those of a sample.
  let isSample: Bool

  var radius: Int { weights.count - 1 }

  /// What turns a biased covariance over the window into the one that is wanted.
  func unbiased(dimensions: Int) -> Double {
    let pixels = (0..<dimensions).reduce(1) { count, _ in count * (2 * radius + 1) }
    return isSample ? Double(pixels) / Double(pixels - 1) : 1
  }

  static let uniform7 = Window(weights: [Double](repeating: 1.0 / 7, count: 4), isSample: true)

  static let gaussian11: Window = {
    let bell = (0...5).map { exp(-Double($0 * $0) / (2 * 1.5 * 1.5)) }
    let total = bell[0] + 2 * bell[1...].reduce(0, +)
    return Window(weights: bell.map { $0 / total }, isSample: false)
  }()
}

import Foundation

/// Structural similarity of two slices (Wang et al., 2004).
///
/// The flavour changes the third decimal, so it has a name and is printed beside the figure.
/// Means, variances and covariance come from one separable window; K1 = 0.01, K2 = 0.03.
/// torchmetrics clamps each variance at 0; here their sum is clamped, which in `Double` differs by rounding only.
public struct SSIM: Sendable, Equatable, Codable {
  /// Which window, and what becomes of the border.
  public enum Variant: String, Sendable, Codable, CaseIterable {
    /// torchmetrics 1.9: Gaussian 11 x 11, sigma 1.5, mirrored border, mean of the full map.
    case full
    /// The same with a border of 5 pixels left out; scikit-image's `gaussian_weights` and older torchmetrics.
    case crop
    /// scikit-image's default: uniform 7 x 7, sample covariance, a border of 3 pixels left out.
    case uniform
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

  /// The mean over the map of one slice, rows of `width` pixels one after another.
  ///
  /// Not a number where nothing is left to average: `.crop` needs 11 x 11 pixels, `.uniform` 7 x 7.
  public func callAsFunction(_ prediction: [Float], _ target: [Float], height: Int, width: Int) -> Double {
    prediction.withUnsafeBufferPointer { p in
      target.withUnsafeBufferPointer { t in scores(p, t, height, width, nil).image }
    }
  }

  public func callAsFunction(_ prediction: [Double], _ target: [Double], height: Int, width: Int) -> Double {
    prediction.withUnsafeBufferPointer { p in
      target.withUnsafeBufferPointer { t in scores(p, t, height, width, nil).image }
    }
  }

  /// The mean over the slice, and over those pixels of the map that lie inside `mask` (not a number if none).
  public func callAsFunction(
    _ prediction: [Float], _ target: [Float], height: Int, width: Int, inside mask: [Bool]
  ) -> (image: Double, inside: Double) {
    prediction.withUnsafeBufferPointer { p in
      target.withUnsafeBufferPointer { t in scores(p, t, height, width, mask) }
    }
  }

  @inline(__always)
  private func scores<P: Pixel>(
    _ prediction: UnsafeBufferPointer<P>, _ target: UnsafeBufferPointer<P>, _ height: Int, _ width: Int,
    _ mask: [Bool]?
  ) -> (image: Double, inside: Double) {
    precondition(
      prediction.count == height * width && target.count == height * width,
      "prediction has \(prediction.count) pixels, target \(target.count), slice \(height) x \(width)")
    precondition(mask.map { $0.count == target.count } ?? true, "mask and target differ in size")
    let edge = margin
    guard height > 2 * edge, width > 2 * edge else { return (.nan, .nan) }
    let window = window
    let c1 = 0.01 * dataRange * 0.01 * dataRange
    let c2 = 0.03 * dataRange * 0.03 * dataRange
    var moments = MomentRows(
      prediction, target, height: height, width: width, window: window, mirrored: variant == .full)
    defer { moments.deallocate() }
    var sum = 0.0
    var masked = 0.0
    var inside = 0
    for y in edge..<(height - edge) {
      moments.filter(row: y)
      let row = moments.similarity(c1: c1, c2: c2, unbiased: window.unbiased)
      var line = 0.0
      for x in 0..<row.count { line += row[x] }
      sum += line
      if let mask {
        for x in 0..<row.count where mask[y * width + edge + x] {
          masked += row[x]
          inside += 1
        }
      }
    }
    let count = Double((height - 2 * edge) * (width - 2 * edge))
    return (sum / count, masked / Double(inside))
  }

  private var window: Window { variant == .uniform ? .uniform7 : .gaussian11 }
}

/// A separable, symmetric window: weights from the centre outwards, which sum to 1 over the whole width.
struct Window: Sendable {
  let weights: [Double]
  /// What turns a biased covariance over the window into a sample covariance.
  let unbiased: Double

  var radius: Int { weights.count - 1 }

  static let uniform7 = Window(weights: [Double](repeating: 1.0 / 7, count: 4), unbiased: 49.0 / 48)

  static let gaussian11: Window = {
    let bell = (0...5).map { exp(-Double($0 * $0) / (2 * 1.5 * 1.5)) }
    let total = bell[0] + 2 * bell[1...].reduce(0, +)
    return Window(weights: bell.map { $0 / total }, unbiased: 1)
  }()
}

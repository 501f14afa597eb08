import Foundation

/// What the pixels of a prediction and its target differ by; every error of a slice follows from these sums.
///
/// Sums add up: the errors of a volume are the sum of those of its slices. Pixels outside `mask` do not count.
/// A pixel that is not a number makes the errors not a number, so that it cannot pass unseen.
public struct PixelErrors: Sendable, Equatable, Codable {
  /// Pixels that were compared.
  public private(set) var count = 0
  /// Sum of |prediction - target|.
  public private(set) var absolute = 0.0
  /// Sum of (prediction - target)².
  public private(set) var squared = 0.0
  /// Sum of target².
  public private(set) var energy = 0.0
  /// The largest |target|; 0 says the target is empty.
  public private(set) var peak = 0.0

  public init() {}

  /// Compares two images of the same number of pixels, in any order.
  /// - Parameter mask: as long as the images; only pixels that are true in it are compared.
  public init(_ prediction: [Float], _ target: [Float], mask: [Bool]? = nil) {
    self = prediction.withUnsafeBufferPointer { p in
      target.withUnsafeBufferPointer { t in PixelErrors.between(p, t, mask) }
    }
  }

  public init(_ prediction: [Double], _ target: [Double], mask: [Bool]? = nil) {
    self = prediction.withUnsafeBufferPointer { p in
      target.withUnsafeBufferPointer { t in PixelErrors.between(p, t, mask) }
    }
  }

  /// Mean absolute error; not a number if no pixel was compared.
  public var mae: Double { absolute / Double(count) }

  /// Mean squared error.
  public var mse: Double { squared / Double(count) }

  /// Root mean squared error.
  public var rmse: Double { mse.squareRoot() }

  /// Normalised mean squared error, ‖prediction - target‖² / ‖target‖²; not finite where the target is empty.
  public var nmse: Double { squared / energy }

  /// Peak signal-to-noise ratio in dB, 10 log10(L² / MSE); infinite where the images are equal.
  /// - Parameter dataRange: L; 1 for images scaled to [0, 1].
  public func psnr(dataRange: Double = 1) -> Double { 10 * log10(dataRange * dataRange / mse) }

  public static func += (sum: inout PixelErrors, other: PixelErrors) {
    sum.count += other.count
    sum.absolute += other.absolute
    sum.squared += other.squared
    sum.energy += other.energy
    sum.peak = max(sum.peak, other.peak)
  }

  @inline(__always)
  private static func between<P: Pixel>(
    _ prediction: UnsafeBufferPointer<P>, _ target: UnsafeBufferPointer<P>, _ mask: [Bool]?
  ) -> PixelErrors {
    precondition(
      prediction.count == target.count, "prediction has \(prediction.count) pixels, target \(target.count)")
    guard let mask else { return run(prediction, target, 0..<target.count) }
    precondition(mask.count == target.count, "mask has \(mask.count) pixels, target \(target.count)")
    var sum = PixelErrors()
    var start = 0
    // Runs inside the mask take the same unrolled path as a whole image.
    while let first = mask[start...].firstIndex(of: true) {
      let end = mask[first...].firstIndex(of: false) ?? mask.count
      sum += run(prediction, target, first..<end)
      start = end
    }
    return sum
  }

  @inline(__always)
  private static func run<P: Pixel>(
    _ prediction: UnsafeBufferPointer<P>, _ target: UnsafeBufferPointer<P>, _ range: Range<Int>
  ) -> PixelErrors {
    var absolute = SIMD4<Double>.zero
    var squared = SIMD4<Double>.zero
    var energy = SIMD4<Double>.zero
    var peak = SIMD4<Double>.zero
    var i = range.lowerBound
    while i < range.upperBound {
      var p = SIMD4<Double>.zero
      var t = SIMD4<Double>.zero
      let lanes = min(4, range.upperBound - i)
      if lanes == 4 {
        p = [prediction[i].value, prediction[i + 1].value, prediction[i + 2].value, prediction[i + 3].value]
        t = [target[i].value, target[i + 1].value, target[i + 2].value, target[i + 3].value]
      } else {
        for lane in 0..<lanes {
          p[lane] = prediction[i + lane].value
          t[lane] = target[i + lane].value
        }
      }
      let difference = p - t
      let magnitude = t.replacing(with: -t, where: t .< 0)
      absolute += difference.replacing(with: -difference, where: difference .< 0)
      squared += difference * difference
      energy += t * t
      peak.replace(with: magnitude, where: magnitude .> peak)
      i += 4
    }
    var sum = PixelErrors()
    sum.count = range.count
    sum.absolute = absolute.sum()
    sum.squared = squared.sum()
    sum.energy = energy.sum()
    sum.peak = peak.max()
    return sum
  }
}

/// Clamps a prediction to [0, 1], as it is before scoring; returns what was outside.
///
/// A pixel that is not a number stays one.
/// - Returns: the clamped image and the share of its pixels, 0 to 1, that were below 0 or above 1.
package func clampedToUnit(_ prediction: UnsafeBufferPointer<Float>) -> (image: [Float], share: Double) {
  var outside = 0
  let image = [Float](unsafeUninitializedCapacity: prediction.count) { buffer, count in
    for (i, value) in prediction.enumerated() {
      let low = value < 0
      let high = value > 1
      outside += low || high ? 1 : 0
      buffer.initializeElement(at: i, to: low ? 0 : (high ? 1 : value))
    }
    count = prediction.count
  }
  return (image, prediction.isEmpty ? 0 : Double(outside) / Double(prediction.count))
}

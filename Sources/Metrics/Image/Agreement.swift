import Foundation

/// How far a prediction agrees with its target over some of their voxels, as figures that do not hang on the target's unit.
public struct Agreement: Sendable, Equatable {
  /// Voxels that were compared.
  public let count: Int
  /// Means, variances and covariance over them; the mean squared error.
  public let predictedMean: Double, targetMean: Double
  public let predictedVariance: Double, targetVariance: Double, covariance: Double
  public let mse: Double

  /// Two images of the same number of voxels, in any order.
  /// - Parameter mask: as long as they are; only voxels that are true in it are compared.
  public init(_ prediction: [Float], _ target: [Float], inside mask: [Bool]) {
    precondition(prediction.count == target.count && mask.count == target.count)
    var (n, p, t) = (0, 0.0, 0.0)
    for index in mask.indices where mask[index] {
      n += 1
      p += Double(prediction[index])
      t += Double(target[index])
    }
    let count = Double(max(1, n))
    let (meanP, meanT) = (p / count, t / count)
    // A second pass, so that a large mean costs no digits.
    var (pp, tt, pt, error) = (0.0, 0.0, 0.0, 0.0)
    for index in mask.indices where mask[index] {
      let (a, b) = (Double(prediction[index]) - meanP, Double(target[index]) - meanT)
      pp += a * a
      tt += b * b
      pt += a * b
      let difference = Double(prediction[index]) - Double(target[index])
      error += difference * difference
    }
    (self.count, predictedMean, targetMean) = (n, meanP, meanT)
    (predictedVariance, targetVariance, covariance) = (pp / count, tt / count, pt / count)
    mse = error / count
  }

  /// 10 log10(variance of the target / mean squared error), in dB: 0 is what the target's own mean would reach as a constant
  /// image. Infinite where the images are equal; not a number for a constant target.
  public var decibels: Double { 10 * log10(targetVariance / mse) }

  /// Pearson's correlation; not a number where one of them is constant.
  public var correlation: Double { covariance / (predictedVariance * targetVariance).squareRoot() }

  /// The line through the predictions that is nearest to the target, by least squares: gain and offset.
  public var line: (gain: Double, offset: Double) {
    let gain = predictedVariance > 0 ? covariance / predictedVariance : 0
    return (gain, targetMean - gain * predictedMean)
  }
}

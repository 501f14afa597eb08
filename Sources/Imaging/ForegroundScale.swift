import Foundation

/// A scale of intensities that hangs neither on the field of view nor on few bright voxels: the root mean square of the
/// foreground, which is what lies above a share of that very scale.
///
/// Stripped brains on a background of zeros, whole heads in noise, thick slices and thin ones have one rule; what a network
/// makes is put on it by the same rule.
public enum ForegroundScale {
  /// What lies below this share of the scale is background.
  public static let floor = 0.2

  /// What networks that complete a patient's contrasts see in its place: images are divided by their scale and multiplied by
  /// this, so that nearly all of a head lies below 1.
  public static let level = 0.45

  /// - Parameters:
  ///   - values: intensities, finite.
  ///   - weights: how much of each there is, where that is not one voxel each.
  /// - Returns: nil where nothing is above 0.
  public static func of(_ values: [Float], weights: [Double]? = nil) -> Double? {
    var scale = rootMeanSquare(values, weights, above: 0)
    // Each round can only take background away, so the scale rises to a fixed point.
    for _ in 0..<32 {
      guard let before = scale else { return nil }
      scale = rootMeanSquare(values, weights, above: floor * before)
      guard let scale, scale > before * (1 + 1e-6) else { return before }
    }
    return scale
  }

  private static func rootMeanSquare(_ values: [Float], _ weights: [Double]?, above limit: Double) -> Double? {
    let limit = Float(limit)
    var (sum, count) = (0.0, 0.0)
    if let weights {
      for (value, weight) in zip(values, weights) where value > limit {
        sum += weight * Double(value) * Double(value)
        count += weight
      }
    } else {
      for value in values where value > limit {
        sum += Double(value) * Double(value)
        count += 1
      }
    }
    return count > 0 && sum > 0 ? (sum / count).squareRoot() : nil
  }
}

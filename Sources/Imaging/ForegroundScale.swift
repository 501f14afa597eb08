import Foundation

/// A scale of intensities that hangs neither on the field of view nor on few bright voxels: the root mean square of the
/// foreground, which is what lies above a share of that very scale, with what lies far above it counted as no more than a
/// multiple of it.
///
/// Stripped brains on a background of zeros, whole heads in noise, thick slices and thin ones have one rule; what a network
/// makes is put on it by the same rule. Share and multiple were chosen on 26 people of four hospitals: over them white matter
/// lies at the most constant level in T1 (0.9 dB), T1Gd and FLAIR, within 0.1 dB whatever the noise.
public enum ForegroundScale {
  /// What lies below this share of the scale is background.
  public static let floor = 0.3
  /// What lies above this multiple of it counts as this.
  public static let cap = 1.5

  /// What networks that complete a patient's contrasts see in its place: images are divided by their scale and multiplied by
  /// this, so that nearly all of a head lies below 1.
  public static let level = 0.45
  /// What is background lies below this where an image is as a network sees it.
  package static let seen = Float(floor * level)

  /// - Parameters:
  ///   - values: intensities, finite.
  ///   - weights: how much of each there is, where that is not one voxel each.
  /// - Returns: nil where nothing is above 0.
  public static func of(_ values: [Float], weights: [Double]? = nil) -> Double? {
    guard let start = rootMeanSquare(values, weights, above: 0, cap: .infinity) else { return nil }
    // A higher scale leaves less background and caps less, so what follows from it is no lower: without a cap each round
    // rises to a fixed point, and from there with one each falls to the highest there is.
    let uncapped = settled(values, weights, from: start, cap: .infinity)
    // Nearly always all that is above half of it is in sight, and that is a part of the voxels.
    let limit = Float(floor * uncapped / 2)
    let scale = settled(
      values.filter { $0 > limit }, weights.map { zip(values, $0).filter { $0.0 > limit }.map(\.1) },
      from: uncapped, cap: cap)
    return scale > uncapped / 2 ? scale : settled(values, weights, from: uncapped, cap: cap)
  }

  private static func settled(
    _ values: [Float], _ weights: [Double]?, from start: Double, cap: Double
  ) -> Double {
    var scale = start
    for _ in 0..<128 {
      guard let next = rootMeanSquare(values, weights, above: floor * scale, cap: cap * scale) else { break }
      let isSettled = abs(next - scale) <= 1e-7 * scale
      scale = next
      if isSettled { break }
    }
    return scale
  }

  private static func rootMeanSquare(
    _ values: [Float], _ weights: [Double]?, above limit: Double, cap: Double
  ) -> Double? {
    let (limit, cap) = (Float(limit), Float(cap))
    var (sum, count) = (0.0, 0.0)
    if let weights {
      for (value, weight) in zip(values, weights) where value > limit {
        let value = Double(min(value, cap))
        sum += weight * value * value
        count += weight
      }
    } else {
      for value in values where value > limit {
        let value = Double(min(value, cap))
        sum += value * value
        count += 1
      }
    }
    return count > 0 && sum > 0 ? (sum / count).squareRoot() : nil
  }
}

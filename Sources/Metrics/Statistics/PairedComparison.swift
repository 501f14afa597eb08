import Foundation

/// Whether one model is better than another on the same subjects: the paired difference, with its uncertainty.
///
/// Slices of one patient resemble each other, so subjects, not slices, are the units.
public struct PairedComparison: Sendable, Equatable, Codable {
  /// Subjects that both have.
  public let count: Int
  /// Mean of (first - second).
  public let mean: Double
  public let median: Double
  /// Bootstrap confidence interval of the mean (percentile method, resampled subjects); a point for one subject.
  public let lower: Double
  public let upper: Double
  /// The interval's coverage, 0.95 by default.
  public let confidence: Double
  /// Two-sided p of Wilcoxon's signed-rank test; see ``SignedRankTest``.
  public let p: Double

  /// Compares paired values; nothing if there is no pair.
  ///
  /// Pairs in which a value is not finite are left out.
  ///
  /// - Parameters:
  ///   - seed: of the resampling; the same seed gives the same interval.
  ///   - resamples: how often the subjects are drawn anew.
  public init?(
    _ first: [Double], _ second: [Double], confidence: Double = 0.95, resamples: Int = 10_000,
    seed: UInt64 = 1
  ) {
    precondition(first.count == second.count, "\(first.count) values cannot be paired with \(second.count)")
    precondition(confidence > 0 && confidence < 1 && resamples > 0, "confidence lies between 0 and 1")
    let differences = zip(first, second).map { $0 - $1 }.filter { $0.isFinite }
    guard !differences.isEmpty else { return nil }
    count = differences.count
    mean = differences.reduce(0, +) / Double(count)
    let sorted = differences.sorted()
    median = (sorted[(count - 1) / 2] + sorted[count / 2]) / 2
    self.confidence = confidence
    var random = SplitMix64(seed: seed)
    var means: [Double] = []
    means.reserveCapacity(resamples)
    for _ in 0..<resamples {
      var sum = 0.0
      for _ in differences { sum += differences[random.index(below: differences.count)] }
      means.append(sum / Double(differences.count))
    }
    means.sort()
    lower = PairedComparison.quantile(means, (1 - confidence) / 2)
    upper = PairedComparison.quantile(means, (1 + confidence) / 2)
    p = SignedRankTest(differences).p
  }

  /// Linear interpolation between order statistics, as numpy's default.
  private static func quantile(_ sorted: [Double], _ q: Double) -> Double {
    let position = q * Double(sorted.count - 1)
    let low = Int(position)
    let high = min(low + 1, sorted.count - 1)
    return sorted[low] + (position - Double(low)) * (sorted[high] - sorted[low])
  }
}

extension Scores {
  /// Compares this model with another, subject by subject, on the subjects that both have scored.
  ///
  /// - Returns: the comparison of (this - other) in the metric's stored unit; nothing without a common subject.
  public func compared(
    with other: Scores, _ metric: Metric, confidence: Double = 0.95, seed: UInt64 = 1
  ) -> PairedComparison? {
    var theirs: [String: Double] = [:]
    for subject in other.subjects { theirs[subject.subject] = subject.values[metric] }
    let pairs = subjects.compactMap { subject in
      subject.values[metric].flatMap { mine in theirs[subject.subject].map { (mine, $0) } }
    }
    return PairedComparison(pairs.map(\.0), pairs.map(\.1), confidence: confidence, seed: seed)
  }
}

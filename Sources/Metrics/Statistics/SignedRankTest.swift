import Foundation

/// Wilcoxon's signed-rank test of paired differences, two-sided, with SciPy's `zero_method="wilcox"`.
///
/// Zeros are dropped, ties get their mean rank. For at most 50 differences that are left, p is exact: over all signs that these
/// ranks could have had. Otherwise it is the normal approximation with the variance corrected for ties and no continuity
/// correction.
public struct SignedRankTest: Sendable, Equatable {
  /// The smaller of the two rank sums.
  public let statistic: Double
  /// 1 where every difference is zero.
  public let p: Double

  /// - Parameter differences: finite numbers, one per subject.
  public init(_ differences: [Double]) {
    let ordered = differences.filter { $0 != 0 }.sorted { abs($0) < abs($1) }
    let n = ordered.count
    guard n > 0 else {
      statistic = 0
      p = 1
      return
    }
    var positive = 0.0
    var ranks: [Double] = []
    var ties = 0.0
    var start = 0
    while start < n {
      var end = start + 1
      while end < n, abs(ordered[end]) == abs(ordered[start]) { end += 1 }
      let size = Double(end - start)
      let rank = Double(start + end + 1) / 2
      ranks += repeatElement(rank, count: end - start)
      positive += rank * Double(ordered[start..<end].count { $0 > 0 })
      ties += size * size * size - size
      start = end
    }
    let total = Double(n * (n + 1)) / 2
    statistic = min(positive, total - positive)
    if n <= 50 {
      p = SignedRankTest.exact(ranks, statistic)
    } else {
      let variance = (Double(n) * Double(n + 1) * Double(2 * n + 1) - ties / 2) / 24
      p = min(1, erfc(abs(statistic - total / 2) / (2 * variance).squareRoot()))
    }
  }

  /// Twice the chance, over all 2^n signs of the ranks, of a sum of at most `statistic`.
  private static func exact(_ ranks: [Double], _ statistic: Double) -> Double {
    // Mean ranks are whole or halves.
    let doubled = ranks.map { Int(2 * $0) }
    let total = doubled.reduce(0, +)
    var chance = [Double](repeating: 0, count: total + 1)
    chance[0] = 1
    for rank in doubled {
      for sum in stride(from: total, through: 0, by: -1) {
        chance[sum] = (chance[sum] + (sum >= rank ? chance[sum - rank] : 0)) / 2
      }
    }
    return min(1, 2 * chance[0...Int(2 * statistic)].reduce(0, +))
  }
}

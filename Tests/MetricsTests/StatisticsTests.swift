import Foundation
import Metrics
import Testing

@Suite struct StatisticsTests {
  /// As Support/golden/metrics.py makes them.
  private func differences(seed: UInt64, count: Int, grid: Double) -> [Double] {
    var random = SplitMix64(seed: seed)
    return (0..<count).map { _ in
      let value = random.uniform() * 2 - 0.8
      return grid > 0 ? (value * grid + 0.5).rounded(.down) * 0.125 : value
    }
  }

  @Test func signedRanksAgreeWithSciPy() throws {
    var count = 0
    for line in goldenRanks.split(separator: "\n") {
      let fields = line.split(separator: " ").compactMap { Double($0) }
      let test = SignedRankTest(
        differences(seed: UInt64(fields[0]), count: Int(fields[1]), grid: fields[2]))
      #expect(test.statistic == fields[3], "\(line)")
      #expect(abs(test.p - fields[4]) < 1e-9, "\(line): \(test.p)")
      count += 1
    }
    #expect(count == 11)
  }

  @Test func equalModelsDoNotDiffer() throws {
    let same = try #require(PairedComparison([1, 2, 3], [1, 2, 3]))
    #expect(same.mean == 0 && same.lower == 0 && same.upper == 0 && same.p == 1)
    #expect(PairedComparison([], []) == nil)
    #expect(PairedComparison([.infinity], [1]) == nil)
  }

  @Test func theIntervalIsSeededAndAsWideAsTheory() throws {
    var random = SplitMix64(seed: 9)
    let second = (0..<100).map { _ in random.uniform() }
    let first = second.map { $0 + 0.1 + 0.2 * (random.uniform() - 0.5) }
    let a = try #require(PairedComparison(first, second, seed: 3))
    let again = try #require(PairedComparison(first, second, seed: 3))
    let other = try #require(PairedComparison(first, second, seed: 4))
    #expect(a == again && a.lower != other.lower)
    #expect(a.count == 100 && a.lower < a.mean && a.mean < a.upper && a.lower > 0 && a.p < 1e-6)
    // A uniform difference of width 0.2 has a standard error of 0.2 / sqrt(12 * 100) in the mean.
    let theory = 2 * 1.96 * 0.2 / (1200.0).squareRoot()
    #expect(abs((a.upper - a.lower) / theory - 1) < 0.2)
  }

  @Test func modelsAreComparedOnTheSubjectsBothHave() throws {
    func scores(_ psnr: [(String, Double)]) -> Scores {
      Scores(
        name: "m",
        slices: psnr.map { subject, value in
          var values = MetricValues()
          values[.psnr] = value
          return SliceScores(subject: subject, slice: 0, values: values)
        })
    }
    let a = scores([("s1", 30), ("s2", 31), ("s3", 35)])
    let b = scores([("s2", 30), ("s1", 28), ("s4", 0)])
    let comparison = try #require(a.compared(with: b, .psnr))
    #expect(comparison.count == 2 && comparison.mean == 1.5 && comparison.median == 1.5)
    #expect(a.compared(with: b, .mae) == nil)
  }
}

import Files
import Foundation
import Metrics
import ScanSupport
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
    let values = [1, 2, 3, 4, 5, 6.0]
    let same = try #require(PairedComparison(values, values))
    #expect(same.mean == 0 && same.lower == 0 && same.upper == 0 && same.p == 1)
    #expect(same.outcome == .undecided)
    #expect(PairedComparison([], []) == nil)
    #expect(PairedComparison([.infinity], [1]) == nil)
  }

  @Test func quantilesAgreeWithSciPy() throws {
    var count = 0
    for line in goldenQuantiles.split(separator: "\n") {
      let fields = line.split(separator: " ").compactMap { Double($0) }
      let found = StudentT.quantile(fields[1], freedom: Int(fields[0]))
      #expect(abs(found / fields[2] - 1) < 1e-11, "\(line): \(found)")
      #expect(abs(StudentT.within(fields[2], freedom: Int(fields[0])) - fields[1]) < 1e-12, "\(line)")
      count += 1
    }
    #expect(count == 37 * 6)
  }

  @Test func intervalsAgreeWithSciPy() throws {
    var count = 0
    for line in goldenIntervals.split(separator: "\n") {
      let fields = line.split(separator: " ").compactMap { Double($0) }
      let values = differences(seed: UInt64(fields[0]), count: Int(fields[1]), grid: 0)
      let found = try #require(
        PairedComparison(values, values.map { _ in 0 }, confidence: fields[2]))
      let (lower, upper) = (try #require(found.lower), try #require(found.upper))
      #expect(abs(lower - fields[3]) < 1e-12 && abs(upper - fields[4]) < 1e-12, "\(line): \(found)")
      count += 1
    }
    #expect(count == 18)
  }

  /// With five people no difference, however large, makes the signed-rank test sure.
  @Test func fewerThanSixPeopleHaveNoInterval() throws {
    #expect(PairedComparison.fewest == 6)
    for count in 1...5 {
      let few = try #require(
        PairedComparison((0..<count).map { 100 + Double($0) }, Array(repeating: 0, count: count)))
      #expect(few.count == count && few.mean == 100 + Double(count - 1) / 2)
      #expect(few.lower == nil && few.upper == nil && few.p == nil && few.outcome == .tooFewPeople)
    }
    // A person without a figure does not count.
    let five = try #require(PairedComparison([1, 2, 3, 4, 5, .nan], Array(repeating: 0, count: 6)))
    #expect(five.count == 5 && five.lower == nil)
    let six = try #require(PairedComparison([1, 2, 3, 4, 5, 6], Array(repeating: 0, count: 6)))
    #expect(six.outcome == .better && six.p == 0.03125)
    #expect(SignedRankTest([1, 2, 3, 4, 5]).p > 0.06)
    #expect(PairedComparison.tooFew(2) == "too few people (2) for a verdict; at least six")
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

  private func slice(_ subject: String, _ slice: Int, _ psnr: Double, of patient: String? = nil)
    -> SliceScores
  {
    var values = MetricValues()
    values[.psnr] = psnr
    return SliceScores(subject: subject, slice: slice, values: values, patient: patient)
  }

  /// Two visits of one person are no two people.
  @Test func visitsOfOnePersonCountOnce() throws {
    func scores(_ shift: Double) -> Scores {
      Scores(
        name: "m",
        slices: (0..<6).map {
          slice(
            "sub-0\($0 / 2)_ses-\($0 % 2)", 0, 30 + Double($0) + shift * Double($0 + 1), of: "sub-0\($0 / 2)")
        })
    }
    let comparison = try #require(scores(1).compared(with: scores(0), .psnr))
    #expect(comparison.count == 3 && comparison.mean == 3.5 && comparison.outcome == .tooFewPeople)
    #expect(scores(0).people == ["sub-00", "sub-01", "sub-02"] && scores(0).subjects.count == 6)
    #expect(
      Scores(name: "m", slices: [slice("a", 0, 1), slice("b", 0, 1), slice("a", 1, 1)]).people == ["a", "b"])
  }

  /// A slice on which one model is perfect counts for neither: left out for the perfect one alone, it would count
  /// against it.
  @Test func bothAreComparedOnTheSameSlices() throws {
    let perfect = Scores(name: "p", slices: [slice("a", 0, .infinity), slice("a", 1, 30)])
    let other = Scores(name: "o", slices: [slice("a", 0, 60), slice("a", 1, 29)])
    #expect(perfect.overSlices(.psnr).mean == 30 && other.overSlices(.psnr).mean == 44.5)
    #expect(try #require(perfect.compared(with: other, .psnr)).mean == 1)
    #expect(try #require(other.compared(with: perfect, .psnr)).mean == -1)
    #expect(perfect.compared(with: Scores(name: "n", slices: [slice("a", 0, 60)]), .psnr) == nil)
  }
}

import Files
import Foundation
import Metrics
import Reporting
import ScanSupport
import Testing

@Suite struct VerdictTests {
  /// One slice a subject with these PSNRs.
  private func scores(_ name: String, _ psnr: [Double], patient: (Int) -> String? = { _ in nil }) -> Scores {
    let slices = psnr.enumerated().map { index, value in
      var values = MetricValues()
      values[.psnr] = value
      return SliceScores(subject: "sub-\(index)", slice: 0, values: values, patient: patient(index))
    }
    return Scores(name: name, slices: slices)
  }

  private func sentence(_ network: [Double], _ baselines: [Double]...) -> String {
    let models = [scores("N", network)] + baselines.enumerated().map { scores("B\($0)", $1) }
    return Verdict(models, networks: 1, split: "test").sentences[0]
  }

  private let base: [Double] = [28, 29, 30, 31, 32, 33]

  @Test func itComparesWithTheBestBaseline() {
    let text = sentence(base.map { $0 + 2 }, base.map { $0 - 8 }, base)
    #expect(
      text
        == "N beats the best baseline (B1) by 2.00 dB PSNR over 6 people of the test split (95 % t interval 2.00 to 2.00 dB)."
    )
  }

  @Test func itSaysWhenANetworkIsWorse() {
    let text = sentence(base.map { $0 - 3 }, base)
    #expect(text.hasPrefix("N does not beat the best baseline (B0): it is 3.00 dB PSNR below it"))
  }

  @Test func itSaysWhenNothingIsClear() {
    #expect(sentence([30, 20, 30, 20, 30, 20], base.map { _ in 25 }).hasPrefix("N does not clearly beat"))
  }

  @Test(arguments: 1...5) func fewPeopleGiveNoVerdict(people: Int) {
    let text = sentence((0..<people).map { _ in 30 }, (0..<people).map { _ in 25 })
    #expect(
      text
        == "N: too few people (\(people)) for a verdict; at least six. Its PSNR is 5.00 dB above that of the best baseline "
        + "(B0) on the test split.")
    #expect(!text.contains("beat") && !text.contains("interval"))
  }

  /// Six visits of three people are three people.
  @Test func visitsAreNoPeople() {
    let visits = scores("N", base.map { $0 + 2 }) { "person-\($0 / 2)" }
    let text = Verdict([visits, scores("B", base)], networks: 1, split: "test").sentences[0]
    #expect(text.hasPrefix("N: too few people (3) for a verdict; at least six."))
  }

  @Test func withoutABaselineThereIsNothingToSay() {
    #expect(
      Verdict([scores("N", [30])], networks: 1, split: "test").sentences
        == ["There is no baseline to compare with."])
  }

  @Test func theBestBaselineIsTheOneToBeat() {
    let baselines = [scores("copy", [25, 27]), scores("look-up", [20, 30])]
    #expect(Verdict.best(of: baselines)?.name == "copy")
    #expect(Verdict.best(of: baselines + [scores("perfect", [.infinity])])?.name == "perfect")
    #expect(Verdict.best(of: []) == nil)
  }

  /// The rate of false sentences, from scores to words.
  @Test(arguments: [(2, 0.0), (5, 0), (6, 0.05), (10, 0.05), (20, 0.05)])
  func whereNothingDiffersFewSentencesDecide(people: Int, expected: Double) {
    var random = SplitMix64(seed: UInt64(people))
    func normal() -> Double {
      (-2 * log(1 - random.uniform())).squareRoot() * cos(2 * .pi * random.uniform())
    }
    let draws = 4000
    var (beats, loses) = (0, 0)
    for _ in 0..<draws {
      let level = (0..<people).map { _ in 28 + 3 * normal() }
      let text = sentence(level.map { $0 + normal() }, level.map { $0 + normal() })
      if text.contains("N beats") { beats += 1 }
      if text.contains("N does not beat") { loses += 1 }
    }
    // Four standard errors of the simulation.
    #expect(abs(Double(beats + loses) / Double(draws) - expected) <= (expected > 0 ? 0.014 : 0))
    #expect(abs(beats - loses) <= 60)
  }
}

import Metrics
import Reporting
import Testing

@Suite struct VerdictTests {
  /// One slice a subject with these PSNRs.
  private func scores(_ name: String, _ psnr: [Double]) -> Scores {
    let slices = psnr.enumerated().map { index, value in
      var values = MetricValues()
      values[.psnr] = value
      return SliceScores(subject: "sub-\(index)", slice: 0, values: values)
    }
    return Scores(name: name, slices: slices)
  }

  private func sentence(_ network: [Double], _ baselines: [Double]...) -> String {
    let models = [scores("N", network)] + baselines.enumerated().map { scores("B\($0)", $1) }
    return Verdict(models, networks: 1, split: "test").sentences[0]
  }

  @Test func itComparesWithTheBestBaseline() {
    let text = sentence([30, 31, 32], [20, 20, 20], [28, 29, 30])
    #expect(
      text
        == "N beats the best baseline (B1) by 2.00 dB PSNR over 3 test subjects (95 % bootstrap interval 2.00 to 2.00 dB)."
    )
  }

  @Test func itSaysWhenANetworkIsWorse() {
    #expect(sentence([20, 21], [28, 29]).hasPrefix("N does not beat the best baseline (B0)"))
  }

  @Test func itSaysWhenNothingIsClear() {
    #expect(sentence([30, 20, 30, 20], [25, 25, 25, 25]).hasPrefix("N does not clearly beat"))
  }

  @Test func oneSubjectGivesNoInterval() {
    #expect(sentence([30], [25]).contains("no interval"))
    #expect(Verdict([scores("N", [30])], networks: 1, split: "test").sentences.count == 1)
  }
}

import Metrics
import Reporting
import Testing

/// Why a network lies below, as the figures have it.
@Suite struct ShortfallTests {
  private static func scores(
    _ name: String, _ psnr: Double, brain: Double? = nil, lesion: Double? = nil, ssim: Double = 0.9
  ) -> Scores {
    let slices = (0..<6).map { number in
      var values = MetricValues()
      (values[.psnr], values[.ssim]) = (psnr + Double(number), ssim)
      (values[.psnrBrain], values[.psnrLesion]) = (brain, lesion)
      return SliceScores(subject: "sub-\(number)", slice: 0, values: values)
    }
    return Scores(name: name, slices: slices)
  }

  private static func training(_ validation: [Double], passes: Double = 2.44) -> Shortfall.Training {
    Shortfall.Training(
      validation: validation.enumerated().map { Chart.Point(x: Double(100 * ($0 + 1)), y: $1) },
      steps: 100 * validation.count, passes: passes)
  }

  private let lookup = scores("Look-up", 30, brain: 25, lesion: 20)

  private func reasons(
    _ model: Scores, _ training: Shortfall.Training? = nil, curved: Scores? = nil
  ) throws -> [String] {
    try #require(Shortfall(of: model, below: lookup, training: training, curved: curved)).sentences
  }

  @Test func whatLiesAboveNeedsNoReason() {
    let rising = Self.training([20, 21, 22, 23])
    #expect(Shortfall(of: Self.scores("N", 30.5), below: lookup, training: rising) == nil)
    #expect(Shortfall(of: Scores(name: "N"), below: lookup) == nil)
  }

  @Test func itSaysWhereAndOfWhatKind() throws {
    #expect(
      try reasons(Self.scores("N", 29, brain: 24.5, lesion: 21.25, ssim: 0.95)) == [
        "It is 0.50 dB below in the brain and 1.25 dB above within the lesions; its SSIM is 95.0 against 90.0 %, so its "
          + "structure is the nearer one and its brightness is what is off."
      ])
    #expect(
      try reasons(Self.scores("N", 29, ssim: 0.8)) == [
        "Its SSIM is 80.0 against 90.0 %, so its structure is further off too."
      ])
  }

  @Test(arguments: [
    (
      [24, 26, 27, 27.5], "Training was short: it saw the training split 2.4 times in 400 steps, and in the "
    ),
    (
      [24, 26, 27, 27.05],
      "More steps of the same kind would hardly help: it saw the training split 2.4 times"
    ),
  ]) func itSaysWhetherTrainingWasShort(validation: [Double], start: String) throws {
    let reason = try reasons(Self.scores("N", 29), Self.training(validation))[1]
    #expect(reason.hasPrefix(start), "\(reason)")
    #expect(
      reason.contains(validation[3] == 27.5 ? "still rose by 0.50 dB" : "no more than 0.05 dB"), "\(reason)")
  }

  @Test func fewPassesAreNoTrainingThatHasSettled() throws {
    let reason = try reasons(Self.scores("N", 29), Self.training([24, 26, 27, 27], passes: 1.1))[1]
    #expect(
      reason.hasPrefix(
        "Training was short, though validation does not show it: it saw the training split 1.1 times"))
    #expect(reason.hasSuffix("its validation PSNR did not rise."))
  }

  @Test func withoutValidationBeforeTheEndNothingIsSaidOfIt() throws {
    #expect(try reasons(Self.scores("N", 29), Self.training([27])).count == 1)
    #expect(try reasons(Self.scores("N", 29), Self.training([28, 27, 26, 25]))[1].hasSuffix("did not rise."))
  }

  @Test func itTellsBrightnessFromStructure() throws {
    let model = Self.scores("M", 28)
    func reason(_ curved: Double) throws -> String { try reasons(model, curved: Self.scores("C", curved))[1] }
    #expect(
      try reason(29.5).hasSuffix(
        "it is 0.50 dB below. So 1.50 dB of the 2.00 are brightness, and the rest is structure."))
    #expect(try reason(30.5).hasSuffix("it is 0.50 dB above. So all of the 2.00 dB are brightness."))
    #expect(try reason(27).contains("does not help it: it is then 3.00 dB below"))
  }
}

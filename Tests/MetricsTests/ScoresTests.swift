import Foundation
import Imaging
import Metrics
import Testing

@Suite struct ScoresTests {
  private func row(_ subject: String, _ slice: Int, psnr: Double, ssim: Double = 0.9) -> SliceScores {
    var values = MetricValues()
    values[.psnr] = psnr
    values[.ssim] = ssim
    return SliceScores(subject: subject, slice: slice, values: values, clampedShare: 0.25)
  }

  @Test func spreadsLeaveOutAndCountWhatIsNotFinite() throws {
    let spread = Spread([1, 2, 4, .infinity, .nan, -.infinity])
    #expect(spread.mean == 7.0 / 3 && spread.count == 3 && spread.infinite == 2 && spread.undefined == 1)
    #expect(abs((spread.standardDeviation ?? 0) - (7.0 / 3).squareRoot()) < 1e-15)
    #expect(Spread([5]).standardDeviation == nil && Spread([5]).mean == 5)
    // t(2) = 4.303 at 95 %.
    let interval = try #require(Spread([1, 2, 3, .nan]).interval())
    #expect(abs(interval.upper - 2 - 4.30265 / 3.0.squareRoot()) < 1e-4)
    #expect(abs(interval.lower + interval.upper - 4) < 1e-12)
    #expect(Spread([1, 2, .infinity]).interval() == nil)
    #expect(Spread([Double]()).mean == nil && Spread([.infinity]).mean == nil)
  }

  @Test func subjectsKeepTheirOrderAndWeighAlike() {
    let scores = Scores(
      name: "m",
      slices: [
        row("b", 0, psnr: 30), row("a", 0, psnr: 20), row("b", 1, psnr: 34), row("b", 2, psnr: .infinity),
      ])
    #expect(scores.subjects.map(\.subject) == ["b", "a"])
    #expect(scores.subjects.map { $0.values[.psnr] } == [32, 20])
    #expect(scores.subjects[0].slices == 3)
    #expect(scores.overSubjects(.psnr).mean == 26 && scores.overSlices(.psnr).mean == 28)
    #expect(scores.overSlices(.psnr).infinite == 1)
    #expect(scores.metrics == [.psnr, .ssim])
    let summary = scores.summary
    #expect(summary.overSlices[.psnr] == scores.overSlices(.psnr) && summary.clampedShare == 0.25)
    #expect(summary.slices == 4 && summary.subjects == 2 && summary.overSlices[.mae] == nil)
  }

  @Test func scorerClampsFirstAndLooksInsideBrainAndLesion() {
    let pair = GoldenPair(seed: 7)
    let target = pair.target.map { Float($0) }
    var prediction = pair.prediction.map { Float($0) }
    prediction[0] = -3
    prediction[1] = 9
    let lesion = target.indices.map { target[$0] > 0.5 && $0 % 2 == 0 }
    let scored = Scorer()(
      prediction, target, height: pair.height, width: pair.width, lesion: lesion, subject: "s", slice: 4)
    #expect(scored.clampedShare == 2 / Double(target.count) && !scored.emptyTarget)
    prediction[0] = 0
    prediction[1] = 1
    let expected = PixelErrors(prediction, target)
    #expect(scored.values[.mae] == expected.mae && scored.values[.psnr] == expected.psnr())
    #expect(scored.values[.ssim] == SSIM()(prediction, target, height: pair.height, width: pair.width))
    let brain = PixelErrors(prediction, target, mask: target.map { $0 > 0 })
    #expect(scored.values[.psnrBrain] == brain.psnr())
    #expect((scored.values[.psnrBrain] ?? .infinity) < expected.psnr())
    #expect(scored.values[.maeLesion] == PixelErrors(prediction, target, mask: lesion).mae)
    #expect((scored.values[.ssimLesion] ?? 2) <= 1)
  }

  @Test func emptyTargetsAreMarkedAndHaveNoBrain() {
    let empty = [Float](repeating: 0, count: 400)
    let scored = Scorer()(
      empty, empty, height: 20, width: 20, lesion: empty.map { $0 > 0 }, subject: "s", slice: 0)
    #expect(scored.emptyTarget && scored.values[.psnr] == .infinity)
    #expect(scored.values[.psnrBrain] == nil && scored.values[.maeLesion] == nil)
    #expect(Scores(name: "m", slices: [scored]).summary.emptyTargets == 1)
  }

  @Test func scoresSurviveJSONWithInfinity() throws {
    let scores = Scores(name: "m", slices: [row("a", 0, psnr: .infinity), row("a", 1, psnr: 31.25)])
    let data = try JSONEncoder().encode(scores)
    #expect(String(decoding: data, as: UTF8.self).contains(#""psnr":"inf""#))
    #expect(try JSONDecoder().decode(Scores.self, from: data) == scores)
    let summary = try JSONEncoder().encode(scores.summary)
    #expect(String(decoding: summary, as: UTF8.self).contains(#""psnr":{"#))
    #expect(try JSONDecoder().decode(Summary.self, from: summary) == scores.summary)
    #expect(throws: DecodingError.self) {
      try JSONDecoder().decode(MetricValues.self, from: Data(#"{"psnr":"much"}"#.utf8))
    }
  }
}

@Suite struct DiceTests {
  private let regions = LabelRegion.braTS()

  private func close(_ a: Double?, _ b: Double) -> Bool { a.map { abs($0 - b) < 1e-14 } ?? false }

  @Test func regionsOfBraTSNest() {
    let reference: [UInt8] = [0, 1, 2, 3, 3, 2, 0, 0]
    let prediction: [UInt8] = [0, 2, 2, 3, 1, 0, 2, 0]
    let dice = regions.map { Overlap(prediction, reference, region: $0).dice() }
    let expected: [Double?] = [0.8, 0.8, 2.0 / 3]
    #expect(dice == expected)
    #expect(LabelRegion.braTS(enhancing: 4)[2].labels == [4])
  }

  @Test func bothEmptyIsExcludedOrOneAndOneEmptyIsZero() {
    let nothing = Overlap([0, 0], [0, 2], region: regions[2])
    #expect(nothing.dice() == nil && nothing.dice(empty: .one) == 1)
    #expect(Overlap([0, 3], [0, 0], region: regions[2]).dice() == 0)
  }
}

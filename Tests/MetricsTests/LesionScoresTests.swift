import Foundation
import Imaging
import Metrics
import Testing

@Suite struct LesionScoresTests {
  /// Planes 20 mm apart, pixels of 10 mm: 10 mm around a voxel are its four neighbours in the plane. A voxel has 2 ml.
  private let grid = VoxelGrid(Extent(3, 5, 6), spacing: [20, 10, 10])

  private func voxel(_ plane: Int, _ row: Int, _ column: Int) -> Int { (plane * 5 + row) * 6 + column }

  private struct Case {
    var target = [Float](repeating: 0.375, count: 90)
    var prediction = [Float](repeating: 0.375, count: 90)
    var lesion = [Bool](repeating: false, count: 90)

    mutating func set(_ voxel: Int, _ target: Float, _ prediction: Float, isLesion: Bool = false) {
      (self.target[voxel], self.prediction[voxel], lesion[voxel]) = (target, prediction, isLesion)
    }
  }

  /// Two lesion voxels among five of tissue and one of air.
  private var known: Case {
    var known = Case()
    known.set(voxel(1, 2, 2), 0.75, 0.5, isLesion: true)
    known.set(voxel(1, 2, 3), 0.5, 0.75, isLesion: true)
    known.set(voxel(1, 1, 2), 0.25, 0.25)
    known.set(voxel(1, 1, 3), 0.375, 1.25)
    known.set(voxel(1, 3, 2), 0.4375, 0.4375)
    known.set(voxel(1, 2, 1), 0.375, 0.375)
    known.set(voxel(1, 2, 4), 0.9375, 0.9375)
    known.set(voxel(1, 3, 3), 0, 1)
    // Beyond the shell nothing counts: a diagonal neighbour, and another plane.
    known.set(voxel(1, 1, 1), 0.375, 1)
    known.set(voxel(0, 2, 2), 1, 0)
    return known
  }

  private func close(_ a: Double?, _ b: Double) -> Bool { a.map { abs($0 - b) < 1e-12 } ?? false }

  @Test func everyFigureIsKnownByHand() throws {
    let known = known
    let values = try #require(
      LesionScorer()(known.prediction, known.target, lesion: known.lesion, on: grid))
    #expect(close(values[.volume], 4) && close(values[.mae], 0.25))
    // Shell: 0.25, 0.375, 0.4375, 0.375 and 0.9375, mean 0.475; predicted 0.375 more in sum by 1 - 0.375, mean 0.6.
    #expect(close(values[.targetContrast], 0.625 - 0.475) && close(values[.predictedContrast], 0.625 - 0.6))
    #expect(close(values[.contrastRatio], 1.0 / 6))
    // Median 0.375, deviations 0, 0, 0.0625, 0.125, 0.5625: above 0.653 lie 0.75 and 0.9375 of the target; of the
    // prediction the other lesion voxel, the shell's 1.25 and the same 0.9375.
    #expect(close(values[.enhancing], 4) && close(values[.missed], 2) && close(values[.invented], 4))
    let slice = 30..<60
    let clamped = known.prediction[slice].map { min(1, $0) }
    let map = SSIM()(
      clamped, Array(known.target[slice]), height: 5, width: 6, inside: Array(known.lesion[slice]))
    #expect(close(values[.ssim], map.inside))
  }

  @Test func aPerfectSynthesisHasNothingMissedOrInvented() throws {
    let known = known
    let values = try #require(LesionScorer()(known.target, known.target, lesion: known.lesion, on: grid))
    #expect(values[.mae] == 0 && close(values[.ssim], 1) && values[.contrastRatio] == 1)
    #expect(values[.missed] == 0 && values[.invented] == 0 && close(values[.enhancing], 4))
    // Copied from an image in which nothing enhances, all of it is missed.
    let flat = try #require(
      LesionScorer()(known.target.map { min($0, 0.4) }, known.target, lesion: known.lesion, on: grid))
    #expect(close(flat[.missed], 4) && flat[.invented] == 0)
  }

  /// Around a lesion in bright tissue the threshold lies above what any image has: nothing is missed there, nor found.
  @Test func whatNoImageReachesIsNotCounted() throws {
    var known = known
    for voxel in known.target.indices where known.target[voxel] > 0 {
      known.target[voxel] = min(1, known.target[voxel] + 0.4)
    }
    let values = try #require(
      LesionScorer()(known.prediction, known.target, lesion: known.lesion, on: grid))
    #expect([.enhancing, .missed, .invented].allSatisfy { values[$0] == nil })
    #expect(values[.volume] != nil && values[.contrastRatio] != nil && values[.mae] != nil)
  }

  /// Voxels weigh alike, whichever slice they lie in.
  @Test func theMapsOfAllSlicesCount() throws {
    var known = known
    for column in 0..<5 { known.lesion[voxel(2, 4, column)] = true }
    let values = try #require(LesionScorer()(known.prediction, known.target, lesion: known.lesion, on: grid))
    let parts = [1, 2].map { plane -> Double in
      let slice = plane * 30..<(plane + 1) * 30
      return SSIM()(
        known.prediction[slice].map { min(1, $0) }, Array(known.target[slice]), height: 5, width: 6,
        inside: Array(known.lesion[slice])
      ).inside
    }
    #expect(close(values[.ssim], (2 * parts[0] + 5 * parts[1]) / 7) && close(values[.volume], 14))
  }

  @Test func theShellReachesAcrossPlanesAndKnowsForeground() throws {
    let known = known
    // With 20 mm the neighbours in the other planes are tissue too, the bright one among them.
    let far = try #require(
      LesionScorer(reach: 20)(known.prediction, known.target, lesion: known.lesion, on: grid))
    #expect(
      far[.targetContrast]
        != LesionScorer()(
          known.prediction, known.target, lesion: known.lesion, on: grid)?[.targetContrast])
    // Nearly all of that tissue is 0.375, so that all above it counts.
    #expect(close(far[.enhancing], 10))
    // Without tissue there is no shell, hence neither contrast nor enhancement.
    let bare = try #require(
      LesionScorer(foreground: 1)(known.prediction, known.target, lesion: known.lesion, on: grid))
    #expect(close(bare[.mae], 0.25) && bare[.targetContrast] == nil && bare[.enhancing] == nil)
    let none = known.lesion.map { _ in false }
    #expect(LesionScorer()(known.prediction, known.target, lesion: none, on: grid) == nil)
    let flat = [Float](repeating: 0.5, count: 90)
    let plain = try #require(LesionScorer()(flat, flat, lesion: known.lesion, on: grid))
    #expect(plain[.targetContrast] == 0 && plain[.contrastRatio] == nil && plain[.enhancing] == 0)
  }

  @Test func tablesSayWhatTheyHold() throws {
    let known = known
    func model(_ name: String, _ predictions: [[Float]]) -> ModelFigures<LesionMeasure> {
      ModelFigures(
        name: name,
        subjects: predictions.enumerated().compactMap { index, prediction in
          LesionScorer()(prediction, known.target, lesion: known.lesion, on: grid).map {
            SubjectFigures(subject: "s\(index)", values: $0)
          }
        })
    }
    let models = [
      model("net", [known.prediction, known.target]), model("copy", [known.target, known.target]),
    ]
    let table = LesionScorer().table("Lesions", comparing: models)
    #expect(table.columns.count == 10 && table.columns[2].heading == "MAE (×100)")
    guard case .spread(12.5, let deviation?) = table.rows[0][2] else {
      Issue.record("\(table.rows[0][2])")
      return
    }
    #expect(close(deviation, 12.5 * 2.0.squareRoot()))
    #expect(table.caption.contains("within 10 mm") && table.caption.contains("median + 3 × 1.4826"))
    #expect(table.caption.contains("over 2 subjects with a lesion"))
    #expect(table.caption.contains("within the chosen slices.") && !table.caption.contains("Cut by"))
    var cut = models
    cut[0].subjects[0].isCut = true
    #expect(
      LesionScorer().table("", comparing: cut).caption.contains(
        "Cut by the slice rule, its lesion touching the first or the last of them: 1 subject."))
    let rows = Table(subjectsOf: models).written(as: .csv).split(separator: "\r\n")
    #expect(rows.count == 5)
    #expect(
      rows[0]
        == "model,subject,lesion_ml,mae,ssim,contrast_target,contrast_predicted,contrast_ratio,enhancing_ml,missed_ml,invented_ml"
    )
    #expect(rows[1].hasPrefix("net,s0,4.0,0.25,"))
    let summary = models[0].summary
    #expect(summary.subjects == 2 && summary.overSubjects[.missed]?.mean == 1)
    let data = try JSONEncoder().encode(summary)
    #expect(try JSONDecoder().decode(FigureSummary<LesionMeasure>.self, from: data) == summary)
    #expect(String(decoding: data, as: UTF8.self).contains(#""missed_ml":{"#))
  }
}

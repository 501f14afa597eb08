import Foundation
import Imaging
import Metrics
import Testing

@Suite struct SegmentationScoresTests {
  private let grid = VoxelGrid(Extent(3, 4, 5), spacing: [4, 1, 2])

  /// A label map of 3 x 4 x 5 voxels of 8 mm³, 0 but for what is named.
  private func map(_ voxels: [Int: UInt8]) -> [UInt8] { (0..<60).map { voxels[$0] ?? 0 } }

  /// Plane 0 is empty in both; in plane 1 two of four voxels are found, one of another kind; in plane 2 one is invented.
  private var reference: [UInt8] { map([26: 2, 27: 2, 31: 2, 32: 1]) }
  private var prediction: [UInt8] { map([26: 2, 27: 2, 46: 2]) }

  private func close(_ a: Double?, _ b: Double) -> Bool { a.map { abs($0 - b) < 1e-12 } ?? false }

  @Test func everyFigureIsKnownByHand() throws {
    let scored = SegmentationScorer()(
      prediction, reference, on: grid, subject: "s", patient: "p", firstSlice: 36)
    #expect(
      scored.regions.map(\.region) == ["WT", "TC", "ET"] && scored.firstSlice == 36 && scored.patient == "p")
    let (whole, core, enhancing) = (scored.regions[0], scored.regions[1], scored.regions[2])
    #expect(whole.slices.map(\.shared) == [0, 2, 0] && whole.slices.map(\.predicted) == [0, 2, 1])
    #expect(close(whole.values[.dice2D], 1.0 / 3) && close(whole.values[.dice3D], 4.0 / 7))
    // All voxels are surface. The invented one lies a plane, 4 mm, above 26; the missed 31 and 32 a row, 1 mm, from 26
    // and 27.
    #expect(close(whole.values[.surfaceDice], 6.0 / 7))
    // Of 0, 0, 4 mm 95 % is 3.6.
    #expect(abs((whole.values[.hausdorff95] ?? 0) - 3.6) < 1e-6)
    #expect(close(whole.values[.predictedVolume], 0.024) && close(whole.values[.referenceVolume], 0.032))

    #expect(core.values[.dice2D] == 0 && core.values[.dice3D] == 0 && core.values[.surfaceDice] == 0)
    #expect(core.values[.hausdorff95] == .infinity && close(core.values[.referenceVolume], 0.008))
    #expect([.dice2D, .dice3D, .hausdorff95, .surfaceDice].allSatisfy { enhancing.values[$0] == nil })
    #expect(enhancing.values[.predictedVolume] == 0)

    let strict = SegmentationScorer(empty: .one, tolerance: 0.5)(
      prediction, reference, on: grid, subject: "s")
    #expect(
      close(strict.regions[0].values[.dice2D], 5.0 / 9) && close(strict.regions[0].values[.dice3D], 4.0 / 7))
    #expect(close(strict.regions[0].values[.surfaceDice], 4.0 / 7))
    #expect(strict.regions[2].values[.dice3D] == 1 && strict.regions[2].values[.hausdorff95] == nil)
  }

  @Test func anImageHasNoVolume() {
    let image = VoxelGrid(Extent(4, 5), spacing: [1, 2])
    let scored = SegmentationScorer()(
      Array(prediction[20..<40]), Array(reference[20..<40]), on: image, subject: "s")
    #expect(scored.regions[0].slices.count == 1 && scored.regions[0].values[.referenceVolume] == nil)
    #expect(close(scored.regions[0].values[.dice2D], 2.0 / 3))
  }

  private func scores(_ name: String, _ maps: [(String, [UInt8])]) -> SegmentationScores {
    SegmentationScores(
      name: name,
      subjects: maps.map { SegmentationScorer()($1, reference, on: grid, subject: $0, firstSlice: 36) })
  }

  /// Rows are conditions, as in the paper's Table 4.
  @Test func rowsAreConditionsAndColumnsRegions() {
    let models = [
      scores("real", [("a", reference), ("b", reference)]),
      scores("zero", [("a", prediction), ("b", map([:]))]),
    ]
    let table = Table("Table 4", comparing: models)
    #expect(table.columns.map(\.heading) == ["Model", "WT", "TC", "ET", "WT", "TC", "ET"])
    #expect(table.columns[1...3].allSatisfy { $0.group == "2-D Dice (%)" && $0.best == .largest })
    #expect(table.columns[4...6].allSatisfy { $0.group == "3-D Dice (%)" })
    #expect(table.rows[0][1] == .spread(mean: 100, deviation: 0) && table.rows[0][3] == .empty)
    #expect(table.caption.contains("over 2 subjects."))
    #expect(
      table.caption.contains("both empty, Dice is not scored: WT in 3 to 4 of 6 slices, TC in 4 of 6 slices"))
    #expect(table.caption.contains("zero, dice_3d of ET: 2 subjects with no figure left out."))
    for format in TableFormat.allCases { #expect(table.written(as: format).contains("real")) }

    let distances = Table("", comparing: models, measures: [.hausdorff95, .surfaceDice])
    #expect(distances.columns[1].best == .smallest && distances.columns[1].group == "HD95 (mm)")
    #expect(abs((distances.rows[1][1].figure ?? 0) - 3.6) < 1e-6)
    #expect(distances.rows[1][2] == .number(.infinity))
    // A mean over those alone in whom something was found is no rival, however near that was.
    let near = Table(
      "",
      comparing: [
        scores("all", [("a", prediction), ("b", prediction)]),
        scores("one", [("a", reference), ("b", map([:]))]),
      ],
      measures: [.hausdorff95])
    #expect(near.rows[1][1].figure == 0 && (near.rows[0][1].figure ?? 0) > 0)
    #expect(near.best(1) == [false, false])
    #expect(distances.caption.contains("zero, hd95_mm of WT: 1 subject with an infinite figure left out."))
    #expect(distances.caption.contains("within 1 mm of the other") && !distances.caption.contains("2-D Dice"))
  }

  @Test func filesHoldEveryFigure() throws {
    let model = scores("m", [("a", prediction)])
    let slices = Table(slicesOf: [model]).written(as: .csv).split(separator: "\r\n")
    #expect(slices[0] == "model,subject,slice,region,dice,predicted,reference,shared" && slices.count == 10)
    #expect(slices[1] == "m,a,36,WT,,0,0,0" && slices[3].hasPrefix("m,a,38,WT,0.0,1,0,0"))
    let subjects = Table(subjectsOf: [model]).written(as: .csv).split(separator: "\r\n")
    #expect(
      subjects[0]
        == "model,subject,region,slices,dice_2d,dice_3d,hd95_mm,surface_dice,predicted_ml,reference_ml")
    #expect(subjects[2] == "m,a,TC,3,0.0,0.0,inf,0.0,0.0,0.008" && subjects.count == 4)

    let data = try JSONEncoder().encode(model)
    #expect(try JSONDecoder().decode(SegmentationScores.self, from: data) == model)
    let summary = model.summary
    #expect(summary.regions.map(\.emptySlices) == [1, 2, 3] && summary.regions[0].slices == 3)
    #expect(summary.regions[1].overSubjects[.hausdorff95]?.infinite == 1)
    #expect(summary.regions[2].overSubjects[.dice2D] == nil)
    let text = try JSONEncoder().encode(summary)
    #expect(String(decoding: text, as: UTF8.self).contains(#""dice_2d":{"#))
    #expect(try JSONDecoder().decode(SegmentationSummary.self, from: text) == summary)
  }

  /// By region and person; a subject whose figure is infinite or missing in one counts in neither.
  @Test func modelsAreComparedPersonByPerson() throws {
    let better = scores("better", [("a", reference), ("b", reference), ("c", map([:]))])
    let worse = scores("worse", [("c", reference), ("a", prediction), ("b", map([:]))])
    let dice = try #require(better.figures(of: "WT").compared(with: worse.figures(of: "WT"), .dice3D))
    #expect(dice.count == 3 && close(dice.mean, (3.0 / 7 + 1 - 1) / 3))
    let distance = try #require(
      better.figures(of: "WT").compared(with: worse.figures(of: "WT"), .hausdorff95))
    #expect(distance.count == 1 && abs(distance.mean + 3.6) < 1e-6)
    #expect(better.figures(of: "ET").compared(with: worse.figures(of: "ET"), .dice3D) == nil)

    var values = MeasuredValues<SegmentationMeasure>()
    values[.dice3D] = 0.5
    func visits(_ shift: Double) -> ModelFigures<SegmentationMeasure> {
      ModelFigures(
        name: "v",
        subjects: (0..<4).map { visit in
          values[.dice3D] = 0.5 + shift * Double(visit)
          return SubjectFigures(subject: "\(visit)", patient: "p\(visit / 2)", values: values)
        })
    }
    let paired = try #require(visits(0.1).compared(with: visits(0), .dice3D))
    #expect(paired.count == 2 && close(paired.mean, 0.15))
    let table = Table("", differencesOf: visits(0.1), from: [visits(0)], measures: [.dice3D])
    #expect(
      table.rows.count == 1 && table.rows[0][1] == .text("3-D Dice (%)") && table.rows[0][6] == .number(2))
    #expect(table.caption.hasPrefix("v minus the model named"))
  }
}

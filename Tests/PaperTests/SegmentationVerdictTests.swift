import Experiments
import Imaging
import Metrics
import Paper
import Testing

/// What Table 4 says in words, from label maps whose Dice is known.
@Suite struct SegmentationVerdictTests {
  /// Two planes of one row; WT has 8 voxels, TC 6, ET 4.
  private let reference: [UInt8] = [2, 1, 3, 3, 0, 0, 2, 1, 3, 3, 0, 0]

  /// The same with so many voxels of each kind found in either plane.
  private func found(oedema: Int = 1, core: Int = 1, enhancing: Int) -> [UInt8] {
    let plane = (0..<6).map { column -> UInt8 in
      switch column {
      case 0: oedema > 0 ? 2 : 0
      case 1: core > 0 ? 1 : 0
      case 2, 3: column - 2 < enhancing ? 3 : 0
      default: 0
      }
    }
    return plane + plane
  }

  private func scores(_ maps: [[UInt8]], _ references: [[UInt8]]) -> SegmentationScores {
    let scorer = SegmentationScorer()
    let grid = VoxelGrid(Extent(2, 1, 6), spacing: [1, 1, 1])
    return SegmentationScores(
      name: "", scorer: scorer,
      subjects: zip(maps, references).enumerated().map {
        scorer($1.0, $1.1, on: grid, subject: "sub-\($0)")
      })
  }

  /// By row what was found in each person.
  private func result(
    _ maps: [String: [[UInt8]]], _ references: [[UInt8]], leftOut: [String] = []
  ) throws -> StudyResult {
    let study = try Study(named: "table4", base: Experiment())
    return StudyResult(
      study: study,
      segmentations: study.rows.map { row in
        maps[row.title].map { [SegmentationMeasurement(scores: scores($0, references))] } ?? []
      },
      leftOut: leftOut, failures: [], seeds: 1, slicesPerVolume: 2)
  }

  private func result(people: Int = 6, _ maps: [String: [UInt8]], leftOut: [String] = []) throws
    -> StudyResult
  {
    func all(_ map: [UInt8]) -> [[UInt8]] { Array(repeating: map, count: people) }
    return try result(maps.mapValues(all), all(reference), leftOut: leftOut)
  }

  @Test func theOrderIsSaidWhereItHolds() throws {
    let verdict = try result([
      "Real": reference, "Zero": found(oedema: 0, core: 0, enhancing: 0),
      "Ours": found(oedema: 0, core: 0, enhancing: 1),
      "pixel2pixel": found(enhancing: 0), "mmGAN": found(core: 0, enhancing: 1),
    ]).verdict
    #expect(
      verdict[0]
        == "Real > Ours > Zero holds in every region, in 2-D and in 3-D: the 95 % interval of each step, person by "
        + "person, lies above 0.")
    #expect(
      verdict[1]
        == "Of the other syntheses, the order holds for mmGAN; the means are not in that order for pixel2pixel."
    )
    // ET: one of two voxels found, 2 · 1 / (1 + 2); TC 2 · 1 / (1 + 3); WT 2 · 1 / (1 + 4).
    #expect(
      verdict[2].hasPrefix("3-D Dice of Ours less that of Zero, in points, over 6 people: WT +40.0 "),
      "\(verdict)")
    #expect(verdict[2].contains("TC +50.0 (95 % interval +50.0 to +50.0, p 0.0"), "\(verdict)")
    #expect(
      verdict[3].hasPrefix("3-D Dice of Ours less that of pixel2pixel") && verdict[3].contains("WT −26.7"),
      "\(verdict)")
    #expect(verdict.count == 4)
  }

  @Test func whereItDoesNotHoldTheFiguresAreSaid() throws {
    let result = try result(
      people: 3,
      [
        "Real": found(enhancing: 1), "Zero": found(oedema: 0, core: 0, enhancing: 0),
        "Ours": found(enhancing: 2),
      ])
    #expect(
      result.verdict == [
        "Real > Ours > Zero: the means are not in this order everywhere: 2-D Dice of WT is 85.71, 100.00, 0.00 %; 2-D Dice of TC is 80.00, "
          + "100.00, 0.00 %; 2-D Dice of ET is 66.67, 100.00, 0.00 %; 3-D Dice of WT is 85.71, 100.00, 0.00 %; "
          + "3-D Dice of TC is 80.00, 100.00, 0.00 %; 3-D Dice of ET is 66.67, 100.00, 0.00 %.",
        "Ours and Zero: too few people (3) for a verdict; at least six.",
      ])
    let text = result.table.written(as: .markdown)
    #expect(text.contains("not in this order everywhere") && text.contains("| Ours "))
  }

  @Test func fewPeopleGiveNoVerdict() throws {
    let verdict = try result(
      people: 5,
      [
        "Real": reference, "Zero": found(oedema: 0, core: 0, enhancing: 0), "Ours": found(enhancing: 1),
        "mmGAN": found(core: 0, enhancing: 1),
      ]
    ).verdict
    #expect(
      verdict[0]
        == "Real > Ours > Zero: the means are in this order in every region, in 2-D and in 3-D; too few people (5) "
        + "for a verdict; at least six.")
    #expect(verdict[1] == "Of the other syntheses, only the means are in that order for mmGAN.")
  }

  /// The means are in the order, but people differ more than the means do.
  @Test func whatTheIntervalDoesNotBearOutIsNamed() throws {
    let (whole, half) = (reference, found(enhancing: 1))
    let verdict = try result(
      [
        "Real": [whole, half, whole, whole, whole, half], "Ours": [half, whole, half, whole, half, whole],
        "Zero": Array(repeating: found(oedema: 0, core: 0, enhancing: 0), count: 6),
      ], Array(repeating: reference, count: 6)
    ).verdict
    #expect(
      verdict[0].hasPrefix(
        "Real > Ours > Zero: the means are in this order in every region, in 2-D and in 3-D; no verdict on Real less Ours in "
          + "2-D Dice of WT, +2.4 (95 % interval −"), "\(verdict)")
    #expect(verdict[0].matches(of: #/Real less Ours in [23]-D Dice of/#).count == 6, "\(verdict)")
    #expect(!verdict[0].contains("Ours less Zero") && !verdict[0].contains("holds"), "\(verdict)")
  }

  /// A region that one person lacks is compared over fewer.
  @Test func peopleAreCountedByRegion() throws {
    let without: [UInt8] = [2, 1, 0, 0, 0, 0, 2, 1, 0, 0, 0, 0]
    let nothing = found(oedema: 0, core: 0, enhancing: 0)
    let six = { (map: [UInt8]) in Array(repeating: map, count: 6) }
    let verdict = try result(
      [
        "Real": six(reference) + [without], "Zero": six(nothing) + [nothing],
        "Ours": six(found(enhancing: 1)) + [found(core: 1, enhancing: 0)],
      ], six(reference) + [without]
    ).verdict
    let comparison = try #require(verdict.last)
    #expect(comparison.hasPrefix("3-D Dice of Ours less that of Zero, in points: WT +"), "\(verdict)")
    #expect(comparison.matches(of: #/over 7 people/#).count == 2, "\(verdict)")
    #expect(comparison.hasSuffix(" over 6 people."), "\(verdict)")
  }

  @Test func rowsThatFailedStayEmpty() throws {
    let result = try result(["Real": reference], leftOut: ["DDPM is left out"])
    #expect(result.verdict.isEmpty && result.table.rows.count == 11)
    #expect(result.table.rows[1].dropFirst().allSatisfy { $0 == .empty })
    #expect(result.table.rows[0][4] == .spread(mean: 100, deviation: 0))
    #expect(result.table.caption.hasSuffix("DDPM is left out."))
    let nothing = try self.result([:])
    #expect(
      nothing.table.rows.count == 11
        && nothing.table.rows.allSatisfy { $0.dropFirst().allSatisfy { $0 == .empty } })
  }
}

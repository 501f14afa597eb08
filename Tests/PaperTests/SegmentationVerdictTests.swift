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

  private func scores(_ map: [UInt8], people: Int) -> SegmentationScores {
    let scorer = SegmentationScorer()
    let grid = VoxelGrid(Extent(2, 1, 6), spacing: [1, 1, 1])
    return SegmentationScores(
      name: "", scorer: scorer,
      subjects: (0..<people).map { scorer(map, reference, on: grid, subject: "sub-\($0)") })
  }

  private func result(people: Int = 6, _ maps: [String: [UInt8]], leftOut: [String] = []) throws
    -> StudyResult
  {
    let study = try Study(named: "table4", base: Experiment())
    return StudyResult(
      study: study,
      segmentations: study.rows.map { row in
        maps[row.title].map { [SegmentationMeasurement(scores: scores($0, people: people))] } ?? []
      },
      leftOut: leftOut, failures: [], seeds: 1, slicesPerVolume: 2)
  }

  @Test func theOrderIsSaidWhereItHolds() throws {
    let verdict = try result([
      "Real": reference, "Zero": found(oedema: 0, core: 0, enhancing: 0),
      "Ours": found(oedema: 0, core: 0, enhancing: 1),
      "pixel2pixel": found(enhancing: 0), "mmGAN": found(core: 0, enhancing: 1),
    ]).verdict
    #expect(verdict[0] == "Real > Ours > Zero holds in every region, in 2-D and in 3-D.")
    #expect(
      verdict[1] == "Of the other syntheses, the same holds of mmGAN; the same does not hold of pixel2pixel.")
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
        "Real > Ours > Zero does not hold everywhere: 2-D Dice of WT is 85.71, 100.00, 0.00 %; 2-D Dice of TC is 80.00, "
          + "100.00, 0.00 %; 2-D Dice of ET is 66.67, 100.00, 0.00 %; 3-D Dice of WT is 85.71, 100.00, 0.00 %; "
          + "3-D Dice of TC is 80.00, 100.00, 0.00 %; 3-D Dice of ET is 66.67, 100.00, 0.00 %.",
        "Ours and Zero: too few people (3) for a verdict; at least six.",
      ])
    let text = result.table.written(as: .markdown)
    #expect(text.contains("does not hold everywhere") && text.contains("| Ours "))
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

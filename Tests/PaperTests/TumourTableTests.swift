import Cohorts
import Experiments
import Failures
import Files
import Foundation
import Imaging
import Methods
import Metrics
import Networks
import Paper
import PipelineSupport
import Runs
import Testing
import Torch
import Training

/// Tables 4 and 10 from end to end, on five subjects with tumours and with runs of an iteration or few.
@Suite(.serialized) struct TumourTableTests {
  private let scratch: Scratch
  private let cohort: PreparedCohort

  init() throws {
    scratch = try Scratch()
    try makeTumours(scratch("raw"), modalities: [.t1, .t1gd, .t2, .flair])
    cohort = try prepared(scratch) { $0.size = Extent(tinySide, tinySide) }
  }

  /// What was done in a call.
  private final class Watched {
    var planned = (runs: 0, finished: 0), trained: Set<Int> = [], scored = 0, segmented: [String] = []
  }

  private func reproduction(
    on other: PreparedCohort? = nil, seeds: Int = 1,
    _ change: (inout Reproduction.Settings) -> Void = { _ in }
  ) throws -> (Reproduction, Watched) {
    var settings = Reproduction.Settings()
    (settings.base, settings.seeds) = (tinyExperiment(iterations: 1), seeds)
    (settings.base.validationSlices, settings.base.network.groups) = (1, 2)
    (settings.sampling.steps, settings.sampling.sampler, settings.threads) = (2, .ddim, 1)
    change(&settings)
    var reproduction = try Reproduction(in: scratch("out"), on: other ?? cohort, settings)
    let watched = Watched()
    reproduction.observe = { event in
      switch event {
      case .planned(let runs, let finished): watched.planned = (runs, finished)
      case .training(let number, _, _, _): watched.trained.insert(number)
      case .scoring(_, let done, _): watched.scored += done
      case .segmenting(let name, let done, let total): if done == total { watched.segmented.append(name) }
      case .failed: break
      }
    }
    return (reproduction, watched)
  }

  private func result(
    _ name: String, _ reproduction: Reproduction, _ isWanted: (Study.Row) -> Bool = { _ in true }
  ) throws -> StudyResult {
    var study = try Study(named: name, base: reproduction.settings.base)
    study.rows = study.rows.filter(isWanted)
    let admission = try reproduction.admit(study)
    #expect(admission.notes.isEmpty, "\(admission.notes)")
    try reproduction.train([admission.study])
    return try reproduction.result(of: admission)
  }

  private func names(_ table: Table) -> [String] {
    table.rows.map { row in if case .text(let name) = row[0] { name } else { "" } }
  }

  // MARK: - Table 4

  private static let shown = ["Real", "Zero", "DDPM", "pixel2pixel", "Ours", "Copy of T1"]

  @Test func tumoursAreFoundWithEachContrast() throws {
    let (first, before) = try reproduction()
    let result = try result("table4", first) { Self.shown.contains($0.title) }
    #expect(before.planned.runs == 4 && before.trained.count == 4 && before.segmented.count == 6)
    let table = result.table
    #expect(names(table) == Self.shown && table.rules == [2, 5])
    #expect(
      table.columns.map(\.heading) == [
        "T1Gd", "WT", "TC", "ET", "WT", "TC", "ET", "SSIM whole (%)", "SSIM healthy (%)", "SSIM tumour (%)",
      ])
    #expect(table.columns[1].group == "2-D Dice (%)" && table.columns[4].group == "3-D Dice (%)")
    for (index, row) in table.rows.enumerated() {
      // The test subject has all three regions, so that Dice is a number, if perhaps 0.
      #expect(row[1..<7].allSatisfy { $0.figure.map { (0...100).contains($0) } == true }, "\(row)")
      let hasImage = index > 1
      #expect(row[7...].allSatisfy { ($0 != .empty) == hasImage }, "\(row)")
    }
    let caption = table.caption
    #expect(caption.contains("WT (1, 2, 3), TC (1, 3), ET (3) from T1, T1Gd, T2, FLAIR"), "\(caption)")
    #expect(caption.contains("width 4 on slices, 1 iterations of 2, rate 0.0001"), "\(caption)")
    #expect(
      caption.contains("Real > Ours > Zero") && caption.contains("DDPM by DDIM, 2 of 1000 steps"),
      "\(caption)")
    #expect(
      caption.contains("too few people (1) for a verdict") && caption.contains("both empty"), "\(caption)")

    // Nothing is computed again, and Table 3's last column is trained already.
    let (second, after) = try reproduction()
    #expect(try self.result("table4", second) { Self.shown.contains($0.title) }.table == table)
    #expect(after.planned == (4, 4) && after.trained.isEmpty && after.segmented.isEmpty)
    let study = try second.admit(Study(named: "table3", base: second.settings.base)).study
    let there = try second.experiments(for: [study]).count { try second.state(of: $0) == .finished }
    #expect(there == 3)
  }

  @Test func severalSeedsGiveOneFigureASubject() throws {
    let (reproduction, _) = try reproduction(seeds: 2)
    let result = try result("table4", reproduction) { ["Real", "Zero"].contains($0.title) }
    #expect(result.segmentations.map(\.count) == [2, 2])
    let dice = result.segmentations[0].compactMap { $0.scores.figures(of: "WT").overSubjects(.dice3D).mean }
    guard case .spread(let mean, nil) = result.table.rows[0][4] else {
      Issue.record("\(result.table.rows[0])")
      return
    }
    #expect(abs(mean - 100 * (dice[0] + dice[1]) / 2) < 1e-9)
    #expect(result.table.caption.contains("its mean over 2 runs of each experiment; a slice counts once"))
  }

  /// A label of lesions alone makes one region; BraTS' earlier releases have a 4.
  @Test(arguments: [
    ([2: 1, 1: 1, 3: 1], ["Lesion"], [[1]]),
    ([2: 2, 1: 1, 3: 4], ["WT", "TC", "ET"], [[1, 2, 4], [1, 4], [4]]),
    ([2: 7, 1: 7, 3: 9], ["Lesion"], [[7, 9]]),
  ])
  func theRegionsAreThoseOfTheLabels(_ labels: [Int: Int], _ names: [String], _ values: [[Int]]) throws {
    let (reproduction, _) = try reproduction(on: relabelled(labels)) {
      $0.base.medsynth.weightAdversarial = 0
    }
    let admission = try reproduction.admit(Study(named: "table4", base: reproduction.settings.base))
    let regions = try #require(admission.study.segmentation?.segmentation.regions)
    #expect(regions.map(\.name) == names && regions.map { $0.labels.map(Int.init).sorted() } == values)
    // That there is one region is said, and takes nothing from the table.
    #expect(admission.isWhole && admission.notes.isEmpty == (names.count == 3), "\(admission.notes)")
    if let note = admission.notes.first {
      let known = values[0].map(String.init).joined(separator: ", ")
      #expect(note.contains("hold \(known), ") && note.hasSuffix("one region, Lesion"), "\(note)")
    }
  }

  /// The cohort with other labels.
  private func relabelled(_ labels: [Int: Int]) throws -> PreparedCohort {
    for subject in 1...5 {
      var map = labelMap(subject: subject)
      map.voxels = map.voxels.map { Float(labels[Int($0)] ?? 0) }
      try NIfTI.write(map, to: labelPath(scratch("raw"), subject))
    }
    return try prepared(scratch) { $0.overwrite = true }
  }

  @Test func whichLabelEnhancesMustBeKnown() throws {
    let mixed = try relabelled([2: 2, 1: 3, 3: 4])
    let (reproduction, _) = try reproduction(on: mixed)
    let failure = try failure {
      _ = try reproduction.admit(Study(named: "table4", base: reproduction.settings.base))
    }
    #expect(failure.kind == .inconsistent && failure.message.contains("segmentation.regions"), "\(failure)")
    let (named, _) = try self.reproduction(on: mixed) {
      $0.base.segmentation.regions = [LabelRegion("Tumour", labels: [2, 3, 4])]
      $0.base.medsynth.weightAdversarial = 0
      $0.namesRegions = true
    }
    #expect(try named.admit(Study(named: "table4", base: named.settings.base)).notes.isEmpty)
  }

  /// The usual regions by name are meant, even where the label maps have others.
  @Test func theUsualRegionsMayBeNamed() throws {
    let (reproduction, _) = try reproduction(on: relabelled([2: 1, 1: 1, 3: 1])) { $0.namesRegions = true }
    let failure = try failure {
      _ = try reproduction.admit(Study(named: "table4", base: reproduction.settings.base))
    }
    #expect(failure.kind == .inconsistent && failure.message.contains("shows ET"), "\(failure)")
  }

  @Test func whatIsNamedStays() throws {
    let named = [LabelRegion("Tumour", labels: [1, 2, 3])]
    let (reproduction, _) = try reproduction { $0.base.segmentation.regions = named }
    let study = try reproduction.admit(Study(named: "table4", base: reproduction.settings.base)).study
    #expect(study.segmentation?.segmentation.regions == named)
    // A label that belongs to none of them is told before anything is trained.
    let (partial, _) = try self.reproduction {
      $0.base.segmentation.regions = [LabelRegion("Enhancing", labels: [3])]
    }
    let failure = try failure { _ = try partial.admit(Study(named: "table4", base: partial.settings.base)) }
    #expect(failure.kind == .inconsistent && failure.message.hasPrefix("table4: "), "\(failure)")
    #expect(!FileManager.default.fileExists(atPath: scratch("out")))
  }

  @Test func withoutLabelMapsItIsRefused() throws {
    let other = try Scratch()
    try makeBIDS(other("raw"), modalities: [.t1, .t1gd, .t2, .flair])
    let (reproduction, _) = try reproduction(on: prepared(other))
    let failure = try failure {
      _ = try reproduction.admit(Study(named: "table4", base: reproduction.settings.base))
    }
    #expect(failure.kind == .inconsistent && failure.message.hasPrefix("table4 needs label maps; "))
    #expect(failure.message.hasSuffix(" has none"))
    // What needs none can be had.
    #expect(try reproduction.admit(Study(named: "table10b", base: reproduction.settings.base)).notes.isEmpty)
  }

  // MARK: - Table 10

  @Test func volumesFillTheirTables() throws {
    let region = Region.patch(Extent(40, 40, 40))
    let (first, before) = try reproduction { ($0.base.region, $0.slices) = (region, 1) }
    let result = try result("table10", first)
    #expect(before.planned.runs == 5 && before.trained.count == 5)
    let table = result.table
    #expect(
      table.columns.map(\.heading) == [
        "Method", "PSNR (dB)", "SSIM (%)", "MAE (×100)", "Parameters (M)", "Multiply-adds (G)",
        "Time (s/volume)",
        "Peak memory (GiB)",
      ])
    #expect(names(table).prefix(5) == ["mmGAN", "pGAN without VGG", "MedSynth", "pixel2pixel", "Ours"])
    #expect(table.rows.count == 7 && table.rules == [5])
    #expect(
      table.rows.prefix(5).allSatisfy { row in row.dropFirst().allSatisfy { $0 != .empty } }, "\(table.rows)")
    #expect(table.caption.contains("Trained on patches of "))

    let found = result.measurements.map { $0[0][0] }
    for (measured, row) in zip(found, result.study.rows) {
      // One slice is wanted; a whole subject is scored.
      #expect(measured.scores.slices.count == 5 && measured.scores.subjects.count == 1)
      #expect(measured.region?.dimensions == 3 && (measured.secondsPerVolume ?? 0) > 0)
      let fitted = try row.experiments[0].fitted(toVolumes: cohort.largestVolume)
      #expect(measured.region == fitted.region, "\(row.title)")
      let cost = try Cost(of: fitted, onSlices: cohort.manifest.extent)
      #expect(measured.multiplyAdds == Double(cost.multiplyAdds), "\(row.title)")
      #expect(measured.parameters == cost.parameters)
    }

    // Slices, slabs and patches of one network, the last of which is trained already.
    let (second, after) = try reproduction { ($0.base.region, $0.slices) = (region, 1) }
    let regions = try self.result("table10b", second)
    #expect(after.planned == (3, 1) && after.trained.count == 2)
    #expect(names(regions.table).prefix(3) == ["Slices", "Slabs of 3", "Patches"])
    let column = try #require(
      regions.table.columns.firstIndex { $0.heading == Metric.throughPlane.heading })
    #expect(regions.table.rows.allSatisfy { ($0[column].figure ?? -1) > 0 }, "\(regions.table.rows)")
    #expect(regions.table.rows[2][1] == table.rows[4][1])
    #expect(regions.table.caption.contains("Through-plane error"))
    let folders = try regions.study.experiments.map { Path.name(try second.runFolder(of: $0).path) }
    #expect(folders[1].contains("-slab3-") && folders[2].contains("-patch40x40x40-"))

    let (third, again) = try reproduction { ($0.base.region, $0.slices) = (region, 1) }
    #expect(try self.result("table10", third).table == table && again.trained.isEmpty && again.scored == 0)
    #expect(Set(third.heldRegions) == [.slice, .slab(3), region])

    // Seconds and memory are of so many threads: with others they are measured anew, unless what is held is to be shown.
    let (fourth, anew) = try reproduction { ($0.base.region, $0.slices, $0.threads) = (region, 1, 2) }
    var slices = try Study(named: "table10b", base: fourth.settings.base)
    slices.rows = Array(slices.rows.prefix(1))
    let admission = try fourth.admit(slices)
    let held = try fourth.result(of: admission, asHeld: true)
    #expect(anew.scored == 0 && held.table.caption.contains("Time and memory are of cpu, threads: 1."))
    #expect(try fourth.result(of: admission).measurements[0][0][0].machine == "cpu, threads: 2")
    #expect(anew.scored > 0)
  }

  @Test func wholeSubjectsAreCountedInSlices() throws {
    let other = try Scratch()
    try makeTumours(other("raw"), modalities: [.t1, .t1gd, .t2, .flair])
    let split =
      #"{"train": ["sub-01", "sub-02"], "validation": [], "test": ["sub-03", "sub-04", "sub-05"]}"#
    let path = try other.write(split, to: "other.json")
    let three = try prepared(other) { $0.splits = .file(path) }
    for (slices, subjects) in [(1, 1), (5, 1), (9, 2), (100, 3)] {
      let (reproduction, _) = try reproduction(on: three) {
        ($0.base.pix2pix.weightAdversarial, $0.slices) = (0, slices)
      }
      let result = try result("table10b", reproduction) { $0.title == "Slices" }
      #expect(result.measurements[0][0][0].scores.subjects.count == subjects)
      #expect(result.measurements[0][0][0].scores.slices.count == 5 * subjects)
    }
  }
}

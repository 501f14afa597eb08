import Cohorts
import Experiments
import Failures
import Foundation
import Imaging
import Inference
import Methods
import Metrics
import PipelineSupport
import Runs
import Testing
import Torch
import Training

/// What is said of tumours: by a table of segmentations, and beside one of syntheses.
@Suite(.serialized) struct TumourAssessmentTests {
  private let scratch: Scratch
  init() throws { scratch = try Scratch() }

  private func lines(_ path: String) -> [Substring] {
    String(decoding: contents(of: scratch(path)) ?? Data(), as: UTF8.self).split(whereSeparator: \.isNewline)
  }

  // MARK: - Segmentations

  @Test func severalSegmentationsShareATable() throws {
    let (run, cohort) = (try TrainedOnTumours.segmentation(), try TrainedOnTumours.cohort())
    let slabs = try Run.train(
      tinySegmentation(iterations: 2, region: .slab(3)), on: cohort, into: scratch("slabs"))
    var shown: [String] = []
    let assessment = try SegmentationAssessment(of: [run, slabs], on: cohort, device: .cpu) { name, done, _ in
      if done == 0 { shown.append(name) }
    }
    let names = ["Segmentation [segmentation]", "Segmentation [slabs]"]
    #expect(assessment.models.map(\.name) == names && shown.prefix(1) == names.prefix(1))
    try assessment.write(to: scratch("test"))
    #expect(
      scratch.files(in: "test") == [
        "slices.csv", "subjects.csv", "summary.json", "table.csv", "table.json", "table.md", "table.tex",
      ])
    #expect(Assessment.exists(in: scratch("test")))
    // A header, and three regions of five slices, or of one subject, by two models.
    #expect(lines("test/slices.csv").count == 31 && lines("test/subjects.csv").count == 7)
    let table = assessment.table.written(as: .markdown)
    for words in [
      "WT", "TC", "ET", "2-D Dice", "3-D Dice", "HD95", "Surface Dice", "both empty, Dice is not scored",
    ] {
      #expect(table.contains(words), "\(words)")
    }
    let summary = try JSONDecoder().decode(
      [SegmentationSummary].self, from: try #require(contents(of: scratch("test/summary.json"))))
    #expect(summary.count == 2 && summary[0].regions.map(\.name) == ["WT", "TC", "ET"])
  }

  @Test func theShownAreThoseThatWereScored() throws {
    let (run, cohort) = (try TrainedOnTumours.segmentation(), try TrainedOnTumours.cohort())
    var options = Assessment.Options()
    (options.shown, options.split) = (.typical, .train)
    let assessment = try SegmentationAssessment(of: [run], on: cohort, options, device: .cpu)
    #expect(assessment.shown.count == 2 && assessment.models[0].subjects.count == 3)
    for shown in assessment.shown {
      let volume = try #require(shown.volumes.first)
      #expect(shown.volumes.count == 1 && volume.subject.id == shown.id)
      // The figure that is the reason is that of the volume.
      let dice = LabelRegion.braTS().compactMap {
        Overlap(volume.found, volume.reference, region: $0).dice()
      }
      let mean = dice.reduce(0, +) / Double(dice.count)
      switch shown.reason {
      case .median(let figure), .lowest(let figure): #expect(abs(figure - mean) < 1e-9)
      default: Issue.record("\(shown.reason)")
      }
    }
    options.shown = .named(["sub-05"])
    #expect(
      try failure { _ = try SegmentationAssessment(of: [run], on: cohort, options, device: .cpu) }.kind
        == .usage)
  }

  @Test func whatSharesNoTableSaysSo() throws {
    let (segmentation, synthesis) = (try TrainedOnTumours.segmentation(), try TrainedOnTumours.synthesis())
    let cohort = try TrainedOnTumours.cohort()
    let mixed = try failure {
      _ = try SegmentationAssessment(of: [segmentation, synthesis], on: cohort, device: .cpu)
    }
    #expect(mixed.kind == .inconsistent && mixed.message.contains("(T1, T2) -> PD"), "\(mixed)")
    let turned = try failure { _ = try Assessment(of: [synthesis, segmentation], on: cohort, device: .cpu) }
    #expect(turned.kind == .inconsistent && turned.message.contains("one table needs one scenario"))
    #expect(try failure { _ = try Assessment(of: [segmentation], on: cohort, device: .cpu) }.kind == .usage)
    var other = tinySegmentation(iterations: 1)
    other.segmentation.regions = [LabelRegion("lesion", labels: [1, 2, 3])]
    let lesion = try Run.train(other, on: cohort, into: scratch("lesion"))
    let regions = try failure {
      _ = try SegmentationAssessment(of: [segmentation, lesion], on: cohort, device: .cpu)
    }
    #expect(regions.kind == .inconsistent && regions.message.contains("one set of regions"), "\(regions)")
    let sampling = try failure {
      var options = Assessment.Options()
      options.sampling.steps = 3
      _ = try SegmentationAssessment(of: [segmentation], on: cohort, options, device: .cpu)
    }
    #expect(sampling.kind == .usage && sampling.message.contains("one pass"))
  }

  // MARK: - Lesions of a synthesis

  @Test func everySynthesisTellsOfItsLesions() throws {
    let (run, cohort) = (try TrainedOnTumours.synthesis(), try TrainedOnTumours.cohort())
    var options = Assessment.Options()
    options.batchSize = 2
    let assessment = try Assessment(of: [run], on: cohort, options, device: .cpu)
    #expect(assessment.lesions.map(\.name) == assessment.models.map(\.name))
    // The copied source, put together here and judged by the same rule.
    let copy = try #require(assessment.lesions.first { $0.name == "Copy of T2" })
    #expect(copy.subjects.map(\.subject) == ["sub-05"])
    let subject = cohort.subjects(in: .test)[0]
    let slices = subject.slices.map { SampleReference(subject: subject.id, slice: $0) }
    func stack(_ modality: Modality) throws -> [Float] {
      try slices.flatMap { try cohort.slice(modality, at: $0) }
    }
    let maps: [[UInt8]] = try slices.map { try #require(try cohort.labels(at: $0)) }
    let lesion: [Bool] = maps.flatMap { $0 }.map { $0 > 0 }
    let expected = try LesionScorer()(
      stack(.t2), stack(.pd), lesion: lesion, on: VoxelGrid(Extent(5, 32, 32), spacing: [3, 1, 1]))
    #expect(copy.subjects[0].values == expected && expected?[.volume] != nil)

    try assessment.write(to: scratch("test"))
    // A header and one subject of three models.
    #expect(lines("test/lesions.csv").count == 4)
    let summary = try JSONDecoder().decode(
      [Summary].self, from: try #require(contents(of: scratch("test/summary.json"))))
    #expect(summary.allSatisfy { $0.lesions?.subjects == 1 && $0.lesions?.overSubjects[.mae]?.mean != nil })
    let table = try #require(assessment.lesionTable).written(as: .markdown)
    #expect(table.contains("Missed (ml)") && table.contains("Copy of T2"))
  }

  @Test func withoutLabelMapsNothingIsAdded() throws {
    let assessment = try Assessment(of: [Trained.run()], on: Trained.cohort(), device: .cpu)
    #expect(assessment.lesions.isEmpty && assessment.lesionTable == nil)
    try assessment.write(to: scratch("test"))
    #expect(!scratch.files(in: "test").contains("lesions.csv"))
    let text = String(decoding: contents(of: scratch("test/summary.json")) ?? Data(), as: UTF8.self)
    #expect(!text.contains("lesions"))
  }

  // MARK: - The BraSyn protocol

  @Test func aPerfectVolumeHasASimilarityOfOne() throws {
    let evaluator = try BraSynEvaluator(TrainedOnTumours.cohort(), scenario: tinyExperiment().scenario)
    let figures = try evaluator.figures(named: "perfect", in: .train) { stack, _ in
      #expect(stack.extent == Extent(6, 32, 32))
      return stack.target(.pd)
    }
    #expect(figures.subjects.map(\.subject) == ["sub-01", "sub-02", "sub-03"])
    for measure in BraSynMeasure.allCases {
      #expect(figures.overSubjects(measure).mean.map { abs($0 - 1) < 1e-6 } == true, "\(measure)")
    }
    // Without label maps there is no tumour, and its figure is missing.
    let none = try BraSynEvaluator(Trained.cohort(), scenario: tinyExperiment().scenario)
      .figures(named: "half", in: .test) { stack, _ in stack.target(.pd).map { $0 * 0.5 } }
    #expect(none.subjects[0].values[.tumour] == nil && none.subjects[0].values[.whole] != nil)
  }

  @Test func theProtocolHasAFolderOfItsOwn() throws {
    let (run, cohort) = (try TrainedOnTumours.synthesis(), try TrainedOnTumours.cohort())
    let assessment = try BraSynAssessment(of: [run], on: cohort, device: .cpu)
    #expect(assessment.models.map(\.name) == ["AGI-Net (pix2pix)", "Copy of T2", "Intensity look-up"])
    #expect(assessment.models.allSatisfy { $0.subjects.map(\.subject) == ["sub-05"] })
    #expect(!BraSynAssessment.exists(in: scratch("test")))
    try assessment.write(to: scratch("test"))
    #expect(BraSynAssessment.exists(in: scratch("test")) && !Assessment.exists(in: scratch("test")))
    #expect(lines("test/brasyn/subjects.csv").count == 4)
    #expect(assessment.table.written(as: .markdown).contains("SSIM is 1 by construction"))
    let segmentation = try TrainedOnTumours.segmentation()
    #expect(
      try failure { _ = try BraSynAssessment(of: [segmentation], on: cohort, device: .cpu) }.kind == .usage)
  }
}

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

  /// One model by what it is shown: what a contrast is worth, and whether something else can take its place.
  @Test func substitutesAreRows() throws {
    let (run, cohort) = (try TrainedOnTumours.segmentation(), try TrainedOnTumours.cohort())
    var experiment = tinyExperiment(iterations: 2)
    experiment.scenario = Scenario(sources: [.t1, .pd], target: .t2)
    let made = try Run.train(experiment, on: cohort, into: scratch("t2")).model(device: .cpu)
    let substitutes = [
      Substitute(.t2, .zero), Substitute(.t2, .copy(of: .t1)),
      Substitute(.t2, .synthesised(by: made), named: "t2"),
    ]
    let assessment = try SegmentationAssessment(
      of: [run], on: cohort, substitutes: substitutes, device: .cpu)
    #expect(
      assessment.models.map(\.name) == [
        "Segmentation, as acquired", "Segmentation, T2 zero", "Segmentation, T2 copied from T1",
        "Segmentation, T2 by AGI-Net (pix2pix) [t2]",
      ])
    #expect(assessment.table.rows.count == 4 && assessment.table.caption.contains("of the same subjects"))
    // Each is what the evaluator finds by itself.
    let evaluator = try SegmentationEvaluator(cohort, regions: LabelRegion.braTS())
    let model = try run.model(device: .cpu)
    let expected = try substitutes.map {
      try evaluator.scores(named: "", in: .test, by: model, filling: [$0.modality: $0.filling]).subjects
    }
    #expect(Array(assessment.models.dropFirst().map(\.subjects)) == expected)
    #expect(assessment.models[0].subjects != expected[0])

    func refused(_ substitutes: Substitute...) throws -> Failure {
      try failure {
        _ = try SegmentationAssessment(of: [run], on: cohort, substitutes: substitutes, device: .cpu) {
          _, _, _ in Issue.record("work before a refusal")
        }
      }
    }
    #expect(try refused(Substitute(.t2, .zero), Substitute(.flair, .zero)).kind == .usage)
    #expect(
      try refused(Substitute(.t2, .zero), Substitute(.t2, .zero)).message.contains("T2 zero is given twice"))
    #expect(try refused(Substitute(.t1, .synthesised(by: made))).message.contains("makes no T1"))
  }

  /// Rows of one table are of the same people: those who have what any row needs.
  @Test func rowsWithSubstitutesShareTheirSubjects() throws {
    try makeTumours(scratch("raw"))
    try FileManager.default.removeItem(atPath: bidsPath(scratch("raw"), 2, .t2))
    let cohort = try prepared(scratch) { $0.keepsIncomplete = true }
    var options = Assessment.Options()
    options.split = .train
    let assessment = try SegmentationAssessment(
      of: [TrainedOnTumours.segmentation()], on: cohort, options, substitutes: [Substitute(.t2, .zero)],
      device: .cpu)
    #expect(assessment.models.allSatisfy { $0.subjects.map(\.subject) == ["sub-01", "sub-03"] })
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

  /// Zeros between slices that were not chosen are no tissue.
  @Test func lesionsWithGapsAreLeftOut() throws {
    try makeTumours(scratch("raw"))
    for modality in [Modality.t1, .t2, .pd] {
      var scan = tumourScan(modality, subject: 5)
      for index in 3 * 28 * 30..<4 * 28 * 30 { scan.voxels[index] = 0 }
      try NIfTI.write(scan, to: bidsPath(scratch("raw"), 5, modality))
    }
    let cohort = try prepared(scratch)
    #expect(cohort.subjects(in: .test)[0].slices == [1, 2, 4, 5])
    #expect(try Assessment(of: [TrainedOnTumours.synthesis()], on: cohort, device: .cpu).lesions.isEmpty)
  }

  /// The table's numbers are the mask's, whatever else lies beside it, and nothing is said where a parcellation is all there is.
  @Test func lesionsAreThoseOfTheMaskBesideAParcellation() throws {
    let (run, scratches) = (try TrainedOnTumours.synthesis(), try (0..<3).map { _ in try Scratch() })
    var assessments: [Assessment] = []
    for (scratch, maps) in zip(scratches, [["lesion"], ["lesion", "parts"], ["parts"]]) {
      try makeTumours(scratch("raw"))
      for subject in 1...5 {
        var map = labelMap(subject: subject)
        let path = labelPath(scratch("raw"), subject)
        try FileManager.default.removeItem(atPath: path)
        func write(_ ending: String) throws {
          try NIfTI.write(map, to: path.replacingOccurrences(of: "_dseg", with: "_" + ending))
        }
        if maps.contains("lesion") { try write("label-lesion_mask") }
        map.voxels = map.voxels.indices.map { Float(1 + $0 % 149) }
        if maps.contains("parts") { try write("desc-aparcaseg_dseg") }
      }
      assessments.append(try Assessment(of: [run], on: prepared(scratch), device: .cpu))
    }
    let marked = labelMap(subject: 5).voxels.count { $0 > 0 }
    for assessment in assessments.prefix(2) {
      let figures = try #require(assessment.lesions.first?.subjects.first)
      #expect(abs(try #require(figures.values[.volume]) - 0.003 * Double(marked)) < 1e-9)
    }
    #expect(assessments[0].lesions.map(\.subjects) == assessments[1].lesions.map(\.subjects))
    #expect(assessments[0].models[0].slices == assessments[1].models[0].slices)
    #expect(assessments[0].models[0].slices.contains { $0.values[.psnrLesion] != nil })
    #expect(assessments[2].lesions.isEmpty && assessments[2].lesionTable == nil)
    #expect(assessments[2].models[0].slices.allSatisfy { $0.values[.psnrLesion] == nil })
  }

  /// Nobody knows what is healthy in a subject without a label map.
  @Test func withoutALabelMapTheWholeVolumeIsScoredAlone() throws {
    let evaluator = try BraSynEvaluator(Trained.cohort(), scenario: tinyExperiment().scenario)
    let figures = try evaluator.figures(named: "copy", in: .test) { stack, _ in stack.target(.t2) }
    #expect(figures.subjects.count == 1)
    for subject in figures.subjects {
      #expect(subject.values[.whole] != nil)
      #expect(subject.values[.healthy] == nil && subject.values[.tumour] == nil)
    }
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

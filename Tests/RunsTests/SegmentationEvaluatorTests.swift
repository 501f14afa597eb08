import Cohorts
import Experiments
import Failures
import Foundation
import Imaging
import Inference
import Layers
import Methods
import Metrics
import PipelineSupport
import Runs
import Testing
import Torch
import Training

/// Whole subjects through a segmentation, with something in place of a contrast.
@Suite(.serialized) struct SegmentationEvaluatorTests {
  private let scratch: Scratch
  private let cohort: PreparedCohort
  private let model: TrainedModel
  private let regions = LabelRegion.braTS()

  init() throws {
    scratch = try Scratch()
    cohort = try TrainedOnTumours.cohort()
    model = try TrainedOnTumours.segmentation().model(device: .cpu)
  }

  private func evaluator(_ cohort: PreparedCohort? = nil) throws -> SegmentationEvaluator {
    try SegmentationEvaluator(cohort ?? self.cohort, regions: regions)
  }

  /// A cohort whose reference is what the model finds in it gets full marks.
  @Test func whatIsFoundExactlyIsPerfect() throws {
    try makeTumours(scratch("raw"))
    for subject in 1...5 {
      var volumes: [Modality: (name: String, volume: Volume)] = [:]
      for modality in [Modality.t1, .t2] {
        volumes[modality] = ("\(modality)", tumourScan(modality, subject: subject))
      }
      try NIfTI.write(try model.segmenter(volumes).labels, to: labelPath(scratch("raw"), subject))
    }
    let cohort = try prepared(scratch)
    let scores = try evaluator(cohort).scores(named: "perfect", in: .test, by: model)
    let whole = scores.figures(of: "WT")
    #expect(whole.overSubjects(.dice3D).mean.map { $0 > 0.995 } == true)
    #expect(whole.overSubjects(.dice2D).mean.map { $0 > 0.99 } == true)
    #expect(whole.overSubjects(.surfaceDice).mean.map { $0 > 0.995 } == true)
    let (found, wanted) = (
      whole.overSubjects(.predictedVolume).mean, whole.overSubjects(.referenceVolume).mean
    )
    #expect(abs((found ?? 0) - (wanted ?? 1)) < 0.02 && (found ?? 0) > 0.05)
  }

  /// A network without weights finds everything as likely as not, which is nothing.
  @Test func whatFindsNothingScoresNothing() throws {
    for (_, tensor) in model.method.generator.parameters.entries { tensor.assign(tensor.detached * 0) }
    var seen: [SegmentedVolume] = []
    let scores = try evaluator().scores(named: "nothing", in: .test, by: model) { seen.append($0) }
    for region in scores.regions {
      let figures = scores.figures(of: region)
      #expect(figures.overSubjects(.dice3D).mean == 0 && figures.overSubjects(.dice2D).mean == 0)
      #expect(figures.overSubjects(.predictedVolume).mean == 0)
      #expect(figures.subjects[0].values[.hausdorff95] == .infinity)
    }
    // Voxels of 3 mm³ in five slices.
    let labels = labelMap(subject: 5).voxels
    #expect(
      scores.figures(of: "WT").overSubjects(.referenceVolume).mean.map {
        abs($0 - 0.003 * Double(labels.count { $0 > 0 })) < 1e-9
      } == true)
    let volume = try #require(seen.first)
    #expect(volume.subject.id == "sub-05" && volume.firstSlice == 1)
    #expect(volume.grid.extent == Extent(5, 32, 32) && volume.grid.spacing == [3, 1, 1])
    #expect(
      volume.found.allSatisfy { $0 == 0 } && volume.reference.count { $0 > 0 } == labels.count { $0 > 0 })
    #expect(Set(volume.images.keys) == [.t1, .t2])
  }

  /// What pads a slice is no part of a patient: a network that finds something everywhere finds it in 28 x 30 x 5 voxels of 3 mm³.
  @Test func whatPadsASliceIsNotFound() throws {
    for (name, tensor) in model.method.generator.parameters.entries {
      withoutGradient { tensor.fill(name.hasSuffix("tail.bias") ? 10 : 0) }
    }
    let scores = try evaluator().scores(named: "all", in: .test, by: model)
    let found = try #require(scores.figures(of: "WT").overSubjects(.predictedVolume).mean)
    #expect(abs(found - 0.003 * 28 * 30 * 5) < 1e-9, "\(found)")
  }

  // MARK: - Fillings

  @Test func fillingsAreWhatTheSegmentationSees() throws {
    func images(_ filling: [Modality: SegmentationEvaluator.Filling]) throws -> [Modality: [Float]] {
      var seen: [SegmentedVolume] = []
      _ = try evaluator().scores(named: "s", in: .test, by: model, filling: filling) { seen.append($0) }
      return try #require(seen.first).images
    }
    let real = try images([:])
    for (offset, slice) in cohort.subjects(in: .test)[0].slices.enumerated() {
      let reference = SampleReference(subject: "sub-05", slice: slice)
      let size = offset * 1024..<(offset + 1) * 1024
      #expect(try real[.t2].map { Array($0[size]) } == cohort.slice(.t2, at: reference))
    }
    let zero = try images([.t2: .zero])
    #expect(zero[.t1] == real[.t1] && zero[.t2]?.allSatisfy { $0 == 0 } == true)
    let copied = try images([.t2: .copy(of: .t1)])
    #expect(copied[.t2] == real[.t1])
    // PD is no source of the segmentation, and serves all the same.
    let other = try images([.t2: .copy(of: .pd)])
    #expect(other[.t2] != real[.t2] && other[.t2]?.contains { $0 > 0.9 } == true)
  }

  /// What a model makes is what it is scored by, brought to [0, 1].
  @Test func aSynthesisedContrastIsThatOfItsModel() throws {
    var experiment = tinyExperiment(iterations: 2)
    experiment.scenario = Scenario(sources: [.t1, .pd], target: .t2)
    let made = try Run.train(experiment, on: cohort, into: scratch("t2")).model(device: .cpu)
    var seen: [SegmentedVolume] = []
    _ = try evaluator().scores(named: "s", in: .test, by: model, filling: [.t2: .synthesised(by: made)]) {
      seen.append($0)
    }
    let image = try #require(seen.first?.images[.t2])
    let batch = try cohort.batches(in: .test, scenario: experiment.scenario, batchSize: 5)[0]
    let expected = try made.predictor(batch).map { min(1, max(0, $0)) }
    #expect(zip(image, expected).allSatisfy { abs($0 - $1) < 1e-5 } && image.count == expected.count)
    // A subject without the true contrast is scored as well.
    try makeTumours(scratch("raw"))
    try FileManager.default.removeItem(atPath: bidsPath(scratch("raw"), 5, .t2))
    let without = try prepared(scratch) { $0.keepsIncomplete = true }
    let scores = try evaluator(without).scores(
      named: "s", in: .test, by: model, filling: [.t2: .synthesised(by: made)])
    #expect(scores.subjects.map(\.subject) == ["sub-05"])
    let failure = try failure { _ = try evaluator(without).scores(named: "s", in: .test, by: model) }
    #expect(failure.kind == .inconsistent && failure.message.contains("T1, T2 and a label map"), "\(failure)")
  }

  @Test func fillingsThatMakeNoSense() throws {
    func refused(
      _ filling: [Modality: SegmentationEvaluator.Filling], by other: TrainedModel? = nil
    ) throws -> Failure {
      try failure { _ = try evaluator().scores(named: "s", in: .test, by: other ?? model, filling: filling) }
    }
    let synthesis = try TrainedOnTumours.synthesis().model(device: .cpu)
    let none = try refused([.flair: .zero])
    #expect(none.kind == .usage && none.message.contains("no FLAIR to put something in place of"), "\(none)")
    let wrong = try refused([.t2: .synthesised(by: synthesis)])
    #expect(wrong.kind == .inconsistent && wrong.message.contains("makes no T2"), "\(wrong)")
    #expect(try refused([:], by: synthesis).message.contains("no segmentation"))
    #expect(try refused([.t2: .copy(of: .t2)]).message.contains("no change"))
    let missing = try refused([.t2: .copy(of: .flair)])
    #expect(missing.kind == .inconsistent && missing.message.contains("no FLAIR"), "\(missing)")
    let regions = [LabelRegion("lesion", labels: [1, 2, 3])]
    let others = try failure {
      _ = try SegmentationEvaluator(cohort, regions: regions).scores(named: "s", in: .test, by: model)
    }
    #expect(others.kind == .inconsistent && others.message.contains("lesion (1, 2, 3)"), "\(others)")
    #expect(try failure { _ = try SegmentationEvaluator(cohort, regions: []) }.kind == .usage)
  }

  /// Regions are the model's here, and no setting changes them.
  @Test func anUnknownLabelIsNotTheExperiments() throws {
    try makeTumours(scratch("raw"))
    var map = labelMap(subject: 5)
    map.voxels = map.voxels.map { $0 == 3 ? 4 : $0 }
    try NIfTI.write(map, to: labelPath(scratch("raw"), 5))
    let cohort = try prepared(scratch)
    let failure = try failure { _ = try evaluator(cohort).scores(named: "s", in: .test, by: model) }
    #expect(failure.kind == .inconsistent && failure.message.contains("holds 4 ("), "\(failure)")
    #expect(failure.message.contains("the model's") && !failure.message.contains("segmentation.regions"))
  }

  /// A tumour that goes on beyond the chosen slices is measured as far as they reach, which the table says.
  @Test func tumoursThatTheSlicesCutAreCounted() throws {
    try makeTumours(scratch("raw"))
    let cut = try prepared(scratch) { $0.sliceRule = .central(3) }
    #expect(cut.subjects(in: .test)[0].slices == [1, 2, 3])
    for (cohort, isCut) in [(cut, true), (cohort, false)] {
      let scores = try evaluator(cohort).scores(named: "s", in: .test, by: model)
      #expect(scores.subjects.map(\.isCut) == [isCut])
      let caption = Table("", comparing: [scores], measures: [.hausdorff95]).caption
      #expect(caption.contains("within the chosen slices"))
      #expect(caption.contains("Cut by the slice rule, its reference touching") == isCut, "\(caption)")
    }
  }

  // MARK: - The work

  @Test func batchSizeChangesNothingAndProgressCountsSubjects() throws {
    var evaluator = try evaluator()
    var shown: [[Int]] = []
    evaluator.progress = { shown.append([$0, $1]) }
    let expected = try evaluator.scores(named: "s", in: .train, by: model)
    #expect(shown.first == [0, 3] && shown.last == [3, 3] && expected.subjects.count == 3)
    evaluator.batchSize = 1
    evaluator.progress = { _, _ in }
    let single = try evaluator.scores(named: "s", in: .train, by: model)
    #expect(single.subjects.map(\.subject) == expected.subjects.map(\.subject))
    for region in expected.regions {
      let (a, b) = (single.figures(of: region), expected.figures(of: region))
      #expect(abs((a.overSubjects(.dice3D).mean ?? 0) - (b.overSubjects(.dice3D).mean ?? 0)) < 1e-3)
    }
    evaluator.subjectLimit = 2
    #expect(try evaluator.scores(named: "s", in: .train, by: model).subjects.count == 2)
    struct Enough: Error {}
    evaluator.progress = { done, _ in if done == 1 { throw Enough() } }
    #expect(throws: Enough.self) { try evaluator.scores(named: "s", in: .train, by: model) }
  }

  /// Between chosen slices that are apart there is no surface; each keeps its number.
  @Test func gapsBetweenSlicesLeaveDiceAlone() throws {
    try makeTumours(scratch("raw"))
    for subject in 1...5 {
      for modality in [Modality.t1, .t2, .pd] {
        var scan = tumourScan(modality, subject: subject)
        for index in 3 * 28 * 30..<4 * 28 * 30 { scan.voxels[index] = 0 }
        try NIfTI.write(scan, to: bidsPath(scratch("raw"), subject, modality))
      }
    }
    let cohort = try prepared(scratch)
    #expect(cohort.subjects(in: .test)[0].slices == [1, 2, 4, 5])
    let scores = try evaluator(cohort).scores(named: "s", in: .test, by: model)
    let region = try #require(scores.subjects.first?.regions.first)
    #expect(region.slices.count == 5 && region.slices[2] == Overlap() && scores.subjects[0].firstSlice == 1)
    #expect(region.values[.hausdorff95] == nil && region.values[.surfaceDice] == nil)
    #expect(region.values[.dice3D] != nil)
  }
}

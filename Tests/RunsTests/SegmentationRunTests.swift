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

/// Segmentations from a cohort with label maps to a model, and cohorts that cannot serve one.
@Suite(.serialized) struct SegmentationRunTests {
  private let scratch: Scratch
  init() throws { scratch = try Scratch() }

  /// Trains with augmentation, chooses by Dice, resumes exactly, and scores whole subjects, whatever the network sees.
  @Test(arguments: [Region.slice, .slab(3), .patch(Extent(24, 32, 32))])
  func aRunGoesFromEndToEnd(_ region: Region) throws {
    let cohort = try makeCohort(scratch, tumours: true)
    let experiment = tinySegmentation(iterations: 4, region: region)
    var scores: [Score] = []
    let run = try Run.train(
      experiment, on: cohort, into: scratch("whole"),
      observe: {
        if case .validated(_, let score, _) = $0 { scores.append(score) }
      })
    #expect(scores.count == 2 && scores.allSatisfy { $0.name == "dice" && (0...1).contains($0.value) })
    #expect(run.isSegmentation)

    var half = experiment
    half.iterations = 2
    _ = try Run.train(half, on: cohort, into: scratch("parts"))
    var setting = Run.Setting()
    (setting.resumes, setting.loaders) = (true, 3)
    let parts = try Run.train(experiment, on: cohort, into: scratch("parts"), setting)
    #expect(contents(of: run.folder.last) == contents(of: parts.folder.last))
    #expect(contents(of: run.folder.log) == contents(of: parts.folder.log))

    let model = try run.model(device: .cpu)
    #expect(
      model.card.score?.name == "dice" && model.card.warning.hasPrefix("COMPUTED segmentation of T1, T2;"))
    #expect(model.card.intendedUse.contains("Segmentations may omit or invent findings"))
    let evaluation = try SegmentationEvaluator(cohort, regions: LabelRegion.braTS())
      .scores(named: "s", in: .test, by: model)
    #expect(evaluation.subjects.map(\.subject) == ["sub-05"] && evaluation.regions == ["WT", "TC", "ET"])
    #expect(evaluation.subjects[0].regions.allSatisfy { $0.slices.count == 5 })
  }

  /// The tumour is learned, and what is learned is kept.
  @Test func theTumourIsFound() throws {
    let model = try TrainedOnTumours.segmentation().model(device: .cpu)
    let scores = try SegmentationEvaluator(TrainedOnTumours.cohort(), regions: LabelRegion.braTS())
      .scores(named: "s", in: .test, by: model)
    let dice = try #require(scores.figures(of: "WT").overSubjects(.dice3D).mean)
    #expect(dice > 0.3, "\(dice)")
    #expect((model.card.score?.value ?? 0) > 0.2)
  }

  /// What augmentation does is set in the experiment and decided by the seed.
  @Test func augmentationIsASetting() throws {
    let cohort = try makeCohort(scratch, tumours: true)
    func weights(_ name: String, _ augmentation: Augmentation) throws -> Data? {
      var experiment = tinySegmentation(iterations: 2)
      experiment.segmentation.augmentation = augmentation
      return contents(of: try Run.train(experiment, on: cohort, into: scratch(name)).folder.last)
    }
    #expect(tinySegmentation().segmentation.augmentation == Augmentation())
    let with = try weights("with", Augmentation())
    #expect(try with != nil && with != weights("without", .none))
    #expect(try with == weights("again", Augmentation()))
  }

  // MARK: - Cohorts that cannot serve

  /// Everything is said before any work: no run folder is left.
  private func refused(_ experiment: Experiment = tinySegmentation()) throws -> Failure {
    let cohort = try prepared(scratch)
    let failure = try failure { _ = try Run.train(experiment, on: cohort, into: scratch("run")) }
    #expect(!FileManager.default.fileExists(atPath: scratch("run")))
    return failure
  }

  private func rewrite(_ subjects: ClosedRange<Int>, _ change: (Float) -> Float) throws {
    for subject in subjects {
      var map = labelMap(subject: subject)
      map.voxels = map.voxels.map(change)
      try NIfTI.write(map, to: labelPath(scratch("raw"), subject))
    }
  }

  @Test func anUnknownLabelIsNamed() throws {
    try makeTumours(scratch("raw"))
    try rewrite(2...2) { $0 == 3 ? 4 : $0 }
    let failure = try refused()
    #expect(failure.kind == .inconsistent)
    for part in ["sub-02", "holds 4 (", "WT (1, 2, 3)", "segmentation.regions"] {
      #expect(failure.message.contains(part), "\(failure)")
    }
    // Older releases call it so.
    var experiment = tinySegmentation(iterations: 1)
    try rewrite(1...5) { $0 == 3 ? 4 : $0 }
    experiment.segmentation.regions = LabelRegion.braTS(enhancing: 4)
    try FileManager.default.removeItem(atPath: scratch("cohort"))
    #expect(try Run.train(experiment, on: prepared(scratch), into: scratch("run")).isSegmentation)
  }

  @Test func aRegionThatNobodyHasIsNamed() throws {
    try makeTumours(scratch("raw"))
    try rewrite(1...5) { $0 == 3 ? 1 : $0 }
    let failure = try refused()
    #expect(failure.kind == .inconsistent && failure.message.contains("shows ET"), "\(failure)")
    // One that a split to be scored lacks is no mistake, and stays unscored.
    let cohort = try PreparedCohort(folder: scratch("cohort"))
    let model = try TrainedOnTumours.segmentation().model(device: .cpu)
    let scores = try SegmentationEvaluator(cohort, regions: LabelRegion.braTS())
      .scores(named: "s", in: .test, by: model)
    #expect(scores.subjects.count == 1)
  }

  @Test func aCohortWithoutLabelMapsIsRefused() throws {
    try makeBIDS(scratch("raw"))
    let failure = try refused()
    #expect(failure.kind == .inconsistent && failure.message.contains("has a label map"), "\(failure)")
    #expect(failure.message.contains("train split"))
  }

  @Test func validationSubjectsWithoutLabelMapsAreRefused() throws {
    try makeTumours(scratch("raw"))
    try FileManager.default.removeItem(atPath: labelPath(scratch("raw"), 4))
    let failure = try refused()
    #expect(failure.kind == .inconsistent)
    #expect(failure.message.contains("a label map is in the validation split"), "\(failure)")
  }

  /// What nobody who can be trained on shows is not there.
  @Test func mapsOfSubjectsThatAreNotUsedDoNotCount() throws {
    try makeTumours(scratch("raw"))
    try rewrite(2...3) { $0 == 3 ? 1 : $0 }
    try FileManager.default.removeItem(atPath: bidsPath(scratch("raw"), 1, .t2))
    let cohort = try prepared(scratch) { $0.keepsIncomplete = true }
    let failure = try failure {
      _ = try Run.train(tinySegmentation(), on: cohort, into: scratch("run"))
    }
    #expect(failure.kind == .inconsistent && failure.message.contains("shows ET"), "\(failure)")
    #expect(!FileManager.default.fileExists(atPath: scratch("run")))
  }

  // MARK: - What there is to judge by

  /// Held-out patients without a tumour tell nothing: the last weights are kept, as without them.
  @Test func withoutATumourToFindTheLastWeightsAreKept() throws {
    try makeTumours(scratch("raw"))
    try rewrite(4...4) { _ in 0 }
    var notes: [String] = []
    var looks = 0
    let run = try Run.train(
      tinySegmentation(iterations: 4), on: prepared(scratch), into: scratch("run"),
      observe: {
        if case .note(let note) = $0 { notes.append(note) }
        if case .validated = $0 { looks += 1 }
      })
    let said = "no label map of the 2 validation samples shows any of WT (1, 2, 3), TC (1, 3), ET (3)"
    #expect(notes.contains { $0.hasPrefix(said) && $0.hasSuffix("the last weights are kept, not the best") })
    let card = try run.model(device: .cpu).card
    #expect(looks == 0 && card.score == nil && card.iterations == 4)
  }

  /// A region that the held-out samples lack is not judged, however much of it is found.
  @Test func onlyRegionsThatAreThereAreJudged() throws {
    try makeTumours(scratch("raw"))
    try rewrite(4...4) { $0 == 3 ? 1 : $0 }
    let cohort = try prepared(scratch)
    var experiment = tinySegmentation(iterations: 2)
    (experiment.validationSlices, experiment.validateEvery) = (5, 2)
    let model = try Run.train(experiment, on: cohort, into: scratch("run")).model(device: .cpu)
    let batch = try cohort.batches(in: .validation, scenario: experiment.scenario, batchSize: 5)[0]
    let (maps, labels) = (try model.predictor(batch), try #require(batch.labels))
    let size = batch.extent.count
    let regions = LabelRegion.braTS()
    // One label a voxel, as `segment` writes and `evaluate` judges: what is found as a part counts for the whole.
    let found = (0..<batch.count).flatMap { sample in
      regions.labels(of: size) { maps[(sample * 3 + $0) * size + $1] > 0.5 }
    }
    let dice = regions.map { Overlap($0.mask(of: found), $0.mask(of: labels)) }
    #expect(dice.map { $0.reference > 0 } == [true, true, false] && dice[2].predicted > 0)
    let expected = ((dice[0].dice() ?? 0) + (dice[1].dice() ?? 0)) / 2
    #expect(abs((model.card.score?.value ?? -1) - expected) < 1e-2, "\(expected)")
  }

  /// A map that is empty everywhere is no tumour to learn from.
  @Test func mapsWithoutTumourAreRefused() throws {
    try makeTumours(scratch("raw"))
    try rewrite(1...5) { _ in 0 }
    let failure = try refused()
    #expect(failure.kind == .inconsistent && failure.message.contains("shows WT"), "\(failure)")
  }

  @Test func whatIsAskedMustBeASegmentation() throws {
    var synthesis = tinyExperiment()
    synthesis.scenario = Scenario(labelling: [.t1, .t2])
    #expect(try failure { try synthesis.check() }.message.contains("labels are found by method segmentation"))
    var segmentation = tinySegmentation()
    segmentation.scenario = Scenario(sources: [.t1, .t2], target: .pd)
    #expect(try failure { try segmentation.check() }.message.contains("finds labels, no PD"))
    #expect(try Experiment(settings: ["method=segmentation"]).scenario.target == .labels)
    for target in ["pd", "t1gd"] {
      let named = try failure {
        _ = try Experiment(settings: ["method=segmentation", "scenario.target=\(target)"])
      }
      #expect(named.kind == .usage && named.message.contains("finds labels, no"), "\(named)")
    }
    let failure = try failure {
      _ = try Experiment(settings: ["method=segmentation", "segmentation.weightDice=-1"])
    }
    #expect(failure.kind == .usage && failure.message.contains("segmentation.weightDice is -1"))
  }
}

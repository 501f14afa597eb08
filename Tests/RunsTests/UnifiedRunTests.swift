import Cohorts
import Experiments
import Failures
import Files
import Foundation
import Imaging
import Inference
import Methods
import Networks
import PipelineSupport
import Runs
import Testing
import Torch
import Training

/// Training on any subset of contrasts: of people who differ in what they have, and of heads that are computed.
@Suite(.serialized) struct UnifiedRunTests {
  private let scratch: Scratch
  init() throws { scratch = try Scratch() }

  private func tiny(_ sources: [Modality] = [.t1, .t2, .flair], iterations: Int = 4) -> Experiment {
    var experiment = tinyExperiment(method: "unified", network: "agi-net", iterations: iterations)
    experiment.scenario = Scenario(completing: sources)
    experiment.physics.extent = Extent(32, 40)
    return experiment
  }

  // MARK: - What is asked

  @Test func nothingButTheMethodNeedBeNamed() throws {
    let experiment = try Experiment(settings: ["method=unified"])
    #expect(experiment.scenario == Scenario(completing: [.t1, .t2, .pd, .flair, .t1gd]))
    #expect(experiment.network.name == "agi-net" && experiment.learningRate == 4e-4)
    let named = try Experiment(settings: ["method=unified", #"scenario.sources=["t1","flair"]"#])
    #expect(named.scenario == Scenario(completing: [.t1, .flair]))
    #expect(try Experiment(json: named.json, origin: "test") == named)
  }

  @Test(arguments: [
    (["scenario.target=missing"], "made by method unified"),
    (["method=unified", "scenario.target=pd"], "leave the target out"),
    (["method=unified", #"scenario.sources=["t1"]"#], "name two or more"),
    (["method=unified", "network=resnet9"], "which contrasts are there"),
    (["method=unified", "unified.keep.t1=2"], "unified.keep.t1 is 2.0"),
    (["method=unified", "unified.keep.t9=1"], "t9"),
    (["physics.extent=[8,8]"], "from 16 to 1024"), (["schedule=cosin"], "did you mean cosine"),
  ])
  func whatMakesNoSenseIsRefused(settings: [String], says: String) throws {
    let failure = try failure { _ = try Experiment(settings: settings) }
    #expect(failure.kind == .usage && failure.message.contains(says), "\(failure)")
  }

  // MARK: - On scans

  /// The first has all, the second lacks FLAIR, the third has T1 alone and teaches nothing, the fourth, who validates, lacks T2.
  private func differing() throws -> PreparedCohort {
    try makeBIDS(scratch("raw"), modalities: [.t1, .t2, .flair])
    for (subject, modality) in [(2, Modality.flair), (3, .flair), (3, .t2), (4, .t2)] {
      try FileManager.default.removeItem(atPath: bidsPath(scratch("raw"), subject, modality))
    }
    return try prepared(scratch) { $0.keepsIncomplete = true }
  }

  @Test func peopleMayDifferInWhatTheyHave() throws {
    let cohort = try differing()
    let asked = try SampleContents(Scenario(completing: [.t1, .t2, .flair]))
    let subjects = Set(try cohort.samples(in: .train, asked).map(\.subject))
    #expect(subjects == ["sub-01", "sub-02"])
    let run = try Run.train(tiny(), on: cohort, into: scratch("run"))
    let log = String(decoding: contents(of: run.folder.log) ?? Data(), as: UTF8.self)
    #expect(log.hasPrefix("iteration,l1,gradient,kept,validation_psnr\n"))
    let model = try run.model(device: .cpu)
    #expect(model.card.scenario.target == .missing && model.card.rule == nil)
    // Of whoever has one of two, the others come out.
    let batch = try cohort.batches(in: .validation, asked, batchSize: 2)[0]
    let made = try model.predictor(batch)
    #expect(made.count == 2 * 3 * 32 * 32 && made.contains { $0 != 0 })
    #expect(try model.predictor(batch.keeping([.t1])) != made)
    let alone = try SampleContents(Scenario(completing: [.t2, .flair]))
    let failure = try failure { _ = try cohort.batches(in: .validation, alone, batchSize: 1) }
    #expect(failure.message.contains("2 of T2, FLAIR"), "\(failure)")
  }

  // MARK: - On computed heads

  @Test func aRunOnComputedHeadsResumesExactly() throws {
    let anatomies = try makeAnatomies(scratch)
    func train(_ iterations: Int, _ name: String, resumes: Bool = false) throws -> Run {
      var setting = Run.Setting()
      setting.resumes = resumes
      return try Run.train(
        tiny(Modality.allCases, iterations: iterations), on: .anatomies(anatomies), into: scratch(name),
        setting)
    }
    let whole = try train(4, "whole")
    _ = try train(2, "parts")
    let parts = try train(4, "parts", resumes: true)
    for path in [\RunFolder.last, \.log, \.model] {
      #expect(contents(of: whole.folder[keyPath: path]) == contents(of: parts.folder[keyPath: path]))
    }
    let card = try whole.model(device: .cpu).card
    #expect(card.rule == .foreground && card.extent == Extent(32, 40) && card.score?.name == "over_mean")
    #expect(card.trainedOn.contains("1 label maps (ball)") && card.intensity.contains("foreground"))
    // Other anatomies would be another run.
    let others = try makeAnatomies(scratch, "others", radius: 54)
    let failure = try failure {
      var setting = Run.Setting()
      setting.resumes = true
      _ = try Run.train(tiny(Modality.allCases), on: .anatomies(others), into: scratch("parts"), setting)
    }
    #expect(failure.kind == .inconsistent && failure.message.contains("others than these anatomies"))
  }

  /// Of one contrast too: a cohort's images are on another scale, and no figure of them would mean anything.
  @Test func aRunOnComputedHeadsIsNotScoredOnAnotherScale() throws {
    var experiment = tinyExperiment(method: "pix2pix", network: "resunet", iterations: 2)
    (experiment.scenario, experiment.physics.extent) = (
      Scenario(sources: [.t1, .t2], target: .pd), Extent(32, 40)
    )
    let run = try Run.train(experiment, on: .anatomies(makeAnatomies(scratch)), into: scratch("heads"))
    #expect(try run.model(device: .cpu).card.intensityRule == .foreground)
    let failure = try failure { _ = try Assessment(of: [run], on: Trained.cohort(), device: .cpu) }
    #expect(
      failure.kind == .inconsistent && failure.message.contains("on the scale of their foreground"),
      "\(failure)")
  }

  @Test func whatHeadsCannotServeIsRefused() throws {
    let anatomies = try makeAnatomies(scratch)
    func refusal(_ change: (inout Experiment) -> Void) throws -> Failure {
      var experiment = tiny()
      change(&experiment)
      return try failure { _ = try Run.train(experiment, on: .anatomies(anatomies), into: scratch("run")) }
    }
    #expect(try refusal { $0.region = .slab(3) }.kind == .usage)
    #expect(try refusal { $0.perturbation = Perturbation(of: .t2, radius: 2) }.kind == .usage)
    let labels = try refusal { $0 = tinySegmentation() }
    #expect(labels.kind == .usage && labels.message.contains("label maps"))
    #expect(!FileManager.default.fileExists(atPath: scratch("run")))
  }

  // MARK: - Half precision

  @Test func aHalvedModelMakesNearlyTheSame() throws {
    let cohort = try differing()
    let run = try Run.train(tiny(), on: cohort, into: scratch("run"))
    let model = try run.model(device: .cpu)
    let path = scratch("halved.safetensors")
    try TrainedModel.write(
      model.method, experiment: model.experiment, card: model.card, to: path, halved: true)
    #expect(try Safetensors(contentsOf: path).entries.allSatisfy { $0.type == .f16 })
    let halved = try TrainedModel(file: path, device: .cpu)
    #expect(halved.card == model.card)
    let sources = Tensor.uniform([1, 3, 32, 32], seed: 1)
    let (exact, half) = withoutGradient {
      (model.method.synthesize(sources), halved.method.synthesize(sources))
    }
    let largest = (exact - half).abs().reshaped([-1]).max(over: 0).item
    #expect(largest < 1e-3 && largest > 0, "\(largest)")
  }
}

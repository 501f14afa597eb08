import Cohorts
import Experiments
import Failures
import Files
import Foundation
import Imaging
import Inference
import Layers
import Methods
import Networks
import PipelineSupport
import Runs
import Testing
import Torch
import Training

/// Training that starts from a model's weights.
@Suite struct ModelStartTests {
  private let scratch: Scratch
  init() throws { scratch = try Scratch() }

  private func start() throws -> ModelStart { try ModelStart(file: Trained.run().folder.model) }

  private func train(_ experiment: Experiment, from start: ModelStart?, to name: String) throws -> Run {
    var setting = Run.Setting()
    setting.start = start
    return try Run.train(experiment, on: Trained.cohort(), into: scratch(name), setting)
  }

  private func weights(_ run: Run, _ name: String) throws -> [Float] {
    try weights(run.model(device: .cpu), name)
  }

  private func weights(_ model: TrainedModel, _ name: String) throws -> [Float] {
    try #require(model.method.generator.parameters[name]).values(Float.self)
  }

  /// A step so small that the weights stay those that training began with.
  private func still(_ start: ModelStart) -> Experiment {
    var experiment = start.experiment
    (experiment.learningRate, experiment.iterations, experiment.validateEvery) = (1e-12, 1, 1)
    return experiment
  }

  @Test func itGoesOnAtATenthOfTheRate() throws {
    let (start, trained) = (try start(), try Trained.run().experiment)
    #expect(start.experiment.learningRate == trained.learningRate / 10)
    #expect(start.experiment.from == (try Trained.model().sha256))
    #expect(start.experiment.network == trained.network && start.experiment.scenario == trained.scenario)
    // It stands in the experiment's JSON, and is read back.
    let json = try start.experiment.json
    #expect(try Experiment(json: json, origin: "x") == start.experiment)
  }

  /// Else the rate would be gone after a few rounds.
  @Test func whatStartedFromAnotherGoesOnAtHalfItsRate() throws {
    let start = try start()
    let again = try ModelStart(file: train(still(start), from: start, to: "again").folder.model)
    #expect(again.experiment.learningRate == again.trained.learningRate / 2)
  }

  @Test func theWeightsAreTheModels() throws {
    let start = try start()
    let run = try train(still(start), from: start, to: "run")
    let model = try Trained.model()
    for name in ["head.weight", "tail.weight"] {
      #expect(zip(try weights(run, name), try weights(model, name)).allSatisfy { abs($0 - $1) < 1e-6 })
    }
    #expect(try run.model(device: .cpu).card.trainedOn.contains(start.sha256))
  }

  @Test func aResumedRunIsTheUninterruptedOne() throws {
    let start = try start()
    var experiment = start.experiment
    (experiment.iterations, experiment.validateEvery, experiment.checkpointEvery) = (6, 3, 2)
    let whole = try train(experiment, from: start, to: "whole")
    var steps = 0
    var setting = Run.Setting()
    setting.start = start
    let stopped = try failure {
      _ = try Run.train(
        experiment, on: Trained.cohort(), into: scratch("parts"), setting,
        shouldStop: { steps == 3 ? .interrupted : nil },
        observe: { if case .step(let iteration, _, _, _) = $0 { steps = iteration } })
    }
    #expect(stopped.kind == .interrupted)
    // It needs the model no more.
    var resuming = Run.Setting()
    resuming.resumes = true
    let parts = try Run.train(experiment, on: Trained.cohort(), into: scratch("parts"), resuming)
    #expect(contents(of: whole.folder.model) == contents(of: parts.folder.model))
    #expect(contents(of: whole.folder.log) == contents(of: parts.folder.log))
  }

  /// One scenario from a model of any: what belongs to a contrast goes with it.
  @Test func contrastsAreTakenByTheirNames() throws {
    var any = tinyExperiment(method: Unified.name, network: "agi-net", iterations: 2)
    any.scenario = Scenario(completing: [.pd, .t2, .t1])
    let unified = try Run.train(any, on: Trained.cohort(), into: scratch("any"))
    let start = try ModelStart(file: unified.folder.model)
    var one = tinyExperiment(iterations: 1)
    one.network = any.network
    (one.from, one.learningRate, one.validateEvery) = (start.sha256, 1e-12, 1)
    let run = try train(one, from: start, to: "one")
    let (whole, part) = (try unified.model(device: .cpu), try run.model(device: .cpu))

    // (T1, T2) -> PD: columns 2 and 1 of the head, row 0 of the tail.
    let (heads, head) = (try weights(whole, "head.weight"), try weights(part, "head.weight"))
    let width = any.network.width
    for channel in 0..<width {
      for (place, from) in [2, 1].enumerated() {
        for tap in 0..<9 {
          let (a, b) = (heads[(channel * 3 + from) * 9 + tap], head[(channel * 2 + place) * 9 + tap])
          #expect(abs(a - b) < 1e-6)
        }
      }
    }
    let (tails, tail) = (try weights(whole, "tail.weight"), try weights(part, "tail.weight"))
    #expect(zip(tails.prefix(width * 9), tail).allSatisfy { abs($0 - $1) < 1e-6 })
  }

  /// mmGAN takes and gives sources and target alike: as many channels are no reason to take them for one another.
  @Test func contrastsOfMmGANAreTakenByTheirNamesToo() throws {
    var experiment = tinyExperiment(method: MMGAN.name, network: "resunet", iterations: 2)
    let trained = try Run.train(experiment, on: Trained.cohort(), into: scratch("mmgan"))
    let start = try ModelStart(file: trained.folder.model)
    experiment.from = start.sha256
    (experiment.learningRate, experiment.iterations, experiment.validateEvery) = (1e-12, 1, 1)
    experiment.scenario = Scenario(sources: [.pd, .t1], target: .t2)
    let run = try train(experiment, from: start, to: "mmgan-t2")

    // (T1, T2) -> PD has T1, T2 and PD; this has PD, T1 and T2.
    let (whole, part) = (try trained.model(device: .cpu), try run.model(device: .cpu))
    let (heads, head) = (try weights(whole, "head.weight"), try weights(part, "head.weight"))
    let (tails, tail) = (try weights(whole, "tail.weight"), try weights(part, "tail.weight"))
    let width = experiment.network.width
    for (place, from) in [2, 0, 1].enumerated() {
      for channel in 0..<width {
        for tap in 0..<9 {
          #expect(abs(heads[(channel * 3 + from) * 9 + tap] - head[(channel * 3 + place) * 9 + tap]) < 1e-6)
          #expect(
            abs(tails[(from * width + channel) * 9 + tap] - tail[(place * width + channel) * 9 + tap]) < 1e-6)
        }
      }
    }
    experiment.scenario = Scenario(sources: [.t2, .flair], target: .t1)
    let unknown = try failure {
      try start.load(into: MethodCatalog.build(experiment, device: .cpu), of: experiment)
    }
    #expect(unknown.kind == .inconsistent && unknown.message.contains("knows no FLAIR, only T1, T2, PD"))
  }

  /// Three contrasts are as many channels as three slices of one.
  @Test func contrastsAreNoSlices() throws {
    var experiment = tinyExperiment(method: Unified.name, network: "resunet", iterations: 2)
    experiment.scenario = Scenario(completing: [.t1, .t2, .pd])
    let unified = try Run.train(experiment, on: Trained.cohort(), into: scratch("slices"))
    let start = try ModelStart(file: unified.folder.model)
    var slabs = tinyExperiment(method: Pix2Pix.name, network: "resunet", iterations: 1)
    slabs.network = experiment.network
    (slabs.scenario, slabs.region, slabs.from) = (
      Scenario(sources: [.t1], target: .t2), .slab(3), start.sha256
    )
    let misfit = try failure { _ = try train(slabs, from: start, to: "slabs") }
    #expect(misfit.kind == .inconsistent && misfit.message.contains("another number of slices"))
  }

  @Test func whatDoesNotFitIsOneLine() throws {
    let start = try start()
    var wide = still(start)
    wide.network.width = 8
    let misfit = try failure { _ = try train(wide, from: start, to: "wide") }
    #expect(misfit.kind == .inconsistent && misfit.message.contains("width 8 cannot start from"))
    var other = still(start)
    other.from = String(repeating: "0", count: 64)
    #expect(try failure { _ = try train(other, from: start, to: "other") }.kind == .inconsistent)
    #expect(try failure { _ = try train(other, from: nil, to: "none") }.kind == .usage)
    #expect(try failure { _ = try train(tinyExperiment(), from: start, to: "plain") }.kind == .usage)
    #expect(try failure { _ = try ModelStart(file: scratch("nothing.safetensors")) }.kind == .notFound)
  }
}

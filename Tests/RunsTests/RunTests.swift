import Cohorts
import Experiments
import Failures
import Files
import Foundation
import Imaging
import Inference
import Layers
import Methods
import Metrics
import Networks
import PipelineSupport
import Runs
import Testing
import Torch
import Training

@Suite struct RunTests {
  private let scratch: Scratch
  init() throws { scratch = try Scratch() }

  private func train(
    _ experiment: Experiment = tinyExperiment(iterations: 4), on cohort: PreparedCohort? = nil,
    _ change: (inout Run.Setting) -> Void = { _ in }
  ) throws -> Run {
    var setting = Run.Setting()
    change(&setting)
    return try Run.train(experiment, on: cohort ?? Trained.cohort(), into: scratch("run"), setting)
  }

  private func refused(
    _ experiment: Experiment = tinyExperiment(iterations: 4), on cohort: PreparedCohort? = nil,
    _ change: (inout Run.Setting) -> Void = { _ in }
  ) throws -> Failure {
    try failure { _ = try train(experiment, on: cohort, change) }
  }

  @Test func aRunHoldsWhatItShould() throws {
    let run = try train()
    let names = scratch.files(in: "run")
    #expect(
      names.filter { !$0.hasPrefix("events") } == [
        "checkpoints/last.safetensors", "experiment.json", "log.csv", "model.safetensors", "trained-on.json",
      ])
    #expect(names.contains { $0.hasPrefix("events.out.tfevents.") })
    #expect(run.experiment == tinyExperiment(iterations: 4))
    let log = try #require(contents(of: run.folder.log))
    let lines = String(decoding: log, as: UTF8.self).split(separator: "\n")
    #expect(lines[0] == "iteration,discriminator,l1,adversarial,validation_psnr")
    // Four steps, and validation after the third and the last.
    #expect(lines.dropFirst().map { $0.prefix { $0 != "," } } == ["1", "2", "3", "3", "4", "4"])
  }

  @Test func theModelSaysWhatItIs() throws {
    let model = try Trained.model()
    #expect(model.card.scenario == Scenario(sources: [.t1, .t2], target: .pd))
    #expect(model.card.extent == Extent(32, 32))
    #expect(model.card.spacing == [1, 1, 3])
    #expect(model.card.trainedOn.contains("3 subjects, 15 slices"))
    #expect(model.card.score?.name == "psnr" && model.card.scales.count == 3)
    #expect(model.sha256 == (try SHA256.ofFile(model.file).digest))
  }

  @Test func anExistingRunIsNotOverwritten() throws {
    let run = try train()
    let before = contents(of: run.folder.model)
    let failure = try refused()
    #expect(failure.kind == .cannotWrite)
    #expect(failure.message.contains("resumes") && failure.message.contains("overwrites"))
    #expect(contents(of: run.folder.model) == before)
  }

  @Test func forceLeavesNothingOfTheRunBefore() throws {
    let run = try train()
    try RunFolder.make(run.folder.evaluation("test"))
    let events = scratch.files(in: "run").filter { $0.hasPrefix("events") }
    // Version 0.1.0 left it.
    try scratch.write("x", to: "run/checkpoints/best.safetensors")
    try scratch.write("x", to: "run/checkpoints/.last.safetensors.77-1.partial")
    var other = tinyExperiment(iterations: 1)
    (other.validateEvery, other.seed) = (5, 9)
    _ = try train(other) { $0.overwrites = true }
    let names = scratch.files(in: "run")
    #expect(!FileManager.default.fileExists(atPath: run.folder.evaluation("test")))
    #expect(names.count { $0.hasPrefix("events") } == 1 && events.count == 1)
    #expect(!names.contains { $0.hasSuffix(".partial") || $0.hasSuffix("best.safetensors") })
  }

  @Test func anotherExperimentIsNotResumed() throws {
    _ = try train()
    var other = tinyExperiment(iterations: 4)
    (other.learningRate, other.pix2pix.weightL1) = (0.5, 7)
    let failure = try refused(other) { $0.resumes = true }
    #expect(failure.kind == .inconsistent)
    #expect(failure.message.contains("learningRate 0.5 instead of 0.0001"), "\(failure)")
    #expect(failure.message.contains("pix2pix.weightL1 7 instead of 100"), "\(failure)")
  }

  @Test func aRunIsNotResumedOnOtherImages() throws {
    _ = try train()
    let other = try Scratch()
    let failure = try refused(on: try makeCohort(other) { $0.sliceRule = .central(3) }) { $0.resumes = true }
    #expect(failure.kind == .inconsistent && failure.message.contains("another prepared cohort"))
    // The same store at another place is the same.
    try FileManager.default.copyItem(atPath: Trained.cohort().folder, toPath: scratch("moved"))
    _ = try train(on: PreparedCohort(folder: scratch("moved"))) { $0.resumes = true }
  }

  @Test func aRunMayBeMadeLonger() throws {
    // The last iteration is always validated; here the third is anyway.
    _ = try train(tinyExperiment(iterations: 3))
    _ = try train(tinyExperiment(iterations: 6)) { $0.resumes = true }
    let longer = contents(of: scratch("run/checkpoints/last.safetensors"))
    try FileManager.default.removeItem(atPath: scratch("run"))
    _ = try train(tinyExperiment(iterations: 6))
    #expect(contents(of: scratch("run/checkpoints/last.safetensors")) == longer)
  }

  /// What trains on translated images is chosen by how it does on translated ones, each slice always shifted alike.
  @Test func validationIsShiftedAsTrainingIs() throws {
    var experiment = tinyExperiment(iterations: 3)
    experiment.perturbation = Perturbation(of: .t2, radius: 4, seed: 7)
    let run = try train(experiment)
    let model = try run.model(device: .cpu)
    func psnr(_ shift: Perturbation?) throws -> Double {
      var evaluator = try Evaluator(Trained.cohort(), scenario: experiment.scenario)
      evaluator.perturbation = shift
      let scores = try evaluator.scores(
        named: "n", in: .validation, by: model.predictor.callAsFunction(_:passed:))
      return try #require(scores.overSlices(.psnr).mean)
    }
    let chosen = try #require(model.card.score?.value)
    #expect(abs(try psnr(experiment.perturbation) - chosen) < 1e-4)
    #expect(abs(try psnr(nil) - chosen) > 1e-3)
    #expect(abs(try psnr(Perturbation(of: .t2, radius: 4, seed: 8)) - chosen) > 1e-4)
    // The same validation images at every look and in every run.
    let log = contents(of: run.folder.log)
    _ = try train(experiment) { $0.overwrites = true }
    #expect(contents(of: run.folder.log) == log)
  }

  /// Weights may be finite and what they compute not: no such model passes for the best.
  @Test func whatGivesNoNumbersIsNoModel() throws {
    var experiment = tinyExperiment(iterations: 1)
    (experiment.learningRate, experiment.validateEvery) = (1e30, 1)
    experiment.pix2pix.weightAdversarial = 0
    let failure = try refused(experiment)
    #expect(failure.kind == .numerical && failure.message.contains("sub-04 slice 1"), "\(failure)")
    #expect(!FileManager.default.fileExists(atPath: RunFolder(scratch("run")).model))
  }

  @Test func aFolderInUseIsLeftAlone() throws {
    try RunFolder.make(scratch("run"))
    let lock = try FolderLock(scratch("run"))
    let failure = try refused()
    #expect(failure.kind == .cannotWrite && failure.message.contains("in use"))
    withExtendedLifetime(lock) {}
    #expect(scratch.files(in: "run").isEmpty)
  }

  @Test func aModalityTheCohortLacksLeavesNoFolder() throws {
    var experiment = tinyExperiment()
    experiment.scenario.target = .contrast(.flair)
    #expect(try refused(experiment).kind == .inconsistent)
    #expect(!FileManager.default.fileExists(atPath: scratch("run")))
  }

  @Test func slicesTooSmallForTheDiscriminatorAreRefused() throws {
    let other = try Scratch()
    let small = try makeCohort(other) { $0.size = Extent(31, 32) }
    var isola = tinyExperiment(iterations: 1)
    isola.pix2pix.discriminator = .isola
    _ = try train(isola, on: small)
    let failure = try refused(tinyExperiment(iterations: 1), on: small)
    #expect(failure.kind == .inconsistent && failure.message.contains("32 x 32"))
  }

  /// What the limits above leave really trains.
  @Test(arguments: [(32, "codebrain"), (24, "isola"), (8, "none")])
  func theSmallestSlicesTrain(size: Int, discriminator: String) throws {
    let other = try Scratch()
    let small = try makeCohort(other) { $0.size = Extent(size, size) }
    var experiment = tinyExperiment(iterations: 1)
    if discriminator == "isola" { experiment.pix2pix.discriminator = .isola }
    if discriminator == "none" { experiment.pix2pix.weightAdversarial = 0 }
    let run = try train(experiment, on: small)
    // Every loss is a number, and every parameter of the generator that has one has moved.
    let log = String(decoding: try #require(contents(of: run.folder.log)), as: UTF8.self)
    let losses = log.split(separator: "\n")[1].split(separator: ",", omittingEmptySubsequences: false)
    #expect(losses.dropFirst().dropLast().allSatisfy { Double($0)?.isFinite == true }, "\(log)")
    let start = try MethodCatalog.build(experiment, device: .cpu).generator.parameters
    let trained = try run.model(device: .cpu).method.generator.parameters
    let still = zip(start.entries, trained.entries).filter { before, after in
      let values: [Float] = before.tensor.values()
      return values == after.tensor.values()
    }.map { $0.0.name }
    #expect(still.count < start.entries.count / 2, "\(still)")
  }
}

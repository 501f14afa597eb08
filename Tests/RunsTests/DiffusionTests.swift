import Experiments
import Failures
import Foundation
import Imaging
import Layers
import Methods
import Metrics
import Networks
import PipelineSupport
import Runs
import Testing
import Torch
import Training

/// Diffusion models from training to a patient's volume.
@Suite(.serialized) struct DiffusionTests {
  private let scratch: Scratch
  init() throws { scratch = try Scratch() }

  private func experiment(_ network: String = "published") -> Experiment {
    var experiment = tinyExperiment(iterations: 3)
    (experiment.method, experiment.network, experiment.blocks) = ("ddpm", network, 1)
    (experiment.ddpm.steps, experiment.ddpm.validationSteps) = (12, 2)
    (experiment.ddpm.unet.multipliers, experiment.ddpm.unet.attention) = ([1, 2], [2])
    return experiment
  }

  @Test func fromTrainingToAVolume() throws {
    let run = try Run.train(experiment(), on: Trained.cohort(), into: scratch("run"))
    #expect(run.title == "DDPM")
    let log = String(decoding: contents(of: run.folder.log) ?? Data(), as: UTF8.self)
    #expect(log.hasPrefix("iteration,mse,validation_psnr\n"))
    let model = try run.model(device: .cpu)
    let method = model.method
    #expect(method.sampling?.passes == 12)

    var change = SamplingChange()
    (change.steps, change.sampler) = (3, .ddim)
    try method.change(change)
    #expect(method.sampling?.passes == 3)
    var passes: [Int] = []
    let sidecar = try PatientSynthesis(model: model, output: scratch("pd.nii.gz")).run([
      (.t1, Trained.path(5, .t1)), (.t2, Trained.path(5, .t2)),
    ]) { done, total in
      passes.append(done)
      #expect(total == 15)
    }
    #expect(passes == [2, 4, 6, 8, 10, 12, 13, 14, 15])
    #expect(sidecar.notes.contains("drawn by DDIM, 3 of 12 steps, 1 sample, seed 1"))

    // The same options in evaluation, which says so in its table.
    var options = Assessment.Options()
    options.sampling = change
    let assessment = try Assessment(of: [run], on: Trained.cohort(), options, device: .cpu)
    #expect(assessment.models[0].name == "DDPM [DDIM, 3 of 12 steps, 1 sample, seed 1]")
  }

  @Test func aBackboneTakesThePlaceOfTheUnet() throws {
    let run = try Run.train(experiment("agi-net"), on: Trained.cohort(), into: scratch("run"))
    #expect(run.title == "AGI-Net (DDPM)")
    let store = try run.model(device: .cpu).method.generator.parameters
    #expect(store["down1.block1.time.weight"]?.shape == [4, 256])
    #expect(
      store["down1.block1.first.routing.offset.weight"] != nil && store["head.weight"]?.shape == [4, 3, 3, 3])
  }

  @Test func samplingThatCannotBeIsRefused() throws {
    var change = SamplingChange()
    change.steps = 5
    let onePass = try failure { try Trained.model().method.change(change) }
    #expect(onePass.kind == .usage && onePass.message.contains("one pass"))
    let method = try MethodCatalog.build(experiment(), device: .cpu)
    try method.change(change)
    change.steps = 13
    #expect(try failure { try method.change(change) }.message.contains("the process has 12"))
    (change.steps, change.samples) = (2, 0)
    #expect(try failure { try method.change(change) }.kind == .usage)
  }

  @Test func slicesTooSmallForTheLevelsAreRefused() throws {
    var deep = experiment()
    deep.ddpm.unet.multipliers = [1, 1, 1, 1, 1, 1, 2]
    let failure = try failure { _ = try Run.train(deep, on: Trained.cohort(), into: scratch("run")) }
    #expect(failure.kind == .inconsistent)
    #expect(failure.message.contains("64 x 64") && failure.message.contains("ddpm.unet.multipliers"))
    #expect(!FileManager.default.fileExists(atPath: scratch("run")))
  }

  @Test(arguments: [
    ("ddpm.betas=quadratic", "linear, cosine"), ("ddpm.variance=huge", "large, small"),
    ("iddpm.sampling.sampler=euler", "ancestral, ddim"), ("iddpm.unet.injection=x", "add, scaleShift"),
    ("ddpm.unet.attention=[3]", "ddpm.unet.attention"), ("iddpm.sampling.steps=2000", "iddpm.sampling.steps"),
  ])
  func settingsThatMakeNoSenseAreNamed(_ setting: String, _ says: String) throws {
    let failure = try failure { _ = try Experiment(settings: [setting]) }
    #expect(failure.kind == .usage && failure.message.contains(says), "\(failure)")
  }

  @Test func thePublishedNetworkIsTheDefault() throws {
    #expect(try Experiment(settings: ["method=ddpm"]).network == "published")
    #expect(try Experiment(settings: ["method=iddpm"]).title == "IDDPM")
    #expect(try Experiment(settings: ["method=iddpm", "network=resunet"]).title == "ResUnet (IDDPM)")
  }
}

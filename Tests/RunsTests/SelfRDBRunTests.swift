import Experiments
import Failures
import Foundation
import Imaging
import Layers
import Methods
import Networks
import PipelineSupport
import Runs
import Testing
import Torch
import Training

/// SelfRDB from training to a patient's volume.
@Suite(.serialized) struct SelfRDBRunTests {
  private let scratch: Scratch
  init() throws { scratch = try Scratch() }

  private func experiment(_ network: String = "published") -> Experiment {
    var experiment = tinyExperiment(iterations: 3)
    (experiment.method, experiment.network.name, experiment.network.blocks) = ("selfrdb", network, 1)
    experiment.selfrdb.steps = 3
    experiment.selfrdb.generator.multipliers = [1, 2]
    experiment.selfrdb.generator.attention = [2]
    (experiment.selfrdb.discriminator.width, experiment.selfrdb.discriminator.multipliers) = (4, [2, 2])
    return experiment
  }

  @Test func fromTrainingToAVolume() throws {
    let run = try Run.train(experiment(), on: Trained.cohort(), into: scratch("run"))
    #expect(run.title == "SelfRDB")
    let log = String(decoding: contents(of: run.folder.log) ?? Data(), as: UTF8.self)
    #expect(log.hasPrefix("iteration,discriminator,l1,adversarial,validation_psnr\n"))
    let model = try run.model(device: .cpu)
    var passes: [Int] = []
    let sidecar = try PatientSynthesis(model: model, output: scratch("pd.nii.gz")).run([
      (.t1, Trained.path(5, .t1)), (.t2, Trained.path(5, .t2)),
    ]) { done, total in
      passes.append(done)
      #expect(total == 5 * 6)
    }
    #expect(passes == [4, 8, 12, 16, 20, 24, 26, 28, 30])
    #expect(sidecar.notes.contains("drawn by a bridge of 3 steps, 1 sample, seed 1"))
  }

  @Test func aBackboneTakesThePlaceOfTheGenerator() throws {
    let run = try Run.train(experiment("agi-net"), on: Trained.cohort(), into: scratch("run"))
    #expect(run.title == "AGI-Net (SelfRDB)")
    let store = try run.model(device: .cpu).method.generator.parameters
    #expect(store["down1.block1.time.weight"]?.shape == [4, 256])
    #expect(store["head.weight"]?.shape == [4, 4, 3, 3])
  }

  @Test func slicesThatCannotBeHalvedAreRefusedUnlessPadded() throws {
    var bare = experiment()
    bare.selfrdb.discriminator.multipliers = [2, 2, 2, 2, 2, 2]
    bare.selfrdb.padding = false
    let failure = try failure { _ = try Run.train(bare, on: Trained.cohort(), into: scratch("run")) }
    #expect(failure.kind == .inconsistent)
    #expect(failure.message.contains("multiples of 64") && failure.message.contains("selfrdb.padding"))
    #expect(!FileManager.default.fileExists(atPath: scratch("run")))
  }

  @Test func theOriginIsTheMeanOrASource() throws {
    #expect(try Experiment(settings: ["method=selfrdb", "selfrdb.origin=t2"]).network.name == "published")
    let failure = try failure {
      _ = try Experiment(settings: ["method=selfrdb", "selfrdb.origin=flair"])
    }
    #expect(failure.kind == .usage)
    #expect(failure.message == "selfrdb.origin is 'flair'; the bridge can begin at mean, t1, t2")
    // Other methods have no bridge.
    #expect(try Experiment(settings: ["selfrdb.origin=flair"]).method == "pix2pix")
  }

  @Test(arguments: [
    ("selfrdb.steps=1", "selfrdb.steps is 1"), ("selfrdb.generator.attention=[3]", "generator.attention is"),
    ("selfrdb.discriminator.width=0", "discriminator.width is 0"), ("selfrdb.gamma=-1", "gamma is -1"),
    ("selfrdb.padding=3", "padding"),
  ])
  func settingsThatMakeNoSenseAreNamed(_ setting: String, _ says: String) throws {
    let failure = try failure { _ = try Experiment(settings: [setting]) }
    #expect(failure.kind == .usage && failure.message.contains(says), "\(failure)")
  }
}

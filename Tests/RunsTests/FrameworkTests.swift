import Cohorts
import Experiments
import Failures
import Files
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

/// What the compared frameworks say and refuse before they train.
@Suite struct FrameworkTests {
  private let scratch: Scratch
  init() throws { scratch = try Scratch() }

  private func tiny(_ method: String, _ change: (inout Experiment) -> Void = { _ in }) -> Experiment {
    var experiment = tinyExperiment(method: method, network: "published", iterations: 1)
    change(&experiment)
    return experiment
  }

  private func refused(_ experiment: Experiment, on cohort: PreparedCohort? = nil) throws -> Failure {
    let failure = try failure {
      _ = try Run.train(experiment, on: cohort ?? Trained.cohort(), into: scratch("run"))
    }
    #expect(!FileManager.default.fileExists(atPath: scratch("run")), "a refused run leaves a folder")
    return failure
  }

  @Test func theMethodsOwnGeneratorIsTheDefault() throws {
    #expect(Experiment().network.name == "agi-net")
    for method in ["pgan", "mmgan", "medsynth"] {
      #expect(try Experiment(settings: ["method=\(method)"]).network.name == "published")
    }
    #expect(try Experiment(settings: ["method=pgan", "network=resunet"]).network.name == "resunet")
  }

  @Test(arguments: [
    ("pix2pix", "published", "pix2pix"), ("pgan", "published", "pGAN without VGG"),
    ("pgan", "agi-net", "AGI-Net (pGAN without VGG)"), ("mmgan", "published", "mmGAN"),
    ("medsynth", "resunet", "ResUnet (MedSynth)"),
  ])
  func titles(method: String, network: String, title: String) {
    #expect(tinyExperiment(method: method, network: network).title == title)
  }

  @Test(arguments: [
    ("mmgan.levels=1", "levels"), ("pix2pix.levels=11", "from 2 to 10"),
    ("mmgan.weightL1=-1", "mmgan.weightL1"),
    ("pgan.weightPerceptual=-1", "pgan.weightPerceptual"), ("pgan.discriminatorWidth=0", "1024"),
    ("medsynth.weightGradient=-0.1", "medsynth.weightGradient"),
    ("medsynth.discriminatorRate=0", "above 0"), ("medsynth.longSkip=ct", "nearest, t1"),
    ("mmgan.padding=3", "mmgan.padding"), ("pgan.vgg=3", "vgg must be text"),
  ])
  func optionsThatMakeNoSenseAreNamed(setting: String, says: String) throws {
    let failure = try failure { _ = try Experiment(settings: [setting]) }
    #expect(failure.kind == .usage && failure.message.contains(says), "\(failure)")
  }

  @Test func theLongSkipIsOneOfTheSources() throws {
    let failure = try failure {
      _ = try Experiment(settings: ["method=medsynth", "medsynth.longSkip=flair"])
    }
    #expect(failure.kind == .usage)
    #expect(failure.message.contains("medsynth.longSkip is flair; it must be nearest or one of t1, t2"))
    // A backbone has none.
    _ = try Experiment(settings: ["method=medsynth", "network=resunet", "medsynth.longSkip=flair"])
  }

  /// T2 for PD, T1 for T1Gd, else the first: seen where the network adds nothing of its own.
  @Test(arguments: [
    (Scenario(sources: [.t1, .t2], target: .pd), MedSynth.LongSkip.nearest, 1),
    (Scenario(sources: [.t2, .flair, .t1], target: .t1gd), .nearest, 2),
    (Scenario(sources: [.flair, .t1], target: .t2), .nearest, 0),
    (Scenario(sources: [.t1, .pd], target: .t2), .source(.pd), 1),
    (Scenario(sources: [.t1], target: .pd), .nearest, 0),
  ])
  func theNearestSourceIsSkipped(scenario: Scenario, longSkip: MedSynth.LongSkip, source: Int) throws {
    let experiment = tiny("medsynth") {
      $0.scenario = scenario
      $0.medsynth.longSkip = longSkip
    }
    let method = try MethodCatalog.build(experiment, device: .cpu)
    let store = method.generator.parameters
    store["tail.weight"]?.fill(0)
    let sources = Tensor.uniform([1, scenario.sources.count, 32, 32], seed: 1)
    let image = store.evaluating { method.synthesize(sources) }
    #expect(image.values(Float.self) == sources.narrowed(1, from: source, length: 1).values(Float.self))
  }

  @Test func slicesThatDoNotHalveAreRefused() throws {
    let published = tiny("mmgan") { $0.mmgan.levels = 8 }
    let failure = try refused(published)
    #expect(failure.kind == .inconsistent)
    #expect(
      failure.message
        == "the cohort's slices are 32 x 32; mmgan with 8 levels needs multiples of 256: "
        + "mmgan.padding true to put zeros around them, or mmgan.levels 5", "\(failure)")
    let other = try Scratch()
    let odd = try makeCohort(other) { $0.size = Extent(33, 40) }
    #expect(try refused(tiny("pix2pix"), on: odd).message.hasSuffix("to put zeros around them"))
    // The backbone takes any size, and padding is consent.
    _ = try Run.train(
      tiny("pix2pix") { $0.network.name = "resunet" }, on: odd, into: other("backbone"))
    _ = try Run.train(tiny("pix2pix") { $0.pix2pix.padding = true }, on: odd, into: other("padded"))
    _ = try Run.train(tiny("mmgan") { $0.mmgan.padding = true }, on: odd, into: other("mmgan"))
  }

  @Test func slicesBelowAPatchAreRefused() throws {
    let failure = try refused(tiny("medsynth"))
    #expect(failure.kind == .inconsistent && failure.message.contains("discriminator needs 64 x 64 or more"))
    let experiment = tiny("medsynth") { $0.medsynth.weightAdversarial = 0 }
    _ = try Run.train(experiment, on: Trained.cohort(), into: scratch("run"))
  }

  /// Each discriminator's least size: one pixel less in either direction is refused, with what would help.
  @Test(arguments: [
    ("pix2pix.discriminator=codebrain", 32), ("pix2pix.discriminator=isola", 24),
    ("pgan.discriminator=codebrain", 32),
    ("pgan.discriminator=isola", 24), ("mmgan.padding=true", 32), ("medsynth.weightL1=1", 64),
  ])
  func slicesBelowWhatADiscriminatorJudgesAreRefused(setting: String, least: Int) throws {
    let method = String(setting.prefix { $0 != "." })
    for network in ["resunet", "published"] {
      var settings = ["method=\(method)", "network=\(network)", setting]
      if method == "pix2pix" { settings.append("pix2pix.padding=true") }
      let experiment = try Experiment(settings: settings)
      try MethodCatalog.check(experiment, onSlices: Extent(least, least))
      for (height, width) in [(least - 1, least), (least, least - 1), (least - 1, 256)] {
        let failure = try failure { try MethodCatalog.check(experiment, onSlices: Extent(height, width)) }
        #expect(failure.kind == .inconsistent)
        // MedSynth's can judge less, as long as its convolutions leave something.
        let part = method == "medsynth" ? "have it judge a smaller part (medsynth.judged \(least - 1)), " : ""
        #expect(
          failure.message == "the cohort's slices are \(height) x \(width); \(method)'s discriminator needs "
            + "\(least) x \(least) or more, prepare with a larger size, \(part)or train without it: "
            + "\(method).weightAdversarial 0")
      }
      let alone = try Experiment(settings: settings + ["\(method).weightAdversarial=0"])
      try MethodCatalog.check(alone, onSlices: Extent(least - 1, least))
    }
  }

  /// SelfRDB's discriminator halves: it takes multiples, and smaller slices with a frame around them.
  @Test func selfRDBTakesMultiples() throws {
    let padded = try Experiment(settings: ["method=selfrdb"])
    try MethodCatalog.check(padded, onSlices: Extent(20, 24))
    let bare = try Experiment(settings: ["method=selfrdb", "selfrdb.padding=false"])
    try MethodCatalog.check(bare, onSlices: Extent(64, 128))
    let failure = try failure { try MethodCatalog.check(bare, onSlices: Extent(63, 64)) }
    #expect(failure.kind == .inconsistent && failure.message.contains("selfrdb needs multiples of 64"))
  }

  // MARK: - VGG16

  private func writeVGG(_ name: String, _ change: (inout [Safetensors.Tensor]) -> Void = { _ in }) throws
    -> String
  {
    let store = Parameters()
    _ = VGG16(store.root)
    var tensors = store.entries.map { Safetensors.Tensor($0.name, $0.tensor) }
    // A whole VGG16 holds more than is used.
    tensors.append(Safetensors.Tensor("features.10.bias", .zeros([256])))
    change(&tensors)
    try Safetensors.write(tensors, metadata: [:], to: scratch(name))
    return scratch(name)
  }

  @Test func aFileThatIsNotVGGIsRefusedBeforeTraining() throws {
    let missing = try refused(tiny("pgan") { $0.pgan.vgg = scratch("none.safetensors") })
    #expect(missing.kind == .notFound && missing.message.contains("none.safetensors"))
    let incomplete = try writeVGG("a.safetensors") { $0.removeAll { $0.name.hasPrefix("features.5") } }
    let one = try refused(tiny("pgan") { $0.pgan.vgg = incomplete })
    #expect(one.kind == .invalidModel)
    #expect(one.message.contains("features.5.weight is missing and 1 more"), "\(one)")
    let misshapen = try writeVGG("b.safetensors") { tensors in
      tensors.removeAll { $0.name == "features.2.bias" }
      tensors.append(Safetensors.Tensor("features.2.bias", .zeros([32])))
    }
    let two = try refused(tiny("pgan") { $0.pgan.vgg = misshapen })
    #expect(two.kind == .invalidModel)
    #expect(two.message.contains("features.2.bias is [32] instead of [64]"), "\(two)")
    let pickle = try scratch.write("PK\u{3}\u{4} not tensors", to: "vgg16.pth")
    #expect(try refused(tiny("pgan") { $0.pgan.vgg = pickle }).kind == .invalidModel)
  }

  @Test func aModelTrainedWithVGGDoesWithout() throws {
    let path = try writeVGG("vgg16.safetensors")
    let experiment = tiny("pgan") { $0.pgan.vgg = path }
    #expect(experiment.title == "pGAN")
    let run = try Run.train(experiment, on: Trained.cohort(), into: scratch("run"))
    let log = String(decoding: contents(of: run.folder.log) ?? Data(), as: UTF8.self)
    #expect(log.hasPrefix("iteration,discriminator,l1,perceptual,adversarial,validation_psnr"))
    try FileManager.default.removeItem(atPath: path)
    let model = try Run(opening: run.folder.path).model(device: .cpu)
    #expect(withoutGradient { model.method.synthesize(.uniform([1, 2, 32, 32], seed: 1)) }.isFinite)
  }
}

import Cohorts
import Experiments
import Failures
import Imaging
import Methods
import Networks
import PipelineSupport
import Testing

@Suite struct ExperimentTests {
  private let scratch: Scratch
  init() throws { scratch = try Scratch() }

  private func refused(_ settings: String..., json: String? = nil) throws -> Failure {
    let file = try json.map { try scratch.write($0, to: "experiment.json") }
    return try failure { _ = try Experiment(file: file, settings: settings) }
  }

  @Test func theDefaultsAreThePapers() throws {
    let experiment = Experiment()
    #expect(experiment.scenario == Scenario(sources: [.t1, .t2], target: .pd))
    #expect((experiment.network.width, experiment.network.groups, experiment.batchSize) == (64, 8, 16))
    #expect((experiment.iterations, experiment.learningRate) == (120_000, 1e-4))
    #expect((experiment.pix2pix.weightL1, experiment.pix2pix.discriminatorWidth) == (100, 64))
  }

  @Test func aFileSaysOnlyWhatDiffers() throws {
    let file = try scratch.write(
      #"{"width": 16, "pix2pix": {"weightL1": 10}, "scenario": {"target": "flair"}}"#, to: "e.json")
    let experiment = try Experiment(file: file)
    var expected = Experiment()
    (expected.network.width, expected.pix2pix.weightL1, expected.scenario.target) = (
      16, 10, .contrast(.flair)
    )
    #expect(experiment == expected)
  }

  /// Width and rate are the framework's own where neither a file nor a setting names them.
  @Test func aFrameworkHasItsOwnDefaults() throws {
    func numbers(_ settings: String...) throws -> [Double] {
      let experiment = try Experiment(settings: settings)
      return [Double(experiment.network.width), experiment.learningRate]
    }
    #expect(try numbers("method=pix2pix") == [64, 1e-4])
    #expect(try numbers("method=segmentation") == [32, 1e-3])
    #expect(try numbers("method=segmentation", "width=64", "learningRate=1e-4") == [64, 1e-4])
    let file = try scratch.write(
      #"{"method": "segmentation", "network": {"width": 64}, "learningRate": 0.0001}"#, to: "e.json")
    let named = try Experiment(file: file)
    #expect(named.network.width == 64 && named.learningRate == 1e-4)
    // What a run was trained with stays, whatever is set beside it.
    let resumed = try Experiment(settings: ["iterations=9"], over: named)
    #expect(resumed.network.width == 64 && resumed.learningRate == 1e-4)
  }

  @Test func aNetworkIsANameOrAnObject() throws {
    for json in [
      #"{"network": {"name": "arc-resunet", "width": 16, "kernels": 2}}"#,
      #"{"network": "arc-resunet", "width": 16, "arcKernels": 2}"#,
    ] {
      let experiment = try Experiment(file: scratch.write(json, to: "e.json"))
      var expected = Experiment()
      (expected.network.name, expected.network.width, expected.network.kernels) = ("arc-resunet", 16, 2)
      #expect(experiment == expected)
    }
    #expect(try Experiment(settings: ["network.width=8"]) == Experiment(settings: ["width=8"]))
  }

  @Test func settingsGoBeforeTheFile() throws {
    let file = try scratch.write(#"{"width": 16, "seed": 3}"#, to: "e.json")
    let experiment = try Experiment(
      file: file,
      settings: [
        "width=32", "pix2pix.discriminator=isola", "scenario.sources=[\"t2\"]", "stages=[\"body\"]",
        "learningRate=1e-3", "width=8",
      ])
    #expect(experiment.network.width == 8 && experiment.seed == 3)
    #expect(experiment.pix2pix.discriminator == .isola)
    #expect(experiment.scenario.sources == [.t2] && experiment.network.stages == [.body])
    #expect(experiment.learningRate == 1e-3)
  }

  @Test func theJSONReadsBack() throws {
    let experiment = tinyExperiment()
    #expect(try Experiment(json: experiment.json, origin: "test") == experiment)
    let file = try scratch.write(experiment.json, to: "e.json")
    #expect(try Experiment(file: file) == experiment)
  }

  @Test func aShiftIsOfASource() throws {
    let shifted = try Experiment(settings: ["perturbation.radius=3", "perturbation.modality=t1"])
    #expect(shifted.perturbation.radius == 3 && shifted.perturbation.modality == .t1)
    #expect(try refused("perturbation.radius=3", "perturbation.modality=pd").message.contains("pd is none"))
    #expect(try refused("perturbation.modality=ct").message.contains("flair"))
    // Without a shift its modality does not matter.
    #expect(try Experiment(settings: ["scenario.sources=[\"t1\"]"]).perturbation.radius == 0)
  }

  /// What a later version added is at its default in a file of an earlier one; what all versions wrote must be there.
  @Test func filesOfEarlierVersionsRead() throws {
    let full = try tinyExperiment().json
    var lines = full.split(separator: "\n").map(String.init)
    let start = try #require(lines.firstIndex { $0.contains("\"perturbation\"") })
    lines.removeSubrange(start...start + 4)
    #expect(try Experiment(json: lines.joined(separator: "\n"), origin: "old") == tinyExperiment())
    for json in ["{}", "[]", "x", full.replacing("\"method\"", with: "\"methods\"")] {
      let failure = try failure { _ = try Experiment(json: json, origin: "file") }
      #expect(failure.kind == .invalidModel && failure.message.hasPrefix("file: "), "\(failure)")
    }
  }

  @Test func anUnknownKeyListsTheKnown() throws {
    let failure = try refused("widht=8")
    #expect(failure.kind == .usage)
    #expect(
      failure.message.contains("widht") && failure.message.contains("validateEvery, validationSlices, width"))
    let nested = try refused(json: #"{"pix2pix": {"weight": 1}}"#)
    #expect(nested.kind == .usage && nested.message.contains("experiment.json"))
    #expect(nested.message.contains("pix2pix.weight;") && nested.message.contains("pix2pix.weightL1"))
  }

  @Test(arguments: [
    ("width=abc", "width must be a whole number"), ("width=3.5", "width"), ("seed=-1", "seed"),
    ("width=true", "width"), ("method=5", "method must be text"), ("pix2pix=3", "pix2pix must be an object"),
    ("pix2pix.discriminator=foo", "isola, codebrain"), ("stages=[1]", "stages"),
    ("stages=[\"top\"]", "down1"),
    ("stages=body", "stages must be a list"), ("scenario.target=ct", "t1gd"),
    ("scenario.sources=null", "sources"),
    ("learningRate=NaN", "learningRate must be a number"), ("width=", "width"),
  ])
  func aValueOfTheWrongKindIsNamed(setting: String, says: String) throws {
    let failure = try refused(setting)
    #expect(failure.kind == .usage)
    #expect(
      failure.message.hasPrefix("settings \(setting): ") && failure.message.contains(says), "\(failure)")
    #expect(!failure.message.contains("Dictionary") && !failure.message.contains("Int"), "\(failure)")
  }

  @Test(arguments: [
    ("width=0", "width"), ("width=100000", "1024"), ("batchSize=9223372036854775807", "65536"),
    ("iterations=0", "iterations"),
    ("batchSize=-2", "batchSize"),
    ("learningRate=0", "learningRate"), ("learningRate=-1", "learningRate"), ("width=12", "8 groups"),
    ("network=unet", "resunet, agi-net"), ("method=gan", "pix2pix"), ("scenario.target=t1", "(T1, T2) -> T1"),
    ("scenario.sources=[]", "PD"), ("scenario.sources=[\"t1\",\"t1\"]", "T1"),
    ("pix2pix.discriminatorWidth=0", "discriminatorWidth"), ("pix2pix.weightL1=-1", "weightL1"),
    ("perturbation.radius=-1", "perturbation.radius"), ("perturbation.radius=1e999", "perturbation.radius"),
    ("stages=[\"body\",\"body\"]", "twice"), ("checkpointEvery=0", "checkpointEvery"),
    ("arcKernels=0", "network.kernels"),
  ])
  func aValueThatMakesNoSenseIsNamed(setting: String, says: String) throws {
    let failure = try refused(setting)
    #expect(failure.kind == .usage && failure.message.contains(says), "\(failure)")
  }

  @Test(arguments: ["width", "=5", "=", ""])
  func whatIsNoSettingIsRefused(setting: String) throws {
    #expect(try refused(setting).kind == .usage)
  }

  @Test func badJSONIsLocated() throws {
    let failure = try refused(json: "{\n  \"width\": 16,\n  \"seed\" 3\n}")
    #expect(failure.kind == .malformed && failure.message.contains("experiment.json:3:"), "\(failure)")
    #expect(try refused(json: "[1]").kind == .malformed)
    #expect(try refused(json: #"{"width": "wide"}"#).kind == .malformed)
    #expect(try refused(json: #"{"width": 16, "width": 32}"#).kind == .malformed)
  }

  @Test func aFileThatIsNotThere() throws {
    let failure = try failure { _ = try Experiment(file: scratch("none.json")) }
    #expect(failure.kind == .notFound && failure.message.contains("none.json"))
    #expect(try PipelineSupport.failure { _ = try Experiment(file: scratch.path) }.kind == .notFound)
  }
}

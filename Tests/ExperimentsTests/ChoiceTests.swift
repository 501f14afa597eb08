import Experiments
import Failures
import Files
import Imaging
import Methods
import PipelineSupport
import Testing

/// Every setting of an experiment that is one of a few names knows them, wherever it stands. The settings are found by walking
/// through an experiment: one that was forgotten is found too.
@Suite struct ChoiceTests {
  private let scratch: Scratch
  init() throws { scratch = try Scratch() }

  struct Setting: Sendable, CustomTestStringConvertible {
    let path: String
    /// None where the type does not know them.
    let names: [String]
    let isList: Bool
    var testDescription: String { path }

    /// As it is typed.
    func set(_ name: String) -> String { isList ? "\(path)=[\"\(name)\"]" : "\(path)=\(name)" }
  }

  /// All enumerations of an experiment, and the places of all texts.
  private static func walk(_ value: Any, _ path: String) -> (choices: [Setting], texts: [String]) {
    let mirror = Mirror(reflecting: value)
    func names(_ value: Any) -> [String] { (value as? any Choice).map { type(of: $0).names } ?? [] }
    if value is String || value is Region { return ([], [path]) }
    switch mirror.displayStyle {
    case .enum: return ([Setting(path: path, names: names(value), isList: false)], [])
    case .collection:
      guard let first = mirror.children.first?.value else { return ([], []) }
      let isChoice = Mirror(reflecting: first).displayStyle == .enum
      return isChoice ? ([Setting(path: path, names: names(first), isList: true)], []) : walk(first, path)
    // Keys are names too, but which there are the defaults say.
    case .dictionary: return ([], [])
    case .optional: return mirror.children.first.map { walk($0.value, path) } ?? ([], [])
    default:
      return mirror.children.reduce(into: ([], [])) { found, child in
        let inner = walk(child.value, path.isEmpty ? child.label ?? "" : "\(path).\(child.label ?? "")")
        found.0 += inner.choices
        found.1 += inner.texts
      }
    }
  }

  /// Of all that can be set: the common settings, and each framework's under its name.
  private static let found = frameworks.reduce(walk(CommonSettings(), "")) { found, framework in
    let inner = walk(options(of: framework), framework.name)
    return (found.choices + inner.choices, found.texts + inner.texts)
  }

  private static func options<F: Framework>(of framework: F.Type) -> Any { F.Options() }

  static let settings = found.choices

  @Test func allAreFound() {
    let paths = Set(Self.settings.map(\.path))
    for path in [
      "schedule", "network.stages", "scenario.sources", "scenario.target", "perturbation.modality",
      "pix2pix.discriminator", "pgan.discriminator", "medsynth.longSkip", "ddpm.target", "ddpm.betas",
      "ddpm.variance", "ddpm.unet.injection", "ddpm.sampling.sampler", "iddpm.target", "iddpm.betas",
    ] {
      #expect(paths.contains(path), "\(path)")
    }
    // Any other text has a catalogue or a file behind it.
    #expect(
      Set(Self.found.texts) == [
        "method", "network.name", "region", "from", "pgan.vgg", "selfrdb.origin", "segmentation.regions.name",
      ])
  }

  @Test(arguments: settings) func aWrongNameIsAnsweredWithItsOwn(_ setting: Setting) throws {
    #expect(setting.names.count > 1, "\(setting.path) is no Choice")
    let failure = try failure { _ = try Experiment(settings: [setting.set("qqqqqqqq")]) }
    let place = setting.isList ? "\(setting.path).element 1" : setting.path
    #expect(failure.kind == .usage)
    #expect(
      failure.message
        == "settings \(setting.set("qqqqqqqq")): \(place): qqqqqqqq is not known; known are "
        + setting.names.joined(separator: ", "))
  }

  @Test(arguments: settings) func itsNamesAreTaken(_ setting: Setting) throws {
    for name in setting.names {
      // What is known may still not fit the rest.
      do { _ = try Experiment(settings: [setting.set(name)]) } catch let failure as Failure {
        #expect(!failure.message.contains("not known"), "\(failure)")
      }
    }
  }

  @Test(arguments: settings) func aSlipIsAnsweredWithWhatWasMeant(_ setting: Setting) throws {
    guard let name = setting.names.first(where: { $0.count > 4 }) else { return }
    let slip = String(name.dropLast())
    try #require(!setting.names.contains(slip))
    let failure = try failure { _ = try Experiment(settings: [setting.set(slip)]) }
    #expect(failure.message.hasSuffix("; did you mean \(name)?"), "\(failure)")
  }

  @Test(arguments: [
    ("widht=8", "unknown key widht; did you mean width? (known are "),
    ("Width=8", "did you mean width?"), ("pix2pix.weightl1=3", "did you mean pix2pix.weightL1?"),
    ("weightGradient=3", "did you mean medsynth.weightGradient or unified.weightGradient?"),
    ("eta=1", "did you mean ddpm.sampling.eta or iddpm.sampling.eta?"),
    ("method=pix2pics", "method pix2pics is not known; known are pix2pix, "),
    ("network=aginet", "did you mean agi-net?"),
  ])
  func whatWasMeantIsGuessed(setting: String, says: String) throws {
    let failure = try failure { _ = try Experiment(settings: [setting]) }
    #expect(failure.kind == .usage && failure.message.contains(says), "\(failure)")
  }

  @Test func whatIsFarFromAllIsNotGuessed() throws {
    let failure = try failure { _ = try Experiment(settings: ["colour=blue"]) }
    #expect(!failure.message.contains("did you mean"), "\(failure)")
  }

  @Test(arguments: [
    ("width=3.5", "width is 3.5; it must be a whole number in range"),
    ("width=1e30", "width is 1e+30; it must be a whole number in range"),
    ("seed=-1", "seed is -1; it must be a whole number in range"),
    ("seed=18446744073709551616", "seed is 18446744073709551616; it must be a whole number in range"),
    ("ddpm.steps=2.5", "ddpm.steps is 2.5; it must be a whole number in range"),
    ("ddpm.unet.attention=[1.5]", "ddpm.unet.attention is [1.5]; it must be whole numbers in range"),
    ("batchSize=\"2\"", "batchSize must be a whole number"), ("learningRate=fast", "must be a number"),
    ("pgan.dropoutAtTest=1", "pgan.dropoutAtTest must be true or false"),
    ("pgan.dropoutAtTest=yes", "pgan.dropoutAtTest must be true or false"),
    ("ddpm.unet.multipliers=[1,x]", "ddpm.unet.multipliers must be a list"),
    ("ddpm.unet.multipliers=[1,\"x\"]", "ddpm.unet.multipliers.element 2 must be a whole number"),
    ("pix2pix.weightL1.unit=3", "pix2pix.weightL1 must be a number"), ("={\"width\": 3}", "no key is named"),
    ("width", "write key=value"), ("width =8", "did you mean width?"),
  ])
  func aNumberThatIsNoneIsNamed(setting: String, says: String) throws {
    let failure = try failure { _ = try Experiment(settings: [setting]) }
    #expect(failure.kind == .usage && failure.message.contains(says), "\(failure)")
    #expect(failure.message.hasPrefix("settings \(setting): "), "\(failure)")
  }

  /// In a file, the one of several numbers that does not fit.
  @Test func aNumberOfAFileIsNamed() throws {
    let file = try scratch.write(
      #"{"pix2pix": {"weightL1": 3.5, "levels": 3.5}, "learningRate": 0.5, "width": 16}"#, to: "e.json")
    let failure = try failure { _ = try Experiment(file: file) }
    #expect(failure.kind == .malformed)
    #expect(failure.message == "\(file):1:31: pix2pix.levels is 3.5; it must be a whole number in range")
  }

  /// However odd it is: one line, which is not as long as what was typed.
  @Test func oddSettingsGiveOneLine() throws {
    for setting in ["a\nb=1", "width=\n\u{7}", String(repeating: "x", count: 100_000) + "=1"] {
      let failure = try failure { _ = try Experiment(settings: [setting]) }
      #expect(failure.message.count < 2000 && !failure.message.contains("\u{7}"))
    }
  }
}

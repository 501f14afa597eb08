import Failures
import Imaging
import Layers
import Networks
import Torch

/// What an experiment asks of a framework.
public struct SynthesisTask: Sendable {
  public var scenario: Scenario
  /// 2 for slices, 3 for volumes.
  public var dimensions: Int
  /// Slices of every source that are seen beside each other, as channels.
  public var depth: Int
  public var seed: UInt64
  /// The learning rate.
  public var rate: Double
  public var device: Device
  public var network: GeneratorSettings

  public init(
    _ scenario: Scenario, dimensions: Int = 2, depth: Int = 1, seed: UInt64 = 1, rate: Double = 1e-4,
    device: Device = .cpu, network: GeneratorSettings = GeneratorSettings()
  ) {
    (self.scenario, self.dimensions, self.depth) = (scenario, dimensions, depth)
    (self.seed, self.rate, self.device, self.network) = (seed, rate, device, network)
  }

  /// Channels that the sources have together.
  public var inputs: Int { scenario.sources.count * depth }

  /// The channel of a source, of its middle slice where there are several; nil where it is none.
  public func channel(of source: Modality) -> Int? {
    scenario.sources.firstIndex(of: source).map { $0 * depth + depth / 2 }
  }

  /// A store for the network that makes the images.
  func store() -> Parameters { Parameters(seed: seed, device: device) }
}

/// All that the rest of the program knows of a framework. A new one is a file that says this, and a line in `frameworks`.
public protocol Framework: SendableMetatype {
  associatedtype Options: MethodOptions

  /// As it is written in files and on the command line, and the key of its options in an experiment.
  static var name: String { get }
  /// As it is written in the literature: `pGAN`, or `pGAN without VGG` where the options take a part from it.
  static func title(_ options: Options) -> String

  /// The kind of generator where none is named; nil for the framework's own.
  static var network: String? { get }
  /// The framework's own generator.
  /// - Throws: `.usage` where the options name what the task has not.
  static func generator(_ options: Options, _ task: SynthesisTask) throws -> GeneratorKind
  /// What any generator has to do in it.
  static func shape(_ task: SynthesisTask) -> GeneratorShape
  /// Dimensions of the images that it can be trained on.
  static func dimensions(_ options: Options) -> ClosedRange<Int>

  /// What of the options does not fit the scenario, as `origin is 'pd'; …`, or nil.
  static func mismatch(_ options: Options, _ scenario: Scenario) -> String?
  /// What images and files must be for training, in the order in which it is asked for.
  static func demands(_ options: Options, _ generator: GeneratorKind) -> [Demand]
  /// Whether the options let zeros be put around images that cannot be halved; nil where there is no such option, which is
  /// called `padding`.
  static func pads(_ options: Options) -> Bool?
  /// The same options for images of this extent and a generator of this width; what is at anything but its default stays.
  static func fitted(_ options: Options, to extent: Extent, width: Int) -> Options

  /// The networks at their starting values.
  /// - Parameter generator: a kind that serves `shape(task)`.
  static func make(_ task: SynthesisTask, _ options: Options, _ generator: GeneratorKind) -> any Method

  /// Whether images are drawn, step by step from noise.
  static var draws: Bool { get }
  /// Steps of the process from which sampling may choose some; nil where there are none to choose.
  static func processSteps(_ options: Options) -> Int?
  /// The same options with every step made, even where an image does not change any more: what an image can cost at most.
  static func thorough(_ options: Options) -> Options
  /// Options as small as they can be, with which the tests train.
  static var tiny: Options { get }
}

extension Framework {
  public static var network: String? { nil }
  public static func shape(_ task: SynthesisTask) -> GeneratorShape {
    GeneratorShape(task.inputs, dimensions: task.dimensions)
  }
  public static func dimensions(_ options: Options) -> ClosedRange<Int> { 2...2 }
  public static func mismatch(_ options: Options, _ scenario: Scenario) -> String? { nil }
  public static func demands(_ options: Options, _ generator: GeneratorKind) -> [Demand] { generator.demands }
  public static func pads(_ options: Options) -> Bool? { nil }
  public static func fitted(_ options: Options, to extent: Extent, width: Int) -> Options { options }
  public static var draws: Bool { false }
  public static func processSteps(_ options: Options) -> Int? { nil }
  public static func thorough(_ options: Options) -> Options { options }
}

/// Every framework that can be named.
public let frameworks: [any Framework.Type] = [
  Pix2Pix.self, PGAN.self, MMGAN.self, MedSynth.self, DDPM.self, IDDPM.self, SelfRDB.self,
]

extension MethodOptions {
  /// The same with a setting that is at its default at another value.
  func fitted<Value: Equatable>(_ setting: WritableKeyPath<Self, Value>, _ value: Value) -> Self {
    var fitted = self
    if self[keyPath: setting] == Self()[keyPath: setting] { fitted[keyPath: setting] = value }
    return fitted
  }
}

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
    ContrastChannel.all(scenario.sources, depth: depth).firstIndex(
      of: ContrastChannel(contrast: source, slice: 0))
  }

  /// A store for the network that makes the images.
  func store() -> Parameters { Parameters(seed: seed, device: device) }
}

/// A framework: what it can be told says all that the rest of the program knows of it. A new one is a file that says this,
/// and a line in `frameworks`.
public protocol Framework: SendableMetatype {
  associatedtype Options: MethodOptions
  /// As it is written in files and on the command line, and the key of its options in an experiment.
  static var name: String { get }
}

extension Framework {
  /// The type of its options, of a framework that is known at run time alone.
  public static var optionsType: any MethodOptions.Type { Options.self }
}

/// A channel of what a generator takes or gives: a contrast, or one of the slices of it that are seen beside each other.
public struct ContrastChannel: Hashable, Sendable {
  public let contrast: Modality
  /// From the middle one.
  public let slice: Int

  /// As many slices of each contrast, in their order.
  public static func all(_ contrasts: [Modality], depth: Int = 1) -> [ContrastChannel] {
    contrasts.flatMap { contrast in
      (0..<depth).map { ContrastChannel(contrast: contrast, slice: $0 - depth / 2) }
    }
  }
}

/// Every framework that can be named.
public let frameworks: [any Framework.Type] = [
  Pix2Pix.self, PGAN.self, MMGAN.self, MedSynth.self, DDPM.self, IDDPM.self, SelfRDB.self,
  Unified.self, Segmentation.self,
]

/// What a framework can be told beyond what all share, its part of an experiment; and what follows from it.
public protocol MethodOptions: Codable, Sendable, Equatable {
  /// The defaults.
  init()
  /// Options as small as they can be, with which the tests train.
  static var tiny: Self { get }
  /// What is wrong with the values, as `weightL1 is -1; it must be 0 or more`, or nil.
  var refusal: String? { get }
  /// What of them does not fit the scenario, as `origin is 'pd'; …`, or nil.
  func mismatch(_ scenario: Scenario) -> String?

  /// As the framework is written in the literature: `pGAN`, or `pGAN without VGG` where the options take a part from it.
  var title: String { get }
  /// The kind of generator where none is named; nil for the framework's own.
  var network: String? { get }
  /// The generator's width and the learning rate where none is named; nil for an experiment's.
  var width: Int? { get }
  var rate: Double? { get }
  /// The framework's own generator.
  /// - Throws: `.usage` where the options name what the task has not.
  func ownGenerator(_ task: SynthesisTask) throws -> GeneratorKind
  /// What any generator has to do in it.
  func shape(_ task: SynthesisTask) -> GeneratorShape
  /// Whose the channels are that a generator takes of a batch's images, and that it gives.
  func channels(_ scenario: Scenario, depth: Int) -> (taken: [ContrastChannel], given: [ContrastChannel])
  /// The regions that it finds in images; nil where it makes images.
  var segments: [LabelRegion]? { get }
  /// Whether it makes whichever of its sources a patient lacks, and no one contrast.
  var completes: Bool { get }
  /// By which rule a cohort's images are scaled for it.
  var rule: IntensityRule { get }
  /// How its training samples are changed at random; nil where they are taken as they are.
  var augments: Augmentation? { get }
  /// Dimensions of the images that it can be trained on: slices alone, where it has no form for volumes.
  var dimensions: ClosedRange<Int> { get }

  /// What images and files must be for training, in the order in which it is asked for.
  func demands(_ generator: GeneratorKind) -> [Demand]
  /// Whether the options let zeros be put around images that cannot be halved; nil where there is no such option, which is
  /// called `padding`.
  var pads: Bool? { get }
  /// The same options for images of this extent and a generator of this width; what is at anything but its default stays.
  func fitted(to extent: Extent, width: Int) -> Self

  /// The networks at their starting values.
  /// - Parameter generator: a kind that serves `shape(task)`.
  func make(_ task: SynthesisTask, _ generator: GeneratorKind) -> any Method

  /// Whether images are drawn, step by step from noise.
  var draws: Bool { get }
  /// Steps of the process from which sampling may choose some; nil where there are none to choose.
  var processSteps: Int? { get }
  /// The same options with every step made, even where an image does not change any more: what an image can cost at most.
  var thorough: Self { get }
}

extension MethodOptions {
  public func mismatch(_ scenario: Scenario) -> String? { nil }
  public var network: String? { nil }
  public var width: Int? { nil }
  public var rate: Double? { nil }
  public func shape(_ task: SynthesisTask) -> GeneratorShape {
    GeneratorShape(task.inputs, dimensions: task.dimensions)
  }
  public func channels(
    _ scenario: Scenario, depth: Int
  ) -> (taken: [ContrastChannel], given: [ContrastChannel]) {
    (ContrastChannel.all(scenario.sources, depth: depth), ContrastChannel.all(scenario.made))
  }
  public var segments: [LabelRegion]? { nil }
  public var completes: Bool { false }
  public var rule: IntensityRule { .percentile }
  public var augments: Augmentation? { nil }
  public var dimensions: ClosedRange<Int> { 2...2 }
  public func demands(_ generator: GeneratorKind) -> [Demand] { generator.demands }
  public var pads: Bool? { nil }
  public func fitted(to extent: Extent, width: Int) -> Self { self }
  public var draws: Bool { false }
  public var processSteps: Int? { nil }
  public var thorough: Self { self }

  func changed(_ change: (inout Self) -> Void) -> Self {
    var options = self
    change(&options)
    return options
  }

  /// The same with a setting that is at its default at another value.
  func fitted<Value: Equatable>(_ setting: WritableKeyPath<Self, Value>, _ value: Value) -> Self {
    self[keyPath: setting] == Self()[keyPath: setting] ? changed { $0[keyPath: setting] = value } : self
  }

  /// The sentence for the first of `weights` that is negative, no number, or larger than any use of it.
  func refusal(ofWeights weights: [(name: String, value: Double)]) -> String? {
    weights.first { !(0...1e9).contains($0.value) }.map {
      "\($0.name) is \($0.value); it must be \($0.value > 0 ? "from 0 to 1e9" : "0 or more")"
    }
  }

  /// The sentence for a U-Net that cannot halve so often.
  func refusal(ofLevels levels: Int) -> String? { outOfBounds([("levels", levels, 2...10)]) }
}

extension Extent {
  /// Levels of a U-Net that halves all the way down: as many as there is room for, with zeros around the images. Zeros around
  /// volumes are dear: those are halved as often as they stay whole, where that is three times or more.
  var levels: Int {
    let room = Int.bitWidth - 1 - max(4, sizes.min() ?? 4).leadingZeroBitCount
    return dimensions == 3 && halvings >= 3 ? halvings : room
  }
}

import Layers

/// What a generator has to do, whatever its kind.
public struct GeneratorShape: Sendable, Equatable {
  /// What a generator is told beside the image.
  public enum Told: Sendable, Equatable {
    case nothing
    /// How far a diffusion has gone, as a `TimedNetwork` is.
    case time
    /// The same, and a random latent where it takes one.
    case timeAndLatent
    /// Which of its channels hold something, a number each, as a `CodedNetwork` is.
    case code(Int)
  }

  /// Channels in and out.
  public var inputs: Int, outputs: Int
  /// 2 for slices, 3 for volumes.
  public var dimensions: Int
  public var told: Told

  /// The length of the code that it is told; nil where it is told none.
  public var code: Int? { if case .code(let length) = told { length } else { nil } }

  public init(_ inputs: Int, _ outputs: Int = 1, dimensions: Int = 2, told: Told = .nothing) {
    (self.inputs, self.outputs, self.dimensions, self.told) = (inputs, outputs, dimensions, told)
  }
}

/// The generator that is asked for; every kind takes of its settings those that it has.
public struct GeneratorSettings: Codable, Sendable, Equatable {
  /// The kind: one of the names of `GeneratorKind.catalog`, or what stands for the framework's own.
  public var name = "agi-net"
  /// Channels of the first level; those below it have multiples of them.
  public var width = 64
  /// Residual blocks a stage.
  public var blocks = 2
  /// Groups n of CAGR's and GRA's modules.
  public var groups = 8
  /// Kernels n of ARC's modules.
  public var kernels = 4
  /// Stages whose blocks' first convolutions are replaced.
  public var stages = [Stage].agiNet
  /// Whether CAGR's kernels start so large that its modules are as strong as plain convolutions from the start.
  public var startsEven = false

  public init() {}
}

/// A kind of generator, as a value: frameworks take one and build it at the shape they need.
public struct GeneratorKind: Sendable {
  /// Every kind that can be named; the tests run over this list.
  public static let catalog: [GeneratorKind] = [
    .resUnet, .agiNet, .rollingResUnet, .attentionResUnet, .deformResUnet, .deform2ResUnet, .arcResUnet,
    .graResUnet, .pix2pixUnet(), .resNet9(), .mmganUnet(), .medSynthUnet(), .segmentationUnet(),
    .diffusionUnet(), .ncsnpp(),
  ]

  public typealias Making<Network> = @Sendable (Scope, GeneratorShape, GeneratorSettings) -> Network

  /// As it is written in files and on the command line, and as in the literature.
  public let name: String, title: String
  /// Whether it works on [-1, 1] inside, so that a framework may compare its images there.
  public let isSigned: Bool
  /// What images must be for it to be trained on them.
  public let demands: [Demand]
  /// What it computes at its first level.
  public let firstLevel: FirstLevel
  private let dimensions: ClosedRange<Int>
  private let fault: @Sendable (GeneratorShape, GeneratorSettings) -> String?
  private let makesPlain: Making<any Layer>?, makesTimed: Making<any TimedNetwork>?
  private let makesCoded: Making<any CodedNetwork>?
  private let needsLatent: Bool

  /// The maps of a network's first level, which have `width` channels each.
  public struct FirstLevel: Sendable {
    /// How often the sides of the images are halved for them.
    public var halvings: Int
    /// How many of them training keeps for the gradients, at the least.
    public var kept: Int

    public init(halvings: Int, kept: Int) { (self.halvings, self.kept) = (halvings, kept) }
  }

  /// - Parameters:
  ///   - dimensions: of the images that it can be built for.
  ///   - firstLevel: where nothing is said, what every network needs.
  ///   - refusal: why it cannot serve a shape, or nil; that it lacks the dimensions or a time need not be said.
  ///   - plain: makes the network from [0, 1] to [0, 1], of one that can do without a time.
  ///   - needsLatent: whether a time is not enough.
  ///   - timed: makes the network that is told a time, of one that can be.
  ///   - coded: makes the network that is told a code, of one that can be.
  public init(
    name: String, title: String, isSigned: Bool = false, demands: [Demand] = [.side(8)],
    dimensions: ClosedRange<Int> = 2...2, firstLevel: FirstLevel = FirstLevel(halvings: 1, kept: 1),
    refusal: @escaping @Sendable (GeneratorShape, GeneratorSettings) -> String? = { _, _ in nil },
    plain: Making<any Layer>? = nil, needsLatent: Bool = false, timed: Making<any TimedNetwork>? = nil,
    coded: Making<any CodedNetwork>? = nil
  ) {
    (self.name, self.title, self.isSigned, self.demands) = (name, title, isSigned, demands)
    (self.dimensions, self.firstLevel, fault) = (dimensions, firstLevel, refusal)
    (makesPlain, makesTimed, makesCoded, self.needsLatent) = (plain, timed, coded, needsLatent)
  }

  /// Why it cannot serve the shape with these settings, or nil.
  public func refusal(_ shape: GeneratorShape, _ settings: GeneratorSettings) -> String? {
    guard dimensions.contains(shape.dimensions) else { return "\(name) is a network for slices" }
    switch shape.told {
    case .nothing where makesPlain == nil: return "\(name) must be told a time, as in a diffusion"
    case .time where needsLatent: return "\(name) must be told a random latent, as in SelfRDB"
    case .time where makesTimed == nil, .timeAndLatent where makesTimed == nil:
      return "\(name) cannot be told a time, as here"
    case .code where makesCoded == nil:
      return "\(name) cannot be told which contrasts are there, as here"
    default: return fault(shape, settings)
    }
  }

  /// The network from [0, 1] to [0, 1]; the shape must not be refused.
  public func plain(_ scope: Scope, _ shape: GeneratorShape, _ settings: GeneratorSettings) -> any Layer {
    Autocasting(network: made(makesPlain, scope, shape, settings))
  }

  /// The network that is told a time; the shape must not be refused.
  public func timed(_ scope: Scope, _ shape: GeneratorShape, _ settings: GeneratorSettings)
    -> any TimedNetwork
  {
    Autocasting(network: made(makesTimed, scope, shape, settings))
  }

  /// The network that is told a code; the shape must not be refused.
  public func coded(_ scope: Scope, _ shape: GeneratorShape, _ settings: GeneratorSettings)
    -> any CodedNetwork
  {
    Autocasting(network: made(makesCoded, scope, shape, settings))
  }

  private func made<Network>(
    _ making: Making<Network>?, _ scope: Scope, _ shape: GeneratorShape, _ settings: GeneratorSettings
  ) -> Network {
    let reason = refusal(shape, settings)
    guard let making, reason == nil else { preconditionFailure(reason ?? "\(name) is not built so") }
    return making(scope, shape, settings)
  }
}

/// What images, or a file, must be for networks to be trained.
public enum Demand: Sendable {
  /// So many pixels a side at least, for the generator to work on. `levels` is the framework's option that asks for so many,
  /// where there is one.
  case side(Int, levels: String? = nil)
  /// So many for the discriminator to judge, which trains where the framework's option `weight` is not 0. `smaller` is the
  /// framework's option that asks for so many, and the fewest that it can ask for, where there is one.
  case judgedSide(Int, weight: String, smaller: (option: String, least: Int)? = nil)
  /// Sides that can be halved as often as the networks do: multiples of a power of two, unless zeros may be put around the
  /// images. `levels` is the framework's option that tells how often.
  case multiple(of: Int, levels: String? = nil)
  /// A file that `read` can read; what it throws says what is wrong.
  case file(String, read: @Sendable (String) throws -> Void)
}

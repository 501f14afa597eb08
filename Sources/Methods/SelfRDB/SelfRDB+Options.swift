import Imaging
import Layers
import Networks

extension SelfRDB: Framework {
  public static let name = "selfrdb"

  public struct Options: MethodOptions {
    /// Steps of the bridge.
    public var steps = 10
    /// Strength of the bridge's noise, and where its variances start and end (`Bridge`).
    public var gamma = 1.0, betaStart = 0.1, betaEnd = 3.0
    /// Where the bridge begins: `mean` of all sources, or one of them by name. All of them condition every step.
    public var origin = Options.mean
    /// Estimates of the target that follow one another at every step, each told the one before.
    public var recursions = 2
    /// Where no pixel's estimate changes by as much, on [-1, 1], synthesis stops refining it.
    public var consistency = 0.01
    /// Weight of the summed absolute error beside the adversarial term.
    public var weightL1 = 0.5
    /// Weight of the discriminator's squared slope at real states, and the iterations between two times it is looked at.
    public var weightPenalty = 0.5, penaltyEvery = 10
    /// The discriminator's learning rate as a share of the generator's; published are 1e-4 and 1.6e-4.
    public var discriminatorRate = 0.625
    /// Whether images that the networks cannot halve as often as they want are surrounded by zeros.
    public var padding = true
    /// Samples of which an image is the mean, and the seed of their noise.
    public var samples = 1, samplingSeed: UInt64 = 1
    /// The published generator; the experiment's `width` and `blocks` hold for it too.
    public var generator = NCSNpp.Architecture()
    public var discriminator = TimedDiscriminator.Architecture()
    public init() {}

    /// The `origin` that is all sources' mean.
    public static let mean = "mean"
  }
}

extension SelfRDB.Options {
  public var refusal: String? {
    let counts = outOfBounds([
      ("steps", steps, 2...1000), ("recursions", recursions, 1...100), ("samples", samples, 1...1000),
      ("penaltyEvery", penaltyEvery, 1...1_000_000_000),
    ])
    if let counts { return counts }
    for (name, value) in [
      ("betaStart", betaStart), ("betaEnd", betaEnd), ("discriminatorRate", discriminatorRate),
    ] where !(value > 0 && value <= 1e6) {
      return "\(name) is \(value); it must be above 0\(value > 0 ? " and at most 1e6" : "")"
    }
    if let refusal = generator.refusal { return "generator.\(refusal)" }
    if let refusal = discriminator.refusal { return "discriminator.\(refusal)" }
    return refusal(ofWeights: [
      ("gamma", gamma), ("consistency", consistency), ("weightL1", weightL1),
      ("weightPenalty", weightPenalty),
    ])
  }

  public func mismatch(_ scenario: Scenario) -> String? {
    let known = [Self.mean] + scenario.sources.map(\.rawValue)
    guard !known.contains(origin) else { return nil }
    return "origin is '\(origin)'; the bridge can begin at \(known.joined(separator: ", "))"
  }

  public var title: String { "SelfRDB" }
  public var pads: Bool? { padding }
  public var draws: Bool { true }

  public func ownGenerator(_ task: SynthesisTask) -> GeneratorKind { .ncsnpp(generator) }

  public func shape(_ task: SynthesisTask) -> GeneratorShape {
    GeneratorShape(
      SelfRDB.inputs(sources: task.inputs), dimensions: task.dimensions, told: .timeAndLatent)
  }

  public func demands(_ generator: GeneratorKind) -> [Demand] {
    [.multiple(of: discriminator.multiple)] + generator.demands
  }

  public func fitted(to extent: Extent, width: Int) -> Self { fitted(\.discriminator.width, width) }

  public func make(_ task: SynthesisTask, _ generator: GeneratorKind) -> any Method {
    let store = task.store()
    // Of slices beside each other it begins at the middle one, which the target lies at.
    let beginning = Modality(rawValue: origin).map { [$0] } ?? task.scenario.sources
    return SelfRDB(
      generator: generator.timed(store.root, shape(task), task.network), store,
      origin: beginning.compactMap(task.channel), options: self, rate: task.rate)
  }

  public var thorough: Self { changed { $0.consistency = 0 } }

  public static var tiny: Self {
    Self().changed {
      $0.steps = 2
      ($0.generator.multipliers, $0.generator.attention) = ([1, 2], [2])
      ($0.discriminator.width, $0.discriminator.multipliers) = (4, [2, 2])
    }
  }
}

import Cohorts
import Failures
import Imaging
import Methods
import Networks
import Training

/// What an experiment says whatever its framework is.
public struct CommonSettings: Codable, Sendable, Equatable {
  /// The framework: one of `MethodCatalog`'s names.
  public var method = "pix2pix"
  /// The generator: one of `NetworkCatalog`'s names, and its settings. Where a file or the command line names none, the
  /// method's own; so of its width and of the learning rate.
  public var network = GeneratorSettings()
  public var scenario = Scenario(sources: [.t1, .t2], target: .pd)
  /// What the networks see of a volume at a time.
  public var region = Region.slice
  public var iterations = 120_000
  public var batchSize = 16
  public var learningRate = 1e-4
  /// How the learning rate goes on: the paper's is constant.
  public var schedule = Schedule.constant
  /// A random translation of one source while training and validating, for the experiments on misalignment; none at
  /// radius 0. Training shifts a slice anew every epoch, validation always alike.
  public var perturbation = Perturbation(of: .t2, radius: 0)
  /// The SHA-256 of the model whose weights training starts from; empty where they are random.
  public var from = ""
  /// Decides initial weights, the order of slices and every random number in between.
  public var seed: UInt64 = 1
  /// Iterations between two looks at the validation split, and the most slices one look takes (spread evenly).
  public var validateEvery = 1000, validationSlices = 256
  /// Iterations between two checkpoints.
  public var checkpointEvery = 1000
  /// How heads are computed where a run is trained on those.
  public var physics = PhysicsSettings()

  public init() {}
}

/// Everything that decides what a training run computes, as a value: the same experiment on the same cohort with the
/// same build and threads gives the same bytes.
///
/// An `experiment.json` says only what differs from these defaults, which are the paper's (§4.1.2). It has the common
/// settings and, beside them, an object under the name of each framework: `{"seed": 2, "pgan": {"weightL1": 10}}`.
@dynamicMemberLookup
public struct Experiment: Codable, Sendable, Equatable {
  private var common = CommonSettings()
  var options = FrameworkOptions()

  public init() {}

  public subscript<Value>(dynamicMember setting: WritableKeyPath<CommonSettings, Value>) -> Value {
    get { common[keyPath: setting] }
    set { common[keyPath: setting] = newValue }
  }

  /// What a framework is told: `experiment[PGAN.self].weightL1 = 1`.
  public subscript<F: Framework>(_ framework: F.Type) -> F.Options {
    get { options[framework] as? F.Options ?? F.Options() }
    set { options[framework] = newValue }
  }

  public init(from decoder: any Decoder) throws {
    (common, options) = (try CommonSettings(from: decoder), try FrameworkOptions(from: decoder))
  }

  public func encode(to encoder: any Encoder) throws {
    try common.encode(to: encoder)
    try options.encode(to: encoder)
  }
}

extension Experiment {
  /// The translation of training and validation images, where there is one.
  package var shift: Perturbation? { common.perturbation.radius > 0 ? common.perturbation : nil }

  /// What the networks see of a cohort whose slices have this extent.
  package func extent(ofSlices slice: Extent) -> Extent { common.region.extent(ofSlices: slice) }

  /// Refuses numbers that make no sense before anything is built.
  public func check() throws {
    try common.checkBounds()
    try common.physics.check()
    try MethodCatalog.check(self)
    try common.scenario.check()
  }

  /// What each of several processes computes, which share out every batch in equal parts.
  /// - Throws: `.usage` where the parts are not equal.
  package func share(of ranks: Int) throws -> Experiment {
    guard ranks > 0, common.batchSize % ranks == 0 else {
      let more = (common.batchSize / max(1, ranks) + 1) * ranks
      throw Failure(
        .usage,
        "a batch of \(common.batchSize) cannot be shared out equally among \(ranks) ranks; use \(Term.batchSize("\(more)"))"
      )
    }
    var share = self
    share.batchSize /= ranks
    return share
  }
}

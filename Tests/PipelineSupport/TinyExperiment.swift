import Experiments
import Failures
import Imaging
import Methods
import Networks
import Testing

/// (T1, T2) -> PD at a width that trains in a moment: 4 channels, 4 groups, a discriminator as thin.
public func tinyExperiment(iterations: Int = 12) -> Experiment {
  var experiment = Experiment()
  (experiment.network.width, experiment.network.groups, experiment.batchSize) = (4, 4, 2)
  experiment.pix2pix.discriminatorWidth = 4
  (experiment.iterations, experiment.validateEvery, experiment.checkpointEvery) = (iterations, 3, 2)
  return experiment
}

/// Rows and columns that every method can train on as `tinyExperiment(method:network:)` sets it.
public let tinySide = 64

/// The same with any method and generator of the catalogue, made as small as it can be.
public func tinyExperiment(method: String, network: String, iterations: Int = 4) -> Experiment {
  var experiment = tinyExperiment(iterations: iterations)
  (experiment.method, experiment.network.name, experiment.network.blocks) = (method, network, 1)
  (experiment.validateEvery, experiment.checkpointEvery, experiment.validationSlices) = (2, 2, 2)
  for framework in frameworks { framework.setTiny(&experiment) }
  if experiment.regions != nil { experiment.scenario = Scenario(labelling: experiment.scenario.sources) }
  if experiment.completes { experiment.scenario = Scenario(completing: experiment.scenario.sources) }
  return experiment
}

/// The regions of BraTS in T1 and T2, by the segmentation's own network.
public func tinySegmentation(iterations: Int = 12, region: Region = .slice) -> Experiment {
  var experiment = tinyExperiment(
    method: Segmentation.name, network: NetworkCatalog.published, iterations: iterations)
  (experiment.learningRate, experiment.region) = (3e-3, region)
  return experiment
}

extension Framework {
  fileprivate static func setTiny(_ experiment: inout Experiment) { experiment[Self.self] = .tiny }
}

/// What each framework is told, by its name.
extension Experiment {
  public var pix2pix: Pix2Pix.Options {
    get { self[Pix2Pix.self] }
    set { self[Pix2Pix.self] = newValue }
  }
  public var pgan: PGAN.Options {
    get { self[PGAN.self] }
    set { self[PGAN.self] = newValue }
  }
  public var mmgan: MMGAN.Options {
    get { self[MMGAN.self] }
    set { self[MMGAN.self] = newValue }
  }
  public var medsynth: MedSynth.Options {
    get { self[MedSynth.self] }
    set { self[MedSynth.self] = newValue }
  }
  public var ddpm: DDPM.Options {
    get { self[DDPM.self] }
    set { self[DDPM.self] = newValue }
  }
  public var iddpm: IDDPM.Options {
    get { self[IDDPM.self] }
    set { self[IDDPM.self] = newValue }
  }
  public var unified: Unified.Options {
    get { self[Unified.self] }
    set { self[Unified.self] = newValue }
  }
  public var segmentation: Segmentation.Options {
    get { self[Segmentation.self] }
    set { self[Segmentation.self] = newValue }
  }
  public var selfrdb: SelfRDB.Options {
    get { self[SelfRDB.self] }
    set { self[SelfRDB.self] = newValue }
  }
}

/// The failure that `body` throws, which must be one line.
@discardableResult
public func failure(_ body: () throws -> Void, sourceLocation: SourceLocation = #_sourceLocation) throws
  -> Failure
{
  let failure = try #require(throws: Failure.self, sourceLocation: sourceLocation) { try body() }
  #expect(!failure.message.contains("\n"), sourceLocation: sourceLocation)
  return failure
}

import Experiments
import Failures
import Methods
import Networks
import Testing

/// (T1, T2) -> PD at a width that trains in a moment: 4 channels, 4 groups, a discriminator as thin.
public func tinyExperiment(iterations: Int = 12) -> Experiment {
  var experiment = Experiment()
  (experiment.width, experiment.groups, experiment.batchSize) = (4, 4, 2)
  experiment.pix2pix.discriminatorWidth = 4
  (experiment.iterations, experiment.validateEvery, experiment.checkpointEvery) = (iterations, 3, 2)
  return experiment
}

/// Rows and columns that every method can train on as `tinyExperiment(method:network:)` sets it.
public let tinySide = 64

/// The same with any method and generator of the catalogue, made as small as it can be.
public func tinyExperiment(method: String, network: String, iterations: Int = 4) -> Experiment {
  var experiment = tinyExperiment(iterations: iterations)
  (experiment.method, experiment.network) = (method, network)
  (experiment.validateEvery, experiment.checkpointEvery, experiment.validationSlices) = (2, 2, 2)
  (experiment.pgan.discriminatorWidth, experiment.mmgan.discriminatorWidth) = (4, 4)
  (experiment.pix2pix.levels, experiment.mmgan.levels) = (5, 5)

  experiment.blocks = 1
  (experiment.ddpm.steps, experiment.iddpm.steps, experiment.selfrdb.steps) = (20, 20, 2)
  (experiment.ddpm.sampling.steps, experiment.iddpm.sampling.steps) = (2, 2)
  (experiment.ddpm.validationSteps, experiment.iddpm.validationSteps) = (2, 2)
  (experiment.ddpm.unet.multipliers, experiment.iddpm.unet.multipliers) = ([1, 2], [1, 2])
  (experiment.ddpm.unet.attention, experiment.iddpm.unet.attention) = ([2], [2])
  (experiment.selfrdb.generator.multipliers, experiment.selfrdb.generator.attention) = ([1, 2], [2])
  (experiment.selfrdb.discriminator.width, experiment.selfrdb.discriminator.multipliers) = (4, [2, 2])
  return experiment
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

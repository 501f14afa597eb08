import Cohorts
import Experiments
import Failures
import Inference
import Layers
import Methods
import Torch
import Training

/// One run on its way: the experiment's networks, what they are trained and judged on, and where all of it is kept.
final class TrainingSession: TrainingDelegate {
  private let experiment: Experiment
  private let material: any TrainingMaterial
  private let folder: RunFolder
  private let predictor: Predictor
  private let trainer: Trainer
  private let group: ProcessGroup?
  private let stream: any SampleSource
  /// Rank 0's alone.
  private let log: RunLog?
  private let shouldStop: () -> Failure.Kind?
  private let observer: (TrainingEvent) throws -> Void
  private var seconds = 0.0, waited = 0.0

  /// - Parameters:
  ///   - metadata: what every checkpoint says of itself.
  ///   - group: the processes that train together.
  init(
    _ experiment: Experiment, on data: TrainingData, in folder: RunFolder, _ setting: Run.Setting,
    metadata: [String: String], group: ProcessGroup? = nil, shouldStop: @escaping () -> Failure.Kind?,
    observer: @escaping (TrainingEvent) throws -> Void
  ) throws {
    let isFirst = group?.isFirst ?? true
    (self.experiment, self.folder, self.group) = (experiment, folder, group)
    (self.shouldStop, self.observer) = (shouldStop, observer)
    let (scenario, method) = (
      experiment.scenario, try MethodCatalog.build(experiment, device: setting.device)
    )
    predictor = Predictor(method, for: scenario, device: setting.device)
    let plan = Plan(
      iterations: experiment.iterations, validateEvery: experiment.validateEvery,
      checkpointEvery: experiment.checkpointEvery, seed: experiment.seed, schedule: experiment.schedule)
    trainer = Trainer(
      method, for: scenario, plan: plan, folder: folder, device: setting.device, metadata: metadata,
      group: group)
    if isFirst {
      if setting.resumes {
        try trainer.resume()
      } else {
        try setting.start?.load(into: method, of: experiment)
      }
    }
    try trainer.begin()
    material = try data.material(experiment)
    log =
      isFirst
      ? try RunLog(folder, method: method, metric: material.metric, resumingAt: trainer.iteration) {
        try observer(.note($0))
      } : nil
    stream = try material.stream(
      startingAt: trainer.iteration, threads: setting.loaders, part: group?.rank ?? 0, of: group?.size ?? 1)
  }

  func run() throws {
    defer { stream.stop() }
    try observer(
      .started(
        networks: predictor.method.networks.map { ($0.name, $0.parameters.count) },
        training: stream.sampleCount, validation: material.held, from: trainer.iteration))
    for note in material.notes { try observer(.note(note)) }
    try trainer.run(stream, self)
    try observer(
      .finished(
        seconds: seconds, waitedShare: seconds > 0 ? waited / seconds : 0, best: trainer.best?.score))
  }

  // MARK: - What the training loop asks

  var stop: Failure.Kind? { shouldStop() }

  func validate(iteration: Int) throws -> Score? {
    try predictor.method.validating {
      // A batch of a diffusion's takes minutes, and a batch system does not wait so long.
      try material.score(predictor, group: group, stop: shouldStop)
    }
  }

  func writeModel(iteration: Int, score: Score?) throws {
    var card = material.card(
      predictor.method, iteration: iteration, score: score, samples: stream.sampleCount)
    if !experiment.from.isEmpty {
      card.trainedOn += "; begun with the weights of a model with SHA-256 \(experiment.from)"
    }
    try TrainedModel.write(predictor.method, experiment: experiment, card: card, to: folder.model)
  }

  func observe(_ event: TrainingEvent) throws {
    if case .step(_, _, let step, let wait) = event { (seconds, waited) = (seconds + step, waited + wait) }
    try log?.record(event)
    try observer(event)
  }
}

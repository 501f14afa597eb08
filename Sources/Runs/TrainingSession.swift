import Cohorts
import Experiments
import Failures
import Foundation
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
  /// What the model that training starts from says of its own; nil where there is none, or it is known no more.
  private let origin: String?
  private let device: Device
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
    (origin, device) = (setting.start?.card?.trainedOn, setting.device)
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
        trainer.lacksModel = trainer.best != nil && !FileManager.default.fileExists(atPath: folder.model)
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
    if trainer.lacksModel {
      try observer(
        .note(
          "\(folder.model): is gone, and with it the weights that validated best; those of iteration \(trainer.iteration) are judged and"
            + " kept in their place"))
    }
    if !experiment.from.isEmpty, trainer.iteration == 0 { try keepStart() }
    try trainer.run(stream, self)
    try observer(
      .finished(
        seconds: seconds, waitedShare: seconds > 0 ? waited / seconds : 0, best: trainer.best?.score))
    guard isFirst else { return }
    let gain = try fineTuning.compare()
    if !gain.isEmpty { try observer(.compared(gain)) }
  }

  /// Judges the weights that training starts from, and keeps them.
  private func keepStart() throws {
    let method = predictor.method
    do {
      guard let score = try validate(iteration: 0), isFirst else { return }
      let card = try material.card(method, iteration: 0, score: score, samples: stream.sampleCount)
      try fineTuning.keep(method, card, of: origin)
      try observe(.validated(iteration: 0, score: score, isBest: false))
    } catch let failure as Failure where failure.isStop {
      throw Failure(failure.kind, "stopped before the first iteration; train anew with \(Term.overwrites)")
    }
  }

  private var isFirst: Bool { group?.isFirst ?? true }

  private var fineTuning: FineTuning {
    FineTuning(experiment: experiment, folder: folder, device: device) { try self.score($0, nil) }
  }

  // MARK: - What the training loop asks

  var stop: Failure.Kind? { shouldStop() }

  func validate(iteration: Int) throws -> Score? { try score(predictor.method, group) }

  private func score(_ method: any Method, _ group: ProcessGroup?) throws -> Score? {
    try method.validating {
      // A batch of a diffusion's takes minutes, and a batch system does not wait so long.
      try material.score(
        Predictor(method, for: experiment.scenario, device: device), group: group, stop: shouldStop)
    }
  }

  func writeModel(iteration: Int, score: Score?) throws {
    var card = try material.card(
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

import Cohorts
import Experiments
import Failures
import Files
import Imaging
import Inference
import Layers
import Methods
import Metrics
import Torch
import Training

/// One run on its way: the experiment's networks, what they are trained and judged on, and where all of it is kept.
final class TrainingSession: TrainingDelegate {
  /// As it was asked for, and as it is trained: patches may be smaller.
  private let experiment: Experiment, fitted: Experiment
  private let cohort: PreparedCohort
  private let folder: RunFolder
  private let predictor: Predictor
  private let trainer: Trainer
  private let contents: SampleContents
  private let judgement: Judgement
  private let stream: SampleStream
  /// What the networks are judged on; nothing where the validation split has nothing to judge by, and why.
  private let held: [SampleReference]
  private let unjudged: String?
  private let log: RunLog
  private let shouldStop: () -> Failure.Kind?
  private let observer: (TrainingEvent) throws -> Void
  private var seconds = 0.0, waited = 0.0

  /// - Parameter metadata: what every checkpoint says of itself.
  init(
    _ experiment: Experiment, on cohort: PreparedCohort, in folder: RunFolder, _ setting: Run.Setting,
    metadata: [String: String], shouldStop: @escaping () -> Failure.Kind?,
    observer: @escaping (TrainingEvent) throws -> Void
  ) throws {
    (self.experiment, self.cohort, self.folder) = (experiment, cohort, folder)
    fitted = try experiment.fitted(toVolumes: cohort.largestVolume)
    (self.shouldStop, self.observer) = (shouldStop, observer)
    let (scenario, method) = (
      experiment.scenario, try MethodCatalog.build(experiment, device: setting.device)
    )
    predictor = Predictor(method, for: scenario, device: setting.device)
    let plan = Plan(
      iterations: experiment.iterations, validateEvery: experiment.validateEvery,
      checkpointEvery: experiment.checkpointEvery, seed: experiment.seed, schedule: experiment.schedule)
    trainer = Trainer(
      method, for: scenario, plan: plan, folder: folder, device: setting.device, metadata: metadata)
    if setting.resumes { try trainer.resume() }
    contents = try SampleContents(of: fitted)
    judgement = Judgement(of: experiment)
    (held, unjudged) = try judgement.samples(
      of: cohort, contents, upTo: experiment.validationSlices, batchSize: experiment.batchSize)
    log = try RunLog(
      folder, method: method, metric: judgement.metric, resumingAt: trainer.iteration
    ) { try observer(.note($0)) }
    stream = try SampleStream(
      cohort, contents, batchSize: experiment.batchSize, seed: experiment.seed,
      startingAt: trainer.iteration, threads: setting.loaders)
  }

  func run() throws {
    defer { stream.stop() }
    try observer(
      .started(
        networks: predictor.method.networks.map { ($0.name, $0.parameters.count) },
        training: stream.sampleCount, validation: held.count, from: trainer.iteration))
    let notes = [
      unjudged.map { "\($0), so the last weights are kept, not the best" },
      Self.note(of: experiment.region, fitted.region, cohort.largestVolume),
    ]
    for note in notes.compactMap({ $0 }) { try observer(.note(note)) }
    try trainer.run(stream, self)
    try observer(
      .finished(
        seconds: seconds, waitedShare: seconds > 0 ? waited / seconds : 0, best: trainer.best?.score))
  }

  /// Why patches are smaller than they were asked for, or nil.
  private static func note(of asked: Region, _ fitted: Region, _ largest: Extent) -> String? {
    guard case .patch(let before) = asked, case .patch(let extent) = fitted, extent != before else {
      return nil
    }
    let axes = zip(["planes", "rows", "columns"], largest.sizes).enumerated().filter {
      extent.sizes[$0.offset] < before.sizes[$0.offset]
    }
    let most = axes.map { "\($0.element.1) \($0.element.0)" }.joined(separator: ", ")
    return "patches of \(extent.word): the volumes have at most \(most)"
  }

  // MARK: - What the training loop asks

  var stop: Failure.Kind? { shouldStop() }

  /// The judgement of the held-out samples. What trains on translated images is looked at on translated ones, each sample
  /// always by the same shift: the best weights are those that serve there.
  func validate(iteration: Int) throws -> Score? {
    guard !held.isEmpty else { return nil }
    let batches = try cohort.batches(of: held, contents, batchSize: experiment.batchSize)
    var judgement = judgement
    try predictor.method.validating {
      // A batch of a diffusion's takes minutes, and a batch system does not wait so long.
      try batches.predicted(by: predictor.callAsFunction(_:passed:)) { _, _ in
        if let kind = shouldStop() { throw Failure(kind, "stopped while validating") }
      } each: { batch, predictions in
        judgement.add(predictions, of: batch)
      }
    }
    return judgement.score
  }

  func writeModel(iteration: Int, score: Score?) throws {
    let card = ModelCard(
      fitted, cohort, predictor.method, iteration: iteration, score: score, samples: stream.sampleCount)
    try TrainedModel.write(predictor.method, experiment: experiment, card: card, to: folder.model)
  }

  func observe(_ event: TrainingEvent) throws {
    if case .step(_, _, let step, let wait) = event { (seconds, waited) = (seconds + step, waited + wait) }
    try log.record(event)
    try observer(event)
  }
}

extension SampleContents {
  /// What an experiment that is fitted to its cohort is trained and judged on.
  init(of experiment: Experiment) throws {
    try self.init(
      experiment.scenario, region: experiment.region, perturbation: experiment.shift,
      augmentation: experiment.augmentation)
  }
}

extension ModelCard {
  init(
    _ experiment: Experiment, _ cohort: PreparedCohort, _ method: any Method, iteration: Int,
    score: Score?, samples: Int
  ) {
    let manifest = cohort.manifest
    let training = cohort.subjects(in: .train)
    func median(_ values: [Double]) -> Double? {
      let sorted = values.sorted()
      return sorted.isEmpty ? nil : (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    }
    var scales: [Modality: Double] = [:]
    for modality in experiment.scenario.modalities {
      scales[modality] = median(training.compactMap { $0.scale(of: modality) })
    }
    self.init(
      scenario: experiment.scenario, extent: experiment.extent(ofSlices: manifest.extent),
      depth: experiment.region.depth > 1 ? experiment.region.depth : nil,
      intensity: manifest.intensity, scales: scales,
      spacing: (0..<3).compactMap { axis in median(training.map { $0.spacing[axis] }) },
      sliceRule: manifest.sliceRule.description,
      trainedOn:
        "\(manifest.name) (\(manifest.layout)): \(training.count) subjects, \(samples) \(experiment.region.samples)",
      iterations: iteration, score: score, parameters: method.generator.parameters.count,
      versions: ["aginet": Version.current, "libtorch": LibTorch.version])
  }
}

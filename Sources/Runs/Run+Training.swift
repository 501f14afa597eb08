import Cohorts
import Experiments
import Failures
import Files
import Foundation
import Imaging
import Inference
import Layers
import Methods
import Metrics
import Torch
import Training

/// What a person watching a training run is told.
public enum RunEvent: Sendable {
  /// Before the first step: parameters by network, slices to train on and to validate on.
  case started(networks: [(name: String, parameters: Int)], training: Int, validation: Int, from: Int)
  case training(TrainingEvent)
  /// What the user should know, in a sentence.
  case note(String)
  /// The run is over; share of the time that training waited for data.
  case finished(seconds: Double, waitedShare: Double, best: Double?)
}

extension Run {
  /// Where a run takes place.
  public struct Setting: Sendable {
    public var device = Device.cpu
    /// Threads that read slices ahead.
    public var loaders = 1
    public var resumes = false
    public var overwrites = false
    public init() {}
  }

  /// Trains an experiment on a prepared cohort into a folder: from the start, or on from the last checkpoint.
  ///
  /// - Throws: `.cannotWrite` where a run exists and is neither resumed nor overwritten, or is in use by another
  ///   process; `.notFound` where there is nothing to resume; `.inconsistent` where a resumed run was another
  ///   experiment or the cohort cannot serve it; `.numerical`, `.interrupted`, `.terminated` from the training loop.
  public static func train(
    _ experiment: Experiment, on cohort: PreparedCohort, into path: String, _ setting: Setting = Setting(),
    observe: @escaping (RunEvent) throws -> Void = { _ in }
  ) throws -> Run {
    try cohort.check(experiment.scenario)
    try MethodCatalog.check(experiment, on: cohort.manifest.extent)
    let folder = RunFolder(path)
    if setting.resumes { _ = try resumable(in: path) }
    try cohort.refuse(output: path)
    try RunFolder.make(path)
    let lock = try FolderLock(path)
    defer { withExtendedLifetime(lock) {} }
    try prepare(folder, experiment, setting)
    if setting.resumes { try refuseAnother(cohort, in: folder) }
    try TrainedOn(cohort).write(to: folder)

    if setting.resumes {
      try Trainer.check(folder) { try MethodCatalog.build(experiment, device: .cpu) }
    }
    let method = try MethodCatalog.build(experiment, device: setting.device)
    let plan = Plan(
      iterations: experiment.iterations, validateEvery: experiment.validateEvery,
      checkpointEvery: experiment.checkpointEvery, seed: experiment.seed,
      schedule: experiment.schedule)
    let trainer = Trainer(
      method, for: experiment.scenario, plan: plan, folder: folder, device: setting.device,
      metadata: [TrainedModel.experimentKey: try experiment.json, cohortKey: try digest(of: cohort)])
    if setting.resumes { try trainer.resume() }

    let stream = try SampleStream(
      cohort, scenario: experiment.scenario, batchSize: experiment.batchSize, seed: experiment.seed,
      startingAt: trainer.iteration, threads: setting.loaders, perturbation: experiment.shift)
    defer { stream.stop() }
    let held =
      cohort.subjects(in: .validation).isEmpty
      ? []
      : try cohort.slices(in: .validation, requiring: experiment.scenario.modalities).spread(
        experiment.validationSlices)
    let log = try RunLog(folder, method: method, resumingAt: trainer.iteration) { try observe(.note($0)) }

    trainer.validate = {
      held.isEmpty ? nil : try meanPSNR(method, cohort, experiment, held, device: setting.device)
    }
    trainer.writeModel = { iteration, psnr in
      let card = ModelCard(
        experiment, cohort, method, iteration: iteration, psnr: psnr, slices: stream.sampleCount)
      try TrainedModel.write(method, experiment: experiment, card: card, to: folder.model)
    }
    var (seconds, waited) = (0.0, 0.0)
    trainer.observe = { event in
      if case .step(_, _, let step, let wait) = event { (seconds, waited) = (seconds + step, waited + wait) }
      try log.record(event)
      try observe(.training(event))
    }
    try observe(
      .started(
        networks: method.networks.map { ($0.name, $0.parameters.count) }, training: stream.sampleCount,
        validation: held.count, from: trainer.iteration))
    try trainer.run(stream)
    try observe(
      .finished(seconds: seconds, waitedShare: seconds > 0 ? waited / seconds : 0, best: trainer.best?.psnr))
    return try Run(opening: path)
  }

  /// Makes the folder and writes the experiment, or makes sure that what is there may be continued.
  private static func prepare(_ folder: RunFolder, _ experiment: Experiment, _ setting: Setting) throws {
    let exists = FileManager.default.fileExists(atPath: folder.experiment)
    if setting.resumes {
      removeLeftovers(folder)
      try refuseAnother(experiment, in: folder)
    } else if exists {
      guard setting.overwrites else {
        throw Failure(
          .cannotWrite, "\(folder.path): a run exists here; continue with --resume, or replace with --force")
      }
      // What an earlier run learned must not pass for this one's.
      for stale in [folder.model, folder.best, folder.last, folder.log, folder.report] {
        try? FileManager.default.removeItem(atPath: stale)
      }
      try? FileManager.default.removeItem(atPath: folder.path + "/evaluation")
      for name in names(in: folder.path) where name.hasPrefix("events.out.tfevents.") {
        try? FileManager.default.removeItem(atPath: folder.path + "/" + name)
      }
      removeLeftovers(folder)
    }
    try AtomicFile.write(try experiment.json, to: folder.experiment)
  }

  /// The metadata key under which a checkpoint names what it was trained on.
  private static var cohortKey: String { "aginet.cohort" }

  package static func digest(of cohort: PreparedCohort) throws -> String {
    try SHA256.ofFile(cohort.folder + "/" + CohortManifest.fileName).digest
  }

  /// A run that went on with other images would be neither the one run nor the other.
  private static func refuseAnother(_ cohort: PreparedCohort, in folder: RunFolder) throws {
    guard folder.hasCheckpoint else { return }
    let before = try Safetensors(contentsOf: folder.last, verifying: false).metadata[cohortKey]
    guard try before == nil || before == digest(of: cohort) else {
      throw Failure(
        .inconsistent,
        "\(folder.path): was trained on another prepared cohort than \(cohort.folder); name that one, or train anew"
      )
    }
  }

  /// Removes the unfinished files of a run that was killed while it wrote. The folder must be locked.
  private static func removeLeftovers(_ folder: RunFolder) {
    for path in [folder.path, folder.checkpoints] {
      for name in names(in: path) where name.hasPrefix(".") && name.hasSuffix(".partial") {
        try? FileManager.default.removeItem(atPath: path + "/" + name)
      }
    }
  }

  private static func names(in folder: String) -> [String] {
    (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
  }

  /// Mean PSNR of the held-out slices that are predicted with some error, in dB. What trains on translated images is
  /// looked at on translated ones, each slice always by the same shift: the best weights are those that serve there.
  private static func meanPSNR(
    _ method: any Method, _ cohort: PreparedCohort, _ experiment: Experiment, _ slices: [SampleReference],
    device: Device
  ) throws -> Double {
    let evaluator = try Evaluator(cohort, scenario: experiment.scenario)
    var values: [Double] = []
    let batches = try cohort.batches(
      of: slices, scenario: experiment.scenario, batchSize: experiment.batchSize,
      perturbation: experiment.shift)
    for number in batches.indices {
      let batch = try batches[number]
      let predictions = try method.generator.parameters.evaluating {
        try method.validating {
          try evaluator.predictions(of: method, for: batch, device: device) {
            // A batch of a diffusion's takes minutes, and a batch system does not wait so long.
            if let signal = Interruption.requested { throw Failure(signal, "stopped while validating") }
          }
        }
      }
      let (pixels, target) = (batch.extent.count, batch.target(experiment.scenario.target))
      for index in 0..<batch.count {
        let range = index * pixels..<(index + 1) * pixels
        guard !predictions[range].contains(where: \.isNaN) else {
          throw Failure(
            .numerical,
            "the network gives no numbers for \(batch.references[index]); train anew with a lower learningRate"
          )
        }
        let clamped = predictions[range].map { min(1, max(0, $0)) }
        values.append(PixelErrors(clamped, Array(target[range])).psnr())
      }
    }
    let finite = values.filter(\.isFinite)
    return finite.isEmpty ? .nan : finite.reduce(0, +) / Double(finite.count)
  }
}

extension ModelCard {
  init(
    _ experiment: Experiment, _ cohort: PreparedCohort, _ method: any Method, iteration: Int, psnr: Double?,
    slices: Int
  ) {
    let manifest = cohort.manifest
    let training = cohort.subjects(in: .train)
    func median(_ values: [Double]) -> Double? {
      let sorted = values.sorted()
      return sorted.isEmpty ? nil : (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    }
    var scales: [Modality: Double] = [:]
    for modality in experiment.scenario.sources + [experiment.scenario.target] {
      scales[modality] = median(training.compactMap { $0.scale(of: modality) })
    }
    self.init(
      scenario: experiment.scenario, height: manifest.height, width: manifest.width,
      intensity: manifest.intensity,
      scales: scales, spacing: (0..<3).compactMap { axis in median(training.map { $0.spacing[axis] }) },
      sliceRule: manifest.sliceRule.description,
      trainedOn: "\(manifest.name) (\(manifest.layout)): \(training.count) subjects, \(slices) slices",
      iterations: iteration, validationPSNR: psnr, parameters: method.generator.parameters.count,
      versions: ["aginet": Version.current, "libtorch": LibTorch.version])
  }
}

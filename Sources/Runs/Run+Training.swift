import Cohorts
import Experiments
import Failures
import Files
import Foundation
import Imaging
import Torch
import Training

extension Run {
  /// Where a run takes place.
  public struct Setting: Sendable {
    public var device = Device.cpu
    /// Threads that read slices ahead.
    public var loaders = 1
    public var resumes = false
    public var overwrites = false
    /// The model that training starts from, where the experiment says that there is one; a resumed run needs it no more.
    public var start: ModelStart?
    public init() {}
  }

  /// Trains an experiment into a folder: from the start, or on from the last checkpoint.
  /// - Parameters:
  ///   - group: the processes that train together, each of which calls this with the same experiment and data: a batch is shared
  ///     out in equal parts, and rank 0 writes. What comes of it is what one process makes, but for rounding and for layers that look
  ///     over a batch (batch norm, SelfRDB's spread over it).
  ///   - shouldStop: asked after each step and within validation; where it says a kind of failure, the run is saved and
  ///     ends with that.
  ///   - observe: told what happens; what it throws ends the run without saving.
  /// - Throws: `.cannotWrite` where a run exists and is neither resumed nor overwritten, or is in use by another
  ///   process; `.notFound` where there is nothing to resume; `.inconsistent` where a resumed run was another
  ///   experiment or the cohort cannot serve it; `.usage` where the experiment is not one for the model that it starts from, or a
  ///   batch cannot be shared out; `.limit` where a step cannot fit into memory; `.numerical` from the
  ///   training loop, and what `shouldStop` says; `.unexpected` where another rank is lost.
  public static func train(
    _ experiment: Experiment, on data: TrainingData, into path: String, _ setting: Setting = Setting(),
    group: ProcessGroup? = nil, shouldStop: @escaping () -> Failure.Kind? = { nil },
    observe: @escaping (TrainingEvent) throws -> Void = { _ in }
  ) throws -> Run {
    try data.check(experiment.share(of: group?.size ?? 1), setting)
    guard setting.resumes || experiment.from.isEmpty == (setting.start == nil) else {
      throw Failure(
        .usage,
        experiment.from.isEmpty
          ? "the experiment starts from no model; let it be the start's own, or name none"
          : "the experiment starts from a model with SHA-256 \(experiment.from.prefix(12))…; name that (\(Term.start))"
      )
    }
    let folder = RunFolder(path)
    let digest = try data.digest
    let lock = try group?.isFirst ?? true ? take(folder, for: experiment, data, setting, observe) : nil
    defer { withExtendedLifetime(lock) {} }
    // Only now is rank 0 known to begin.
    if let group, try group.shared({ digest }) != digest {
      throw Failure(.inconsistent, "has other data to train on than rank 0")
    }
    let session = try TrainingSession(
      experiment, on: data, in: folder, setting,
      metadata: [TrainedModel.experimentKey: try experiment.json, dataKey: digest].merging(
        precision(on: setting.device)
      ) { $1 },
      group: group, shouldStop: shouldStop, observer: observe)
    try session.run()
    return Run(folder: folder, experiment: experiment)
  }

  /// Makes the folder a run's own, for as long as the lock lives.
  private static func take(
    _ folder: RunFolder, for experiment: Experiment, _ data: TrainingData, _ setting: Setting,
    _ observe: (TrainingEvent) throws -> Void
  ) throws -> FolderLock {
    if setting.resumes { _ = try resumable(in: folder.path) }
    try data.cohort?.refuse(output: folder.path)
    try RunFolder.make(folder.path)
    let lock = try FolderLock(folder.path)
    try prepare(folder, experiment, setting)
    if setting.resumes { try refuseOther(data, in: folder) }
    try data.trainedOn.write(to: folder)
    if setting.resumes {
      try Trainer.check(folder) { try MethodCatalog.build(experiment, device: .cpu) }
      try noteOtherPrecision(in: folder, on: setting.device, observe)
    }
    return lock
  }

  /// The same on a prepared cohort.
  public static func train(
    _ experiment: Experiment, on cohort: PreparedCohort, into path: String, _ setting: Setting = Setting(),
    shouldStop: @escaping () -> Failure.Kind? = { nil },
    observe: @escaping (TrainingEvent) throws -> Void = { _ in }
  ) throws -> Run {
    try train(
      experiment, on: .cohort(cohort), into: path, setting, shouldStop: shouldStop, observe: observe)
  }

  /// Refuses what cannot be trained, before anything is made.
  /// - Parameter besideHeads: whether heads are computed too.
  static func check(
    _ experiment: Experiment, on cohort: PreparedCohort, _ setting: Setting, besideHeads: Bool = false
  ) throws {
    // Contrasts that the cohort lacks are known from computed heads, or by the model that it starts from.
    let isKnown = experiment.completes && (besideHeads || !experiment.from.isEmpty)
    try isKnown ? experiment.scenario.check() : cohort.check(experiment.scenario)
    guard try experiment.rule == .percentile || !experiment.endsAtOne else {
      throw Failure(
        .usage,
        "images on the scale of their foreground have intensities above 1, which \(experiment.title) cannot make; choose a network of another kind, such as resunet"
      )
    }
    try MethodCatalog.check(experiment, on: cohort)
    try experiment.regions.map {
      try cohort.check($0, in: [.train, .validation], requiring: experiment.scenario.sources)
    }
    let fitted = try experiment.fitted(toVolumes: cohort.largestVolume)
    let contents = try SampleContents(of: fitted)
    for split in [Split.train, .validation] where split == .train || !cohort.subjects(in: split).isEmpty {
      _ = try cohort.batches(in: split, contents, batchSize: experiment.batchSize)
    }
    try fitted.checkMemory(onSlices: cohort.manifest.extent, trains: true, device: setting.device)
  }

  /// Makes the folder and writes the experiment, or makes sure that what is there may be continued.
  private static func prepare(_ folder: RunFolder, _ experiment: Experiment, _ setting: Setting) throws {
    let exists = FileManager.default.fileExists(atPath: folder.experiment)
    if setting.resumes {
      removeLeftovers(folder)
      try refuseAnother(experiment, in: folder)
    } else if exists {
      guard setting.overwrites else {
        let choice = "continue with \(Term.resumes), or replace with \(Term.overwrites)"
        throw Failure(.cannotWrite, "\(folder.path): a run exists here; \(choice)")
      }
      // What an earlier run learned must not pass for this one's; version 0.1.0 kept the best networks too.
      let known = [
        folder.model, folder.checkpoints + "/best.safetensors", folder.last, folder.log, folder.report,
        folder.path + "/evaluation", folder.start, folder.mean, folder.gain,
      ]
      let events = files(in: folder.path) { $0.hasPrefix("events.out.tfevents.") }
      for stale in known + events { try? FileManager.default.removeItem(atPath: stale) }
      removeLeftovers(folder)
    }
    try AtomicFile.write(try experiment.json, to: folder.experiment)
  }

  /// The metadata key under which a checkpoint names what it was trained on.
  private static var dataKey: String { "aginet.cohort" }

  package static func digest(of cohort: PreparedCohort) throws -> String {
    try SHA256.ofFile(cohort.folder + "/" + CohortManifest.fileName).digest
  }

  /// A run that went on with other images would be neither the one run nor the other.
  private static func refuseOther(_ data: TrainingData, in folder: RunFolder) throws {
    guard folder.hasCheckpoint else { return }
    let before = try Safetensors(contentsOf: folder.last, verifying: false).metadata[dataKey]
    guard try before == nil || before == data.digest else {
      throw Failure(
        .inconsistent,
        "\(folder.path): was trained on \(data.others(TrainedOn(folder))), or train anew"
      )
    }
  }

  /// Removes the unfinished files of a run that was killed while it wrote. The folder must be locked.
  private static func removeLeftovers(_ folder: RunFolder) {
    for path in [folder.path, folder.checkpoints] {
      for file in files(in: path, { $0.hasPrefix(".") && $0.hasSuffix(".partial") }) {
        try? FileManager.default.removeItem(atPath: file)
      }
    }
  }

  private static func files(in folder: String, _ isMeant: (String) -> Bool) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.filter(isMeant).map { "\(folder)/\($0)" }
  }
}

import Cohorts
import Experiments
import Failures
import Files
import Foundation
import Imaging
import Methods
import Networks
import Runs
import Torch
import Training

/// The paper's tables and figures computed anew on one prepared cohort, in one folder.
///
/// Every experiment is trained once, in `runs/<name>`, whatever number of tables it stands in; what an interrupted call
/// has begun, the next one continues, and what is there is not computed again.
public struct Reproduction {
  public struct Settings: Sendable {
    /// What all experiments share.
    public var base = Experiment()
    /// Whether `base` names the regions that are segmented; where not, they follow the label maps, if it has the usual ones.
    public var namesRegions = false
    /// Runs of each experiment, with the seeds 1, 2, …
    public var seeds = 1
    /// Most slices of the test split that a run is scored on, spread evenly; all where nothing is said. What is of volumes is
    /// scored on whole subjects, as many as have about so many slices, and one at least.
    public var slices: Int?
    /// How methods that draw their images do so while they are scored; what is nil is as it was trained with.
    public var sampling = SamplingChange()
    /// Slices through a network at a time while scoring.
    public var batchSize = 4
    public var device = Device.cpu
    /// Those of `LibTorch` while it works: what whole volumes cost is told apart by them.
    public var threads = LibTorch.threads
    /// Threads that read slices ahead.
    public var loaders = 1
    public init() {}
  }

  /// What a person watching is told.
  public enum Event {
    /// Before anything is trained: runs that are needed, and how many of them are there.
    case planned(runs: Int, finished: Int)
    case training(number: Int, of: Int, experiment: Experiment, TrainingEvent)
    /// A run ended in numbers that are none; the rest goes on.
    case failed(experiment: Experiment, message: String)
    case scoring(name: String, done: Int, of: Int)
    /// Subjects that are segmented.
    case segmenting(name: String, done: Int, of: Int)
  }

  public let folder: String
  public let cohort: PreparedCohort
  public let settings: Settings
  public var observe: (Event) throws -> Void = { _ in }
  /// Asked again and again; where it says a kind of failure, what was done is saved and the work ends with that.
  public var shouldStop: () -> Failure.Kind? = { nil }
  /// SHA-256 of the cohort's manifest.
  let cohortDigest: String
  let labels: LabelMaps

  public init(in folder: String, on cohort: PreparedCohort, _ settings: Settings) throws {
    func check(_ term: Term, _ value: Int?, isFine: (Int) -> Bool, _ rule: String) throws {
      guard let value, !isFine(value) else { return }
      throw Failure(.usage, "\(term("\(value)")): must be \(rule)")
    }
    let sampling = settings.sampling
    try check(.seeds, settings.seeds, isFine: (1...1000).contains, "from 1 to 1000")
    try check(.slices, settings.slices, isFine: { $0 >= 1 }, "1 or more")
    try check(.steps, sampling.steps, isFine: { $0 >= 0 }, "0 (all) or more")
    try check(.samples, sampling.samples, isFine: (1...1000).contains, "from 1 to 1000")
    (self.folder, self.cohort, self.settings) = (folder, cohort, settings)
    (cohortDigest, labels) = (try Run.digest(of: cohort), LabelMaps(cohort))
    _ = try cohort.slices(in: .test)
  }

  // MARK: - What can be done

  /// A study without the rows that cannot be had here, with the published networks fitted to what they see of the cohort.
  public struct Admission: Sendable {
    public var study: Study
    /// What was left out or had to be decided, and why.
    public var notes: [String]
    /// Whether no row is left out, but for those that are shown where they happen to be trained.
    public var isWhole: Bool
  }

  /// Refuses sampling steps that a study's processes do not have: better now than after hours of training.
  /// - Throws: `.usage`; never for a study that draws nothing.
  public func checkSampling(of study: Study) throws {
    guard let steps = settings.sampling.steps else { return }
    let processes = study.rows.flatMap(\.experiments).compactMap(\.processSteps)
    guard let fewest = processes.min(), steps > fewest else { return }
    throw Failure(
      .usage, "\(Term.steps("\(steps)")): \(study.name) draws by processes of \(fewest) steps; 0 takes all")
  }

  /// - Parameter strictly: whether a study that needs all its rows is refused where one cannot be had.
  /// - Throws: `.inconsistent` where the cohort lacks a modality or label maps, `.usage` where the settings rule the study out,
  ///   `.limit` where it is memory alone that does.
  public func admit(_ study: Study, strictly: Bool = true) throws -> Admission {
    try checkSampling(of: study)
    if let reason = study.refusal(by: cohort.manifest) { throw Failure(.inconsistent, reason) }
    var admitted = try study.mapping(fitted)
    if let segmentation = admitted.segmentation { try check(segmentation, judging: study) }
    var (notes, kinds): ([String], Set<Failure.Kind>) = ([], [])
    admitted.rows = try admitted.rows.filter { row in
      if row.standing == .ifTrained { return try row.experiments.allSatisfy(isTrained) }
      guard let reason = refusal(of: row) else { return true }
      notes.append("\(row.title) is left out: \(reason)")
      kinds.insert((reason as? Failure)?.kind ?? .usage)
      return false
    }
    let kind = kinds == [.limit] ? Failure.Kind.limit : .usage
    if strictly && study.needsAllRows, let note = notes.first {
      throw Failure(kind, "\(study.name): \(note); choose another \(Term.width)")
    }
    guard !admitted.rows.isEmpty else {
      throw Failure(kind, "\(study.name): nothing of it can be had: \(notes.joined(separator: "; "))")
    }
    let isWhole = notes.isEmpty
    if admitted.segmentation != nil, let note = labels.note { notes.append(note) }
    return Admission(study: admitted, notes: notes, isWhole: isWhole)
  }

  /// Why a row cannot be trained, or nil.
  private func refusal(of row: Study.Row) -> (any Error)? {
    do {
      try row.experiments.forEach(check)
      return nil
    } catch {
      return error
    }
  }

  /// Refuses what cannot be trained here.
  func check(_ experiment: Experiment) throws {
    try experiment.check()
    try cohort.check(experiment.scenario)
    try MethodCatalog.check(experiment, on: cohort)
    try experiment.fitted(toVolumes: cohort.largestVolume).checkMemory(
      onSlices: cohort.manifest.extent, trains: true, device: settings.device)
  }

  /// With what the compared methods need on what they see of the cohort, and the regions that its label maps have.
  private func fitted(_ experiment: Experiment) throws -> Experiment {
    let seen = experiment.region.fitted(to: cohort.largestVolume).extent(ofSlices: cohort.manifest.extent)
    let fitted = experiment.fitted(to: seen)
    guard experiment.regions != nil, !settings.namesRegions else { return fitted }
    return try labels.naming(regionsOf: fitted)
  }

  private func isTrained(_ experiment: Experiment) throws -> Bool {
    guard (try? experiment.check()) != nil else { return false }
    return try seeded(experiment).allSatisfy { try state(of: $0) == .finished }
  }

  // MARK: - Runs

  /// An experiment with each seed; the shifts of training images are drawn anew as well.
  func seeded(_ experiment: Experiment) -> [Experiment] {
    (1...UInt64(settings.seeds)).map { seed in
      var copy = experiment
      copy.seed = seed
      if copy.perturbation.radius > 0 { copy.perturbation.seed = seed }
      return copy
    }
  }

  /// Everything that is trained for some studies, each once.
  public func experiments(for studies: [Study]) -> [Experiment] {
    studies.flatMap(\.experiments).flatMap(seeded).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
  }

  /// Where an experiment's run lies: named for what is told apart at a glance, and for all settings in short.
  ///
  /// What is left at its default does not count, so that settings which later versions add change no name.
  public func runFolder(of experiment: Experiment) throws -> RunFolder {
    // Settings that were moved count under their first names.
    let former = Experiment.moved.merging(["network": "network.name"]) { first, _ in first }
    let differences = try experiment.differences(from: Experiment()).map { word in
      former.first { word.hasPrefix("\($0.value) ") }
        .map { $0.key + word.dropFirst($0.value.count) } ?? word
    }
    var hash = SHA256()
    for word in [cohortDigest] + differences.sorted() {
      Array("\(word)\n".utf8).withUnsafeBytes { hash.update($0) }
    }
    let scenario = experiment.scenario
    let sources = scenario.sources.map(\.rawValue).joined(separator: "+")
    var words = [experiment.method, experiment.network.name, "\(sources)-\(scenario.target.rawValue)"]
    if experiment.region != .slice { words.append("\(experiment.region)".replacing(":", with: "")) }
    if experiment.perturbation.radius > 0 { words.append("shift\(experiment.perturbation.radius)") }
    words += [
      "w\(experiment.network.width)", "seed\(experiment.seed)", String(hash.hexadecimal().prefix(10)),
    ]
    return RunFolder("\(folder)/runs/\(words.joined(separator: "-"))")
  }

  public enum State: Sendable, Equatable {
    case missing
    /// Stopped after so many iterations, with a checkpoint.
    case begun(Int)
    case finished
    /// Ended in numbers that are none.
    case failed(String)
  }

  /// - Throws: `.inconsistent` where the folder holds another experiment.
  public func state(of experiment: Experiment) throws -> State {
    let run = try runFolder(of: experiment)
    let stands = FileManager.default.fileExists(atPath: run.experiment)
    guard stands || run.hasCheckpoint else { return .missing }
    let held = try stands ? Run(opening: run.path).experiment : Run.resumable(in: run.path, verifying: false)
    if let changes = try experiment.changes(from: held) {
      throw Failure(.inconsistent, "\(run.path): holds another experiment (\(changes)); move it away")
    }
    if let data = FileManager.default.contents(atPath: failureFile(run)) {
      return .failed(String(decoding: data, as: UTF8.self).trimmingCharacters(in: .newlines))
    }
    // A run that came to its end needs no checkpoint any more, which may have been removed for its size.
    let iteration = try run.hasCheckpoint ? Trainer.iteration(of: run) ?? 0 : run.loggedIteration
    let isWhole =
      stands && iteration >= experiment.iterations && FileManager.default.fileExists(atPath: run.model)
    return isWhole ? .finished : run.hasCheckpoint ? .begun(iteration) : .missing
  }

  /// The model of an experiment's first run that did not fail; nothing where all did.
  public func model(of experiment: Experiment) throws -> TrainedModel? {
    for seeded in seeded(experiment) where try state(of: seeded) == .finished {
      return try Run(opening: runFolder(of: seeded).path).model(device: settings.device)
    }
    return nil
  }

  /// Holds what a run failed of, so that it is not trained to the same end again.
  private func failureFile(_ run: RunFolder) -> String { run.path + "/failed.txt" }

  /// Trains what is missing and goes on with what was begun.
  /// - Throws: `.interrupted`, `.terminated` and `.hungUp` after saving; what `Run.train` throws, but for a run that diverges, which
  ///   is remembered as failed.
  public func train(_ studies: [Study]) throws {
    let needed = experiments(for: studies)
    let finished = try needed.count { try state(of: $0) == .finished }
    try observe(.planned(runs: needed.count, finished: finished))
    for (index, experiment) in needed.enumerated() {
      let run = try runFolder(of: experiment)
      var setting = Run.Setting()
      (setting.device, setting.loaders) = (settings.device, settings.loaders)
      // As it is now: another process may have begun or finished it since.
      switch try state(of: experiment) {
      case .finished, .failed: continue
      case .begun: setting.resumes = true
      // What was begun here and came to no checkpoint is not worth keeping; what is begun by another from now on is.
      case .missing: setting.overwrites = FileManager.default.fileExists(atPath: run.experiment)
      }
      do {
        _ = try Run.train(experiment, on: cohort, into: run.path, setting, shouldStop: shouldStop) {
          try observe(.training(number: index + 1, of: needed.count, experiment: experiment, $0))
        }
      } catch let failure as Failure where failure.kind == .numerical {
        try AtomicFile.write(failure.message + "\n", to: failureFile(run))
        try observe(.failed(experiment: experiment, message: failure.message))
      } catch let failure as Failure where failure.isStop {
        throw Failure(failure.kind, "stopped in \(run.path), saved; the same command goes on from there")
      }
    }
  }
}

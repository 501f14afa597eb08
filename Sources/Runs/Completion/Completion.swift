import Cohorts
import Experiments
import Failures
import Files
import Foundation
import Imaging
import Inference
import Synchronization
import Torch

/// For every person of a BIDS data set the contrasts that are lacking, computed from those that are there, as a data set of
/// derivatives.
///
/// It may be stopped at any moment and started again: what stands there whole is not computed again, and no file is ever
/// partial. Several processes may work on different people of one data set at once. A person who cannot be completed stops
/// nobody else.
public struct Completion: Sendable {
  public struct Options: Sendable {
    public var targets = Targets.usual
    /// Whose scans are completed, by what stands after `sub-`; empty for everyone's.
    public var participants: [String] = []
    /// Of which sessions, by what stands after `ses-`; empty for all.
    public var sessions: [String] = []
    /// Whether what stands there is computed again, and doubts whether the model serves a person are passed over.
    public var replaces = false
    /// Whether a model goes on where it may not serve a person.
    public var acceptsDoubts = false
    public var batchSize = 2
    /// As `Synthesizer` has it.
    public var isAxialAlone = false
    public var biasField = BiasFieldRule.automatic
    public var alignment = ScanAlignment()
    public var voxelLimit = NIfTI.defaultVoxelLimit
    /// Of several processes that share people out, which one this is and how many there are: each completes every so many-th.
    public var part = 0, parts = 1
    /// People at a time; nil takes as many as keep all cores at work.
    public var jobs: Int?
    /// Called first thing on every further thread that computes.
    public var onThread: @Sendable () -> Void = {}

    public init() {}
  }

  /// The contrasts that are wanted.
  public enum Targets: Sendable, Equatable {
    /// T1, T2 and FLAIR; of a model that makes one contrast, that.
    case usual
    /// Whatever the model makes.
    case all
    case these([Modality])
  }

  public let folder: CompletionFolder
  public let cohort: BIDSCohort
  /// The contrasts that everyone should have.
  public let wanted: [Modality]
  let modelFile: String, device: Device, options: Options
  /// Of all processes together, in order.
  private let tasks: [CompletionTask]
  /// Everyone in the data set, by identifier.
  private let everyone: [String]

  /// Looks at the names in the data set and at the model; makes nothing.
  /// - Parameters:
  ///   - model: reads a model of missing contrasts, or of one contrast.
  ///   - output: the folder of derivatives; `derivatives/NAME` in the data set's own folder or one beside it.
  /// - Throws: `.usage` for a segmentation and for targets that the model does not make, `.notFound` for labels that the data
  ///   set does not have, `.cannotWrite` for an output in or around the data set, `.refused` for a data set that was computed
  ///   itself.
  public init(of cohort: BIDSCohort, by model: TrainedModel, into output: String, _ options: Options) throws {
    _ = try model.synthesizer
    try Path.refuse(output, inside: cohort.folder, except: "derivatives")
    guard !CompletionFolder.isGenerated(cohort.folder) else {
      throw Failure(
        .refused, "\(cohort.folder): holds images that were computed; name the data set with the scans")
    }
    let scenario = model.card.scenario
    wanted = try options.targets.wanted(of: scenario)
    let chosen = try Completion.chosen(cohort, options)
    tasks = cohort.subjects.filter { chosen.contains($0.id) }.map { [wanted] in
      CompletionTask($0, wanted: wanted, scenario: scenario, by: options.alignment)
    }
    (self.cohort, self.options, folder) = (cohort, options, CompletionFolder(output))
    (modelFile, device) = (model.file, model.device)
    everyone = cohort.subjects.map(\.id)
  }

  /// Who is completed, by all processes together, in order.
  public var people: [CompletedPerson] { tasks.map(\.person) }

  /// What one of the processes does.
  func tasks(of part: Int) -> [CompletionTask] {
    tasks.enumerated().filter { $0.offset % options.parts == part }.map(\.element)
  }

  /// Identifiers of those whom the labels name.
  /// - Throws: `.notFound` for labels that nobody has.
  private static func chosen(_ cohort: BIDSCohort, _ options: Options) throws -> Set<String> {
    func picked(_ labels: [String], _ prefix: String, _ known: [String]) throws -> Set<String>? {
      if labels.isEmpty { return nil }
      let names = labels.map { $0.hasPrefix(prefix) ? $0 : prefix + $0 }
      let unknown = names.filter { !known.contains($0) }
      guard unknown.isEmpty else {
        let there = Set(known).sorted()
        let list = there.isEmpty ? "there is none" : "there are \(there.listed)"
        let advice = unknown.contains { $0.contains(",") } ? "; labels are separated by blanks" : ""
        throw Failure(.notFound, "\(cohort.folder): has no \(unknown.listed); \(list)\(advice)")
      }
      return Set(names)
    }
    let subjects = cohort.subjects
    let patients = try picked(options.participants, "sub-", subjects.map(\.patient))
    let sessions = try picked(options.sessions, "ses-", subjects.compactMap(\.session))
    let chosen = subjects.filter { subject in
      patients?.contains(subject.patient) ?? true
        && sessions.map { names in subject.session.map(names.contains) ?? false } ?? true
    }
    guard !chosen.isEmpty else {
      throw Failure(.notFound, "\(cohort.folder): nobody who was named has the sessions that were named")
    }
    return Set(chosen.map(\.id))
  }

  /// Completes them.
  ///
  /// With several jobs every one has the model for itself and its share of the threads.
  /// - Parameters:
  ///   - model: that of `init`.
  ///   - shouldStop: asked between slices; where it says a kind of failure, the work ends there with it.
  ///   - progress: people done, of how many of this process's, and the one just done; one call at a time.
  /// - Throws: `.cannotWrite`, and what `shouldStop` says.
  public func run(
    _ model: TrainedModel, shouldStop: @escaping @Sendable () -> Failure.Kind? = { nil },
    progress: @escaping @Sendable (Int, Int, CompletedPerson) -> Void = { _, _, _ in }
  ) throws {
    try folder.prepare(for: cohort)
    let tasks = tasks(of: options.part)
    let queue = Queue(count: tasks.count)
    let work: @Sendable (TrainedModel) throws -> Void = { [self] model in
      while let place = queue.next() {
        let person = try complete(tasks[place], by: model, shouldStop)
        try folder.keep(person)
        queue.finish { progress($0, tasks.count, person) }
      }
    }
    let jobs = jobs(for: tasks, by: model)
    let outcome = Result { try jobs > 1 ? share(work, among: jobs) : work(model) }
    // Now there is what there is, also where it was stopped.
    try folder.describe(cohort)
    try outcome.get()
  }

  /// Has so many threads work at once, each with a model of its own.
  private func share(_ work: @escaping @Sendable (TrainedModel) throws -> Void, among jobs: Int) throws {
    let threads = LibTorch.threads
    LibTorch.threads = max(1, threads / jobs)
    defer { LibTorch.threads = threads }
    try Parallel.forEach(count: jobs, threads: jobs) { _ in
      options.onThread()
      try work(TrainedModel(file: modelFile, device: device))
    }
  }

  /// Who comes next, and how many are done.
  private final class Queue: Sendable {
    private let state: Mutex<(next: Int, done: Int)> = Mutex((0, 0))
    private let count: Int

    init(count: Int) { self.count = count }

    func next() -> Int? {
      state.withLock { state in
        guard state.next < count else { return nil }
        defer { state.next += 1 }
        return state.next
      }
    }

    func finish(_ body: (Int) -> Void) {
      state.withLock { state in
        state.done += 1
        body(state.done)
      }
    }
  }

  /// How many people at a time: no more than there are, than were asked for and than memory holds.
  func jobs(for tasks: [CompletionTask], by model: TrainedModel) -> Int {
    // An operation of a network keeps about four cores busy.
    let asked = options.jobs ?? (device == .cpu ? max(1, LibTorch.threads / 4) : 1)
    let jobs = min(asked, tasks.count { !$0.lacking.isEmpty })
    guard jobs > 1, device == .cpu,
      // One whose scans do not fit together takes no memory.
      let estimate = largestFirst(tasks).lazy.compactMap({ task in
        try? synthesis(of: task.lacking, by: model).estimate(task.files)
      }).first,
      let limit = estimate.limit, let program = estimate.program, let batch = estimate.batch
    else { return max(1, jobs) }
    return max(1, min(jobs, (limit - program) / max(1, estimate.images + batch)))
  }

  /// Whoever something can be computed of, by the voxels of all images, the most first: several at a time may be such.
  private func largestFirst(_ tasks: [CompletionTask]) -> [CompletionTask] {
    let sizes = tasks.filter(\.canBegin).map { task in
      let header = try? NIfTI.readHeader(path: task.files[0].path, limit: options.voxelLimit)
      return (task: task, voxels: (header?.grid.voxelCount ?? 0) * (task.files.count + task.lacking.count))
    }
    // Of equals the first, whatever the sort.
    return sizes.enumerated().sorted { ($1.element.voxels, $0.offset) < ($0.element.voxels, $1.offset) }
      .map(\.element.task)
  }

  /// The order in which people are taken for the one by whom memory is judged, by identifier.
  package var largestFirst: [String] { largestFirst(tasks).map(\.subject.id) }

  /// What stands in the folder of everyone in the data set, whoever computed it and when.
  public func found() -> [CompletedPerson] { folder.people(everyone) }

  /// Writes the table of everyone with whom anybody began.
  /// - Throws: `.cannotWrite`.
  public func writeTable() throws {
    try folder.write(found().table, to: CompletionFolder.table)
    let words = CompletedPerson.columns.map { ($0.name, ["Description": $0.words]) }
    try folder.write(
      Dictionary(words) { first, _ in first }.json() + "\n", to: CompletionFolder.dictionary)
  }
}

extension Completion.Targets {
  /// - Throws: `.usage` for what the model does not make.
  fileprivate func wanted(of scenario: Scenario) throws -> [Modality] {
    let made = scenario.made
    switch self {
    case .usual:
      let usual = made.filter { [.t1, .t2, .flair].contains($0) }
      return scenario.target == .missing && !usual.isEmpty ? usual : made
    case .all: return made
    case .these(let targets):
      if let other = targets.first(where: { !made.contains($0) }) {
        throw Failure(.usage, "\(Term.targets) \(other.rawValue): the model makes \(made.titles)")
      }
      return made.filter(targets.contains)
    }
  }
}

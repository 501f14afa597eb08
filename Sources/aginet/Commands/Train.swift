import ArgumentParser
import Cohorts
import Experiments
import Failures
import Files
import Foundation
import Imaging
import Inference
import Methods
import Runs
import Torch
import Training

struct Train: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Train a method on a prepared cohort, or on heads that are computed.",
    discussion: example(
      "aginet train --sources t1,t2 --target pd --iterations 400 --batch 4 \\",
      "    --width 16 --data cohort -o run"
    ))

  @Argument(help: "An experiment as JSON: only what differs from the defaults.")
  var experiment: String?
  @OptionGroup var options: ExperimentOptions
  @Option(help: "The prepared cohort.")
  var data: String?
  @Option(
    help:
      "Instead of it a folder of label maps: slices of heads are computed of them by MR physics, without end. Beside --data, of method unified: physics.share of the batches are such slices, and the others the cohort's."
  )
  var anatomies: String?
  @Option(
    help:
      "A model whose weights training starts from: a .safetensors file, a run folder, or the name of one that came with the program. Unless they are named, the settings are the model's, with a tenth of its rate (where it went on from another itself half, or as much less as batches are smaller), batches of 4 at most and 2,000 steps."
  )
  var from: String?
  @Option(name: .shortAndLong, help: "The run folder.")
  var output: String

  @Option(
    help:
      "Threads that read or compute slices ahead (default: 1; beside a GPU that trains on computed heads one for every core but one, 16 at most)."
  )
  var loaders: Int?
  @Flag(help: "Continue the run in the output folder from its last checkpoint.")
  var resume = false
  @Flag(help: "Replace a run in the output folder.")
  var force = false
  @Flag(help: "Print the merged experiment and stop.")
  var dryRun = false
  @Flag(help: "Say what memory and time it will take, by a step or two, and write nothing.")
  var estimate = false
  @Flag(help: "With --estimate: print it as JSON.")
  var json = false
  @OptionGroup var exactness: PrecisionOptions
  @OptionGroup var ranks: RankOptions
  @OptionGroup var compute: ComputeOptions

  func run() throws {
    guard estimate || !json else { throw Failure(.usage, "--json goes with --estimate") }
    guard data != nil || anatomies != nil else {
      throw Failure(.usage, "name what to train on: --data COHORT, --anatomies DIR, or both")
    }
    if dryRun { return try train(nil) }
    if estimate { return try ranks.estimate(with: compute) { try train(nil, among: $0) } }
    try ranks.run("train \(output)", with: compute) { try train($0) }
  }

  /// - Parameter ranks: of an estimate, how many processes there would be.
  private func train(_ group: ProcessGroup?, among ranks: Int = 1) throws {
    let start = try from.map { try ModelStart(file: ShippedModel.file($0)) }
    let (resumes, overwrites) = try beginning(group)
    let experiment = try group.experiment {
      // A resumed run is its checkpoint's, and needs no settings again.
      try Experiment(
        file: self.experiment, settings: (resumes ? [] : mixing) + options.written(),
        over: resumes ? Run.resumable(in: output) : start?.experiment)
    }
    noteUnread(by: experiment)
    if dryRun { return try Console.result(experiment.json, terminator: "") }
    if let loaders { try check("loaders", loaders, Bounds.loaders) }
    let device = try compute.apply(group)
    try applyPrecision(on: device, resumes, group)
    let data = try opened()
    var setting = Run.Setting()
    // A GPU takes a batch sooner than one core computes it.
    let feeders = device != .cpu && anatomies != nil ? min(16, max(1, Parallel.coreCount - 1)) : 1
    (setting.device, setting.loaders) = (device, loaders ?? feeders)
    (setting.resumes, setting.overwrites) = (resumes, overwrites)
    setting.start = start
    if estimate {
      return try Run.estimate(experiment, on: data, setting, ranks: ranks).print(asJSON: json, on: device)
    }
    Interruption.watch()
    var display = TrainingDisplay(experiment, isComputed: self.data == nil)
    let run = try Run.train(
      experiment, on: data, into: output, setting, group: group, shouldStop: { Interruption.requested },
      observe: { display.show($0) })
    // What is saved is there, whatever becomes of the name.
    if group.isFirst { try Console.result(run.folder.model) }
  }

  /// Says what was set of another framework than the one that is trained, which has no effect.
  private func noteUnread(by experiment: Experiment) {
    for setting in options.settings.settings {
      let owner = setting.prefix { $0 != "." }
      guard setting.contains("."), owner != experiment.method, MethodCatalog.names.contains(String(owner))
      else {
        continue
      }
      Console.note("note: \(Term.settings(setting.printable)) has no effect on \(experiment.method)")
    }
  }

  /// Whether a run that is there is taken up, or replaced. Where a launcher has started all ranks anew, it is taken up from its
  /// checkpoint, and begun again where it had not come to learn anything.
  private func beginning(_ group: ProcessGroup?) throws -> (resumes: Bool, overwrites: Bool) {
    let attempt = try group?.attempt ?? Meeting.attempt(ProcessInfo.processInfo.environment)
    guard attempt > 0, !resume else { return (resume, force) }
    let folder = RunFolder(output)
    return (folder.hasCheckpoint, force || !FileManager.default.fileExists(atPath: folder.model))
  }

  /// A run goes on as it was trained, where there is a GPU for it; rank 0 has its folder.
  private func applyPrecision(on device: Device, _ resumes: Bool, _ group: ProcessGroup?) throws {
    var recorded = Precision.float32
    if device != .cpu {
      let text = try group.shared {
        try (resumes ? Run.precision(in: output) : .float32).rawValue
      }
      recorded = Precision(rawValue: text) ?? recorded
    }
    try exactness.apply(on: device, otherwise: recorded)
  }

  /// Computed heads lie on the scale of the foreground, and so must a cohort beside them.
  private var mixing: [String] {
    data != nil && anatomies != nil
      ? ["\(Unified.name).intensity=\(IntensityRule.foreground.rawValue)"] : []
  }

  private func opened() throws -> TrainingData {
    guard let anatomies else { return .cohort(try openedCohort(data ?? "")) }
    guard !Path.isInside(output, anatomies) else {
      throw Failure(
        .refused,
        "\(output): is in the folder of anatomies, an input, which is never written to; choose another -o")
    }
    let heads = try Anatomies(folder: anatomies)
    return try data.map { .mixed(try openedCohort($0), heads) } ?? .anatomies(heads)
  }
}

extension Precision: ExpressibleByArgument {}

/// A training run on the screen.
struct TrainingDisplay {
  private let title: String, iterations: Int
  /// What it is trained on: slices, patches.
  private let samples: String
  /// Whether of anatomies, and not of scans.
  private let isComputed: Bool
  private var bar: ProgressBar?
  private var average: [String: Double] = [:]
  private var score: Score?
  private var lowest = Double.infinity
  private var hasWarned = false

  init(_ experiment: Experiment, isComputed: Bool = false) {
    (title, iterations) = (experiment.title, experiment.iterations)
    samples = experiment.region.samples
    self.isComputed = isComputed
  }

  mutating func show(_ event: TrainingEvent) {
    switch event {
    case .started(let networks, let training, let validation, let from):
      let sizes = networks.map { "\($0.name) \($0.parameters.formatted()) parameters" }.joined(
        separator: ", ")
      let source = isComputed ? "anatomies" : "training \(samples)"
      Console.note("\(title): \(sizes); \(training) \(source), \(validation) for validation")
      if from > 0 { Console.note("continuing at iteration \(from)") }
      bar = ProgressBar(title, unit: "it", from: from)
    case .step(let iteration, let losses, _, _):
      // Losses jump from batch to batch; a moving average shows where they go.
      for loss in losses {
        average[loss.name] = average[loss.name].map { $0 * 0.95 + loss.value * 0.05 } ?? loss.value
      }
      warn(of: average["l1"], at: iteration)
      var text = losses.map { "\($0.name) \(String(format: "%.4f", average[$0.name] ?? $0.value))" }
      if let score { text.append("val \(score.figure)") }
      let total = iterations
      bar?.show(iteration, of: total, text.joined(separator: "  "))
    case .validated(_, let new, _): score = new
    case .saving, .saved: break
    case .compared(let rows):
      let width = rows.map(\.weights.count).max() ?? 0
      // Beside the figures of an assessment these would be taken for the brain's.
      let scope = rows.first?.score.scope.map { " \($0); aginet assess measures the brain alone" }
      Console.note("at validation\(scope ?? ""):")
      for row in rows {
        let name = row.weights.padding(toLength: width, withPad: " ", startingAt: 0)
        Console.note("  \(name)  \(row.score.words)  \(row.file)")
      }
    case .note(let text): Console.note("note: \(text)")
    case .finished(_, let waited, let best):
      let share = String(format: "%.1f %%", 100 * waited)
      Console.note(
        "data loading took \(share) of the time\(best.map { "; best validation \($0.words)" } ?? "")"
      )
    }
  }

  /// Says once that the error has grown far beyond what it was: the network has no normalisation to hold it.
  private mutating func warn(of error: Double?, at iteration: Int) {
    guard let error else { return }
    lowest = min(lowest, error)
    guard error > 10 * lowest, !hasWarned else { return }
    hasWarned = true
    Console.note(
      "\nwarning: at iteration \(iteration) l1 is ten times its lowest: training diverges; the best weights so far are kept, "
        + "a lower --rate helps")
  }
}

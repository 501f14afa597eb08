import Cohorts
import Experiments
import Failures
import Files
import Inference
import Metrics
import Runs
import Torch
import Training

/// One or more runs on one split, as a page that opens without a network and needs no program but a browser.
///
/// It holds the scores and whether they beat the baselines, pictures of the subject with the median and of the one
/// with the lowest PSNR, the training curves, and what the CAGR modules learned.
public struct Report {
  public struct Options: Sendable {
    /// Slices through a network at a time.
    public var batchSize = 4
    /// Slices, spread over the split, on which the CAGR modules are watched.
    public var routingSlices = 64
    /// The command lines that made this, as they would be typed.
    public var commands: [String] = []
    public init() {}
  }

  struct Entry {
    var run: Run
    /// As the assessment's rows call it.
    var name: String
    var card: ModelCard
    var sha256: String
    var log: TrainingLog
    var time: TrainingTime?
    /// Nothing for a network without CAGR modules.
    var routing: RoutingSummary?

    init(_ run: Run, named name: String, _ model: TrainedModel, routing: RoutingSummary? = nil) {
      (self.run, self.name, self.routing) = (run, name, routing)
      (card, sha256) = (model.card, model.sha256)
      (log, time) = (TrainingLog(path: run.folder.log), TrainingTime(folder: run.folder.path))
    }
  }

  let entries: [Entry]
  let assessment: Assessment
  let manifest: CohortManifest
  let cohortHash: String
  let options: Options
  /// With a few words on why it is shown.
  let montages: [(montage: Montage, reason: String)]
  /// By run; nothing for networks without CAGR modules.
  public var routing: [RoutingSummary?] { entries.map(\.routing) }

  /// Puts together what is shown: pictures of what was scored, without another pass through the networks. Only those with
  /// CAGR modules see some slices again, watched.
  /// - Parameters:
  ///   - runs: those that `assessment` is of, in its order.
  ///   - assessment: one that keeps predictions (`Assessment.Options.shown`).
  ///   - progress: (what is done, slices done, of how many).
  /// - Throws: `.usage` for an assessment that keeps no predictions, and what reading models and cohort throws.
  public init(
    _ runs: [Run], assessment: Assessment, cohort: PreparedCohort, options: Options = Options(),
    device: Device = .cpu, progress: @escaping (String, Int, Int) throws -> Void = { _, _, _ in }
  ) throws {
    guard !runs.isEmpty, assessment.models.count >= runs.count else {
      throw Failure(.usage, "a report needs one or more runs, and an assessment of the same runs")
    }
    guard !assessment.shown.subjects.isEmpty else {
      throw Failure(.usage, "a report pictures what was scored: the assessment must keep subjects to show")
    }
    entries = try zip(runs, assessment.models).map { run, scores in
      let model = try run.model(device: device)
      return Entry(
        run, named: scores.name, model,
        routing: try RoutingSummary(
          model, named: scores.name, on: options.routingSlices, in: assessment.split, of: cohort,
          batchSize: options.batchSize
        ) { try progress("routing of \(scores.name)", $0, $1) })
    }
    // Beside the networks, the baseline that is hardest to beat.
    let baseline = Verdict.best(of: Array(assessment.models.dropFirst(assessment.networks)))?.name
    let names = entries.map(\.name) + assessment.outside.map(\.name) + [baseline].compactMap { $0 }
    montages = try assessment.shown.subjects.map { subject, reason in
      let montage = try Montage(of: subject, in: cohort, scenario: assessment.scenario, models: names) {
        assessment.shown.prediction(of: subject.id, slice: $0, by: $1)
      }
      return (montage, reason.words(of: assessment.models[0].name))
    }
    self.assessment = assessment
    self.options = options
    manifest = cohort.manifest
    cohortHash = try Run.digest(of: cohort)
  }

  /// Writes the page, and what the CAGR modules learned as `routing.json` beside each run's scores.
  public func write(to path: String) throws {
    let page = try html
    for entry in entries {
      guard let routing = entry.routing else { continue }
      let folder = entry.run.folder.evaluation(assessment.split.rawValue)
      try RunFolder.make(folder)
      try AtomicFile.write(routing.json() + "\n", to: folder + "/routing.json")
    }
    try RunFolder.make(Path.folder(path))
    try AtomicFile.write(page, to: path)
  }
}

extension ShownSubjects.Reason {
  /// - Parameter model: the run whose PSNR it is.
  func words(of model: String) -> String { words(of: model, "PSNR") { "\(number($0, 2)) dB" } }

  /// - Parameters:
  ///   - model: the run whose figure it is.
  ///   - figure: how that is called, and written.
  func words(of model: String, _ figure: String, _ written: (Double) -> String) -> String {
    func words(_ what: String, _ value: Double) -> String {
      "\(what) \(figure) of \(model), \(written(value))"
    }
    return switch self {
    case .named: "chosen by name"
    case .median(let value): words("in the middle of all by", value)
    case .lowest(let value): words("the lowest", value)
    case .only(let value): "the only subject; " + words("mean", value)
    case .first: "the first subject; it has no finite \(figure)"
    }
  }
}

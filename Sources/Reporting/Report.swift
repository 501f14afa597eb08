import Cohorts
import Experiments
import Failures
import Files
import Foundation
import Imaging
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
    /// Subjects to picture; without any, the one with the median PSNR of the first run and the one with the lowest.
    public var subjects: [String] = []
    /// Slices through a network at a time.
    public var batchSize = 4
    /// Slices, spread over the split, on which the CAGR modules are watched.
    public var routingSlices = 64
    /// The command lines that made this, as they would be typed; without any, they are put together from the runs.
    public var commands: [String] = []
    /// Licences and attributions of the data.
    public var notices: [String] = []
    public init() {}
  }

  /// A run with what is known of it.
  struct Entry {
    var run: Run
    /// As the assessment's rows call it.
    var name: String
    var card: ModelCard
    var sha256: String
    var log: TrainingLog
    var time: TrainingTime?
  }

  let entries: [Entry]
  let assessment: Assessment
  let manifest: CohortManifest
  let cohortHash: String
  let options: Options
  /// With a few words on why it is shown.
  let montages: [(montage: Montage, reason: String)]
  /// By run; nothing for networks without CAGR modules.
  public let routing: [RoutingSummary?]

  /// Computes everything that is shown.
  ///
  /// - Parameters:
  ///   - runs: those that `assessment` is of, in its order.
  ///   - progress: (what is done, slices done, of how many).
  /// - Throws: `.usage` where a named subject is not in the split, and what reading models and cohort throws.
  public init(
    _ runs: [Run], assessment: Assessment, cohort: PreparedCohort, options: Options = Options(),
    device: Device = .cpu, progress: @escaping (String, Int, Int) throws -> Void = { _, _, _ in }
  ) throws {
    guard !runs.isEmpty, assessment.models.count >= runs.count else {
      throw Failure(.usage, "a report needs one or more runs, and an assessment of the same runs")
    }
    let chosen = try ShownSubjects(options.subjects, of: assessment, in: cohort)
    let evaluator = try Evaluator(cohort, scenario: assessment.scenario)
    let sample = try cohort.slices(in: assessment.split, requiring: assessment.scenario.modalities).spread(
      options.routingSlices)
    var entries: [Entry] = []
    var routing: [RoutingSummary?] = []
    var predictors: [SubjectImages.Predictor] = []
    for (run, scores) in zip(runs, assessment.models) {
      let model = try run.model(device: device)
      entries.append(
        Entry(
          run: run, name: scores.name, card: model.card, sha256: model.sha256,
          log: TrainingLog(path: run.folder.log), time: TrainingTime(folder: run.folder.path)))
      routing.append(
        try RoutingSummary(
          model, named: scores.name, on: sample, of: cohort, batchSize: options.batchSize
        ) { try progress("routing of \(scores.name)", $0, $1) })
      predictors.append((scores.name, { evaluator.predictions(of: model.method, for: $0, device: device) }))
    }
    predictors += try Report.baseline(
      Verdict.best(of: Array(assessment.models.dropFirst(runs.count)))?.name, evaluator)
    montages = try chosen.subjects.map { subject, reason in
      let images = try SubjectImages(
        subject, in: cohort, scenario: assessment.scenario, batchSize: options.batchSize,
        predictors: predictors, progress: progress)
      return (Montage(images), reason)
    }
    self.entries = entries
    self.routing = routing
    self.assessment = assessment
    self.options = options
    manifest = cohort.manifest
    cohortHash = try SHA256.ofFile(cohort.folder + "/" + CohortManifest.fileName).digest
  }

  /// What makes the pictures of the baseline that is hardest to beat; none where the assessment has no such.
  package static func baseline(_ name: String?, _ evaluator: Evaluator) throws -> [SubjectImages.Predictor] {
    guard let name else { return [] }
    if let source = evaluator.scenario.sources.first(where: { Evaluator.copyName(of: $0) == name }) {
      return [(name, { $0.target(source) })]
    }
    let lookup = try evaluator.fittedBaselines().lookup
    return [(name, { $0.predicted(by: lookup, for: evaluator.scenario) })]
  }

  /// Writes the page, and what the CAGR modules learned as `routing.json` beside each run's scores.
  public func write(to path: String) throws {
    let page = try html
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    for (entry, summary) in zip(entries, routing) {
      guard let summary else { continue }
      let folder = entry.run.folder.evaluation(assessment.split.rawValue)
      try RunFolder.make(folder)
      let json = String(decoding: try encoder.encode(summary), as: UTF8.self)
      try AtomicFile.write(json + "\n", to: folder + "/routing.json")
    }
    try RunFolder.make(Path.folder(path))
    try AtomicFile.write(page, to: path)
  }
}

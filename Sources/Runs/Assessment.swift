import Cohorts
import Experiments
import Failures
import Files
import Foundation
import Imaging
import Inference
import Methods
import Metrics
import Torch
import Training

/// The scores of one or more runs and of the baselines on one split: what a table is made of.
public struct Assessment: Sendable {
  public struct Options: Sendable {
    public var split = Split.test
    public var scorer = Scorer()
    public var batchSize = 4
    public var perturbation: Perturbation?
    /// How diffusion models draw, where that differs from what they were trained with.
    public var sampling = SamplingChange()
    /// What is asked of the runs, where that is not what they were trained for: as many sources.
    public var scenario: Scenario?
    /// Of whom the predictions are kept, for pictures of what was scored; nothing where nothing is said. Until the first
    /// run is scored, which decides, that takes four bytes for each voxel of the split.
    public var shown: ShownSubjects.Choice?
    public init() {}
  }

  public let scenario: Scenario
  public let split: Split
  /// The runs in the order given, then the baselines.
  public let models: [Scores]
  /// As they were fitted for the scores.
  public let baselines: Baselines
  /// With what was predicted and scored for them by every model, baselines too; none where it was not asked for.
  public let shown: ShownSubjects
  public let cohort: String

  /// - Parameter progress: whose slices are scored, slices done, of how many; what it throws ends the work.
  /// - Throws: `.inconsistent` where runs answer different scenarios, or the cohort cannot serve them; `.usage` where a
  ///   subject is to be shown that is not in the split.
  public init(
    of runs: [Run], on cohort: PreparedCohort, _ options: Options = Options(), device: Device,
    progress: @escaping (String, Int, Int) throws -> Void = { _, _, _ in }
  ) throws {
    guard let first = runs.first else { throw Failure(.usage, "no run is named") }
    let scenario = options.scenario ?? first.experiment.scenario
    for run in runs where options.scenario == nil && run.experiment.scenario != scenario {
      throw Failure(
        .inconsistent,
        "\(run.folder.path) is \(run.experiment.scenario), \(first.folder.path) is \(first.experiment.scenario): one table needs one scenario"
      )
    }
    for run in runs where run.experiment.scenario.sources.count != scenario.sources.count {
      throw Failure(
        .inconsistent, "\(run.folder.path) is \(run.experiment.scenario), which cannot be asked \(scenario)")
    }
    (self.scenario, split) = (scenario, options.split)
    self.cohort = cohort.folder
    var evaluator = try Evaluator(cohort, scenario: scenario)
    (evaluator.scorer, evaluator.batchSize) = (options.scorer, options.batchSize)
    evaluator.perturbation = options.perturbation
    let titles = runs.map(\.title)
    var models: [Scores] = []
    var shown = try ShownSubjects(options.shown, in: options.split, of: cohort)
    for run in runs {
      // Two runs of one kind are told apart by their folders.
      let shared = titles.filter { $0 == run.title }.count > 1
      let title = shared ? "\(run.title) [\(Path.name(run.folder.path))]" : run.title
      evaluator.progress = { try progress(title, $0, $1) }
      // Nothing is done yet, and the clock starts.
      try progress(title, 0, cohort.slices(in: split).count)
      let model = try run.model(device: device)
      try run.check(model)
      // In a table of several, only some may draw.
      if runs.count == 1 || model.method.sampling != nil { try model.method.change(options.sampling) }
      let drawn = options.sampling.isEmpty ? nil : model.method.sampling?.description
      let name = drawn.map { "\(title) [\($0)]" } ?? title
      let predictor = try model.slicePredictor(
        of: cohort, for: scenario, perturbation: options.perturbation)
      models.append(
        try evaluator.scores(named: name, in: split, by: predictor.callAsFunction(_:passed:)) {
          shown.keep($1, for: $0, by: name)
        })
      if models.count == 1 { try shown.choose(by: models[0]) }
    }
    evaluator.progress = { _, _ in }
    baselines = try Baselines(for: scenario, on: cohort)
    for baseline in baselines.all {
      models.append(
        try evaluator.scores(
          named: baseline.name, in: split, by: { batch, _ in try batch.checked(baseline.predict(batch)) }
        ) { shown.keep($1, for: $0, by: baseline.name) })
    }
    (self.models, self.shown) = (models, shown)
  }

  /// Models and baselines as rows; PSNR, SSIM and MAE over slices.
  public var table: Table { Table("\(scenario), \(split.rawValue) split", comparing: models) }

  /// Whether a folder holds what `write` writes, whole.
  public static func exists(in folder: String) -> Bool {
    FileManager.default.fileExists(atPath: folder + "/summary.json")
  }

  /// Writes `slices.csv`, `subjects.csv`, `summary.json` and the table as Markdown, LaTeX, CSV and JSON.
  public func write(to folder: String) throws {
    try RunFolder.make(folder)
    // The summary comes last: an evaluation without one is half, and is made anew unasked.
    try? FileManager.default.removeItem(atPath: folder + "/summary.json")
    try AtomicFile.write(Table(slicesOf: models).written(as: .csv), to: folder + "/slices.csv")
    try AtomicFile.write(Table(subjectsOf: models).written(as: .csv), to: folder + "/subjects.csv")
    for format in [TableFormat.markdown, .latex, .csv, .json] {
      try AtomicFile.write(table.written(as: format), to: "\(folder)/table.\(format.fileExtension)")
    }
    try AtomicFile.write(models.map(\.summary).json() + "\n", to: folder + "/summary.json")
  }
}

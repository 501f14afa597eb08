import Cohorts
import Experiments
import Imaging
import Inference
import Methods
import Metrics
import Torch

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
    /// Models that were not trained on the cohort, scored beside the runs on the split that they were made for.
    public var outside: [OutsideModel] = []
    public init() {}
  }

  public let scenario: Scenario
  public let split: Split
  /// The runs in the order given, then what was trained elsewhere, then the baselines.
  public let models: [Scores]
  /// What each of them makes of the lesions, subject by subject; nothing where there is no lesion.
  public let lesions: [ModelFigures<LesionMeasure>]
  /// As they were fitted for the scores.
  public let baselines: Baselines
  /// Models that were not trained on the cohort.
  public let outside: [OutsideModel]
  /// With what was predicted and scored for them by every model, baselines too; none where it was not asked for.
  public let shown: ShownSubjects
  public let cohort: String

  /// - Parameters:
  ///   - group: the processes that share the subjects out, each of which gets all scores. With one nothing can be shown: what was
  ///     predicted stays where it was.
  ///   - progress: whose slices are scored, slices done, of how many of this process's; what it throws ends the work.
  /// - Throws: `.inconsistent` where runs answer different scenarios, or the cohort cannot serve them; `.usage` where a
  ///   subject is to be shown that is not in the split.
  public init(
    of runs: [Run], on cohort: PreparedCohort, _ options: Options = Options(), device: Device,
    group: ProcessGroup? = nil, progress: @escaping (String, Int, Int) throws -> Void = { _, _, _ in }
  ) throws {
    precondition(group == nil || options.shown == nil, "what several processes predict cannot be shown")
    let scenario = try runs.scenario(asked: options.scenario)
    (self.scenario, split) = (scenario, options.split)
    self.cohort = cohort.folder
    var evaluator = try Evaluator(cohort, scenario: scenario)
    (evaluator.scorer, evaluator.batchSize) = (options.scorer, options.batchSize)
    (evaluator.perturbation, evaluator.group) = (options.perturbation, group)
    var models: [Scores] = []
    var lesions: [ModelFigures<LesionMeasure>] = []
    let (judge, target) = (LesionScorer(options.scorer), try scenario.contrast)
    var shown = try ShownSubjects(options.shown, in: options.split, of: cohort)
    let (own, slices) = try evaluator.share(in: options.split)
    let marked = try cohort.withLesions(among: own)
    func score(
      _ name: String,
      by predict: @escaping (SampleBatch, _ passed: (Int, Int) throws -> Void) throws -> [Float]
    ) throws {
      var found = LesionFigures(of: name, judge, target: target, in: cohort.manifest, own: marked)
      models.append(
        try evaluator.scores(named: name, in: options.split, by: predict) {
          shown.keep($1, for: $0, by: name)
          found.add($1, for: $0)
        })
      found.finish()
      lesions.append(ModelFigures(name: name, subjects: try group.gathered(found.figures.subjects)))
    }
    for (run, title) in zip(runs, runs.names) {
      evaluator.progress = { try progress(title, $0, $1) }
      // Nothing is done yet, and the clock starts.
      try progress(title, 0, slices.count)
      let (model, name) = try run.scored(
        as: title, drawing: options.sampling, isAlone: runs.count == 1, device: device)
      let predictor = try model.slicePredictor(
        of: cohort, for: scenario, perturbation: options.perturbation)
      try score(name, by: predictor.callAsFunction(_:passed:))
      if models.count == 1 {
        try shown.choose(by: models[0].subjects.map { ($0.subject, $0.values[.psnr]) })
      }
    }
    evaluator.progress = { _, _ in }
    baselines = try Baselines(for: scenario, on: cohort)
    outside = options.outside
    for baseline in outside.flatMap(\.rows) + baselines.all {
      try score(baseline.name) { batch, _ in try batch.checked(baseline.predict(batch)) }
    }
    (self.models, self.shown) = (models, shown)
    self.lesions = lesions.contains { !$0.subjects.isEmpty } ? lesions : []
  }

  /// How many of `models` are networks: all but the baselines.
  public var networks: Int { models.count - baselines.all.count }

  /// Models and baselines as rows; PSNR, SSIM and MAE over slices.
  public var table: Table { Table("\(scenario), \(split.rawValue) split", comparing: models) }

  /// The lesions beside them, the figures that differ between models; nil where there is none.
  public var lesionTable: Table? {
    guard let first = models.first, !lesions.isEmpty else { return nil }
    return LesionScorer(first.scorer).table(
      "Lesions of the \(split.rawValue) split", comparing: lesions,
      measures: LesionMeasure.allCases.filter { $0 != .volume && $0 != .contrastRatio })
  }

  /// Whether a folder holds what `write` writes, whole.
  public static func exists(in folder: String) -> Bool { EvaluationFolder(folder).isWhole }

  /// Writes `slices.csv`, `subjects.csv`, `summary.json` and the table as Markdown, LaTeX, CSV and JSON; where there are
  /// lesions, `lesions.csv` too.
  public func write(to folder: String) throws {
    let summaries = models.enumerated().map { index, model in
      var summary = model.summary
      summary.lesions = lesions.isEmpty ? nil : lesions[index].summary
      return summary
    }
    try EvaluationFolder(folder).write(
      [
        "slices.csv": Table(slicesOf: models), "subjects.csv": Table(subjectsOf: models),
        "lesions.csv": lesions.isEmpty ? nil : Table(subjectsOf: lesions),
      ], table: table, summary: summaries)
  }
}

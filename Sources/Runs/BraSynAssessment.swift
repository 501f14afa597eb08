import Cohorts
import Experiments
import Files
import Imaging
import Inference
import Metrics
import Torch

/// The figures of the BraSyn challenge for one or more runs and the baselines on one split: whole volumes, every plane of them,
/// in place of chosen slices.
public struct BraSynAssessment: Sendable {
  public let scenario: Scenario
  public let split: Split
  /// The runs in the order given, then the baselines; subjects without a tumour have no figure in it, and those
  /// without a label map only that of the whole volume.
  public let models: [ModelFigures<BraSynMeasure>]

  /// - Parameters:
  ///   - options: of which split, batch size, sampling and scenario count.
  ///   - group: the processes that share the subjects out, each of which gets all figures.
  ///   - progress: whose subjects are scored, subjects done, of how many of this process's; what it throws ends the work.
  /// - Throws: as `Assessment`, and `.inconsistent` where the store has only slices.
  public init(
    of runs: [Run], on cohort: PreparedCohort, _ options: Assessment.Options = Assessment.Options(),
    device: Device, group: ProcessGroup? = nil,
    progress: @escaping (String, Int, Int) throws -> Void = { _, _, _ in }
  ) throws {
    let scenario = try runs.scenario(asked: options.scenario)
    (self.scenario, split) = (scenario, options.split)
    var evaluator = try BraSynEvaluator(cohort, scenario: scenario)
    evaluator.group = group
    var models: [ModelFigures<BraSynMeasure>] = []
    for (run, title) in zip(runs, runs.names) {
      evaluator.progress = { try progress(title, $0, $1) }
      let (model, name) = try run.scored(
        as: title, drawing: options.sampling, isAlone: runs.count == 1, device: device)
      let predictor = StackPredictor(
        Predictor(model.method, for: scenario, device: device), seeing: model.card.region)
      models.append(
        try evaluator.figures(named: name, in: split) { stack, passed in
          try predictor(
            stack.images, stack.extent, batchSize: options.batchSize, progress: passed)[0]
        })
    }
    evaluator.progress = { _, _ in }
    for baseline in try Baselines(for: scenario, on: cohort).all {
      models.append(
        try evaluator.figures(named: baseline.name, in: split) { stack, _ in baseline.predict(stack) })
    }
    self.models = models
  }

  public var table: Table {
    BraSyn.table("\(scenario), \(split.rawValue) split, BraSyn protocol", comparing: models)
  }

  /// Where `write` writes in an evaluation's folder.
  public static func folder(in evaluation: String) -> String { evaluation + "/brasyn" }

  /// Whether an evaluation's folder holds what `write` writes, whole.
  public static func exists(in folder: String) -> Bool { EvaluationFolder(self.folder(in: folder)).isWhole }

  /// Writes `brasyn/` into an evaluation's folder: `subjects.csv`, `summary.json` and the table.
  public func write(to folder: String) throws {
    try EvaluationFolder(BraSynAssessment.folder(in: folder)).write(
      ["subjects.csv": Table(subjectsOf: models)], table: table, summary: models.map(\.summary))
  }
}

/// Scores whole volumes of a cohort by the BraSyn challenge's protocol.
public struct BraSynEvaluator {
  public let cohort: PreparedCohort
  public let scenario: Scenario
  private let target: Modality
  /// The processes that share the subjects out; each of them gets the figures of all.
  public var group: ProcessGroup?
  /// Subjects done, of how many of this process's; what it throws ends the work.
  public var progress: (Int, Int) throws -> Void = { _, _ in }

  /// - Throws: `.inconsistent` for a modality the cohort lacks, `.usage` for a segmentation.
  public init(_ cohort: PreparedCohort, scenario: Scenario) throws {
    try cohort.check(scenario)
    (self.cohort, self.scenario, target) = (cohort, scenario, try scenario.contrast)
  }

  /// Scores `predict` subject by subject. It takes all planes of a subject as its slices have them, one sample, and returns as
  /// many values; it calls its second argument on the way.
  /// - Throws: `.inconsistent` where no subject of the split has all contrasts, or the store has only slices.
  public func figures(
    named name: String, in split: Split,
    by predict: (SampleBatch, _ passed: (Int, Int) throws -> Void) throws -> [Float]
  ) throws -> ModelFigures<BraSynMeasure> {
    let contents = try SampleContents(scenario, labels: true)
    let ids = group.share(
      of: try cohort.slices(in: split, requiring: scenario.modalities).map(\.subject).unique)
    let patients = Dictionary(cohort.manifest.subjects.map { ($0.id, $0.sharedPatient) }) { first, _ in first
    }
    let tumours = try cohort.withLesions(among: Set(ids))
    var figures = ModelFigures<BraSynMeasure>(name: name)
    try progress(0, ids.count)
    for (done, id) in ids.enumerated() {
      let stack = try cohort.stack(of: id, contents)
      let prediction = try predict(stack) { _, _ in try progress(done, ids.count) }
      let values = BraSyn.values(
        prediction, stack.target(target),
        tumour: tumours.contains(id) ? stack.labels?.map { $0 > 0 } : nil, stack.extent)
      figures.subjects.append(SubjectFigures(subject: id, patient: patients[id] ?? nil, values: values))
      try progress(done + 1, ids.count)
    }
    figures.subjects = try group.gathered(figures.subjects)
    return figures
  }
}

import Cohorts
import Experiments
import Failures
import Imaging
import Methods
import Metrics
import Torch
import Training

/// The scores of one or more segmentations on one split: what a table is made of.
public struct SegmentationAssessment: Sendable {
  public let regions: [LabelRegion]
  public let split: Split
  /// The runs in the order given, each followed by itself with each of the substitutes.
  public let models: [SegmentationScores]
  /// The subjects to picture; none where it was not asked for.
  public let shown: [Shown]
  public let cohort: String
  private let hasSubstitutes: Bool

  /// A subject with the reason to picture it, and what every model found in it, in their order.
  public struct Shown: Sendable {
    public let id: String
    public let reason: ShownSubjects.Reason
    public fileprivate(set) var volumes: [SegmentedVolume] = []
  }

  /// - Parameters:
  ///   - options: of which split, batch size, sampling and what is shown count.
  ///   - substitutes: what takes the place of a contrast, one row for each behind that of a run with everything as acquired;
  ///     all of them of the same subjects, those that have all that any row needs.
  ///   - group: the processes that share the subjects out, each of which gets all scores. With one nothing can be shown.
  ///   - progress: whose subjects are scored, subjects done, of how many of this process's; what it throws ends the work.
  /// - Throws: before any work, `.inconsistent` where runs find different regions or one makes images, or the cohort cannot serve
  ///   them; `.usage` where a subject is to be shown that is not in the split; of substitutes what
  ///   `SegmentationEvaluator.scores` throws, and `.usage` for one that is given twice.
  public init(
    of runs: [Run], on cohort: PreparedCohort, _ options: Assessment.Options = Assessment.Options(),
    substitutes: [Substitute] = [], device: Device, group: ProcessGroup? = nil,
    progress: @escaping (String, Int, Int) throws -> Void = { _, _, _ in }
  ) throws {
    precondition(group == nil || options.shown == nil, "what several processes find cannot be shown")
    regions = try SegmentationAssessment.regions(of: runs)
    (split, self.cohort, hasSubstitutes) = (options.split, cohort.folder, !substitutes.isEmpty)
    var evaluator = try SegmentationEvaluator(cohort, regions: regions)
    (evaluator.batchSize, evaluator.group) = (options.batchSize, group)
    var models: [SegmentationScores] = []
    var chosen = try ShownSubjects(options.shown, in: options.split, of: cohort)
    var volumes: [String: [SegmentedVolume]] = [:]
    let rows = try SegmentationAssessment.rows(of: runs, with: substitutes, options, device)
    if hasSubstitutes { evaluator.subjects = try evaluator.subjects(in: split, of: rows) }
    for (name, model, filling) in rows {
      evaluator.progress = { try progress(name, $0, $1) }
      let isOpen = chosen.isOpen
      models.append(
        try evaluator.scores(named: name, in: split, by: model, filling: filling) { volume in
          guard chosen.subjects.contains(where: { $0.subject.id == volume.subject.id }) else { return }
          volumes[volume.subject.id, default: []].append(volume)
        })
      guard isOpen else { continue }
      // The first run's scores decide who is shown; those few are computed again, rather than all kept.
      try chosen.choose(by: models[0].overRegions)
      var again = evaluator
      (again.subjects, again.progress) = (chosen.subjects.map(\.subject.id), { _, _ in })
      _ = try again.scores(named: name, in: split, by: model, filling: filling) {
        volumes[$0.subject.id, default: []].append($0)
      }
    }
    self.models = models
    shown = chosen.subjects.map { subject, reason in
      Shown(id: subject.id, reason: reason, volumes: volumes[subject.id] ?? [])
    }
  }

  typealias Row = (name: String, model: TrainedModel, filling: [Modality: SegmentationEvaluator.Filling])

  private static func rows(
    of runs: [Run], with substitutes: [Substitute], _ options: Assessment.Options, _ device: Device
  ) throws -> [Row] {
    let titles = substitutes.map(\.title)
    if let twice = titles.first(where: { title in titles.filter { $0 == title }.count > 1 }) {
      throw Failure(.usage, "\(twice) is given twice; a row each is enough")
    }
    for case .synthesised(let model) in substitutes.map(\.filling) {
      try model.checkScale()
      if model.method.sampling != nil { try model.method.change(options.sampling) }
    }
    return try zip(runs, runs.names).flatMap { run, title -> [Row] in
      let (model, name) = try run.scored(
        as: title, drawing: options.sampling, isAlone: runs.count == 1 && substitutes.isEmpty, device: device)
      guard !substitutes.isEmpty else { return [(name, model, [:])] }
      return [("\(name), as acquired", model, [:])]
        + substitutes.map { ("\(name), \($0.title)", model, [$0.modality: $0.filling]) }
    }
  }

  private static func regions(of runs: [Run]) throws -> [LabelRegion] {
    guard let first = runs.first else { throw Failure(.usage, "no run is named") }
    let all = try runs.map { run in
      guard let regions = run.experiment.regions else {
        throw Failure(
          .inconsistent,
          "\(run.folder.path) is \(run.experiment.scenario), \(first.folder.path) finds labels: they share no table"
        )
      }
      return regions
    }
    for (run, regions) in zip(runs, all) where regions != all[0] {
      throw Failure(
        .inconsistent,
        "\(run.folder.path) finds \(regions.words), \(first.folder.path) \(all[0].words): one table needs one set of regions"
      )
    }
    return all[0]
  }

  /// Runs as rows; Dice, 95 % Hausdorff distance and surface Dice by region, over subjects.
  public var table: Table {
    var table = Table(
      "Segmentation, \(split.rawValue) split", comparing: models,
      measures: [.dice2D, .dice3D, .hausdorff95, .surfaceDice])
    if hasSubstitutes {
      table.caption +=
        " Rows of one model differ in what it is shown in place of a contrast, once intensities are scaled; all are of the "
        + "same subjects."
    }
    return table
  }

  /// Writes `slices.csv`, `subjects.csv`, `summary.json` and the table as Markdown, LaTeX, CSV and JSON.
  public func write(to folder: String) throws {
    try EvaluationFolder(folder).write(
      [
        "slices.csv": Table(slicesOf: models), "subjects.csv": Table(subjectsOf: models), "lesions.csv": nil,
      ], table: table, summary: models.map(\.summary))
  }
}

extension SegmentationScores {
  /// Every subject's 3-D Dice, averaged over the regions that have one.
  package var overRegions: [(id: String, figure: Double?)] {
    subjects.map { ($0.subject, Spread($0.regions.compactMap { $0.values[.dice3D] }).mean) }
  }
}

import Cohorts
import Experiments
import Failures
import Imaging
import Inference
import Metrics
import Torch
import Training

/// The scores of one or more segmentations on one split: what a table is made of.
public struct SegmentationAssessment: Sendable {
  public let regions: [LabelRegion]
  public let split: Split
  /// The runs in the order given.
  public let models: [SegmentationScores]
  /// With the labels that every model found in them; none where it was not asked for.
  public let shown: ShownSubjects
  public let cohort: String

  /// - Parameters:
  ///   - options: of which split, batch size and what is shown count.
  ///   - progress: whose subjects are scored, subjects done, of how many; what it throws ends the work.
  /// - Throws: `.inconsistent` where runs find different regions or one makes images, or the cohort cannot serve them; `.usage`
  ///   where a subject is to be shown that is not in the split.
  public init(
    of runs: [Run], on cohort: PreparedCohort, _ options: Assessment.Options = Assessment.Options(),
    device: Device, progress: @escaping (String, Int, Int) throws -> Void = { _, _, _ in }
  ) throws {
    regions = try SegmentationAssessment.regions(of: runs)
    (split, self.cohort) = (options.split, cohort.folder)
    var evaluator = try SegmentationEvaluator(cohort, regions: regions)
    evaluator.batchSize = options.batchSize
    var models: [SegmentationScores] = []
    var shown = try ShownSubjects(options.shown, in: options.split, of: cohort)
    for (run, title) in zip(runs, runs.names) {
      evaluator.progress = { try progress(title, $0, $1) }
      let (model, name) = try run.scored(
        as: title, drawing: options.sampling, isAlone: runs.count == 1, device: device)
      models.append(
        try evaluator.scores(named: name, in: split, by: model) { volume in
          let size = volume.grid.extent.rows * volume.grid.extent.columns
          for slice in volume.subject.slices {
            let start = (slice - volume.firstSlice) * size
            shown.keep(
              volume.found[start..<start + size].map(Float.init), of: volume.subject.id, slice: slice,
              by: name)
          }
        })
      if models.count == 1 { try shown.choose(by: models[0].overRegions) }
    }
    (self.models, self.shown) = (models, shown)
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
    Table(
      "Segmentation, \(split.rawValue) split", comparing: models,
      measures: [.dice2D, .dice3D, .hausdorff95, .surfaceDice])
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
  fileprivate var overRegions: [(id: String, figure: Double?)] {
    subjects.map { ($0.subject, Spread($0.regions.compactMap { $0.values[.dice3D] }).mean) }
  }
}

import Cohorts
import Failures
import Files
import Imaging
import Metrics

/// What a scenario is worth without any network, chosen and fitted on the training split: the best single source as it is,
/// and a voxelwise intensity look-up.
public struct Baselines: Sendable {
  /// One of them, with its name in tables.
  public struct Baseline: Sendable {
    public let name: String
    /// `count x extent` values.
    public let predict: @Sendable (SampleBatch) -> [Float]
  }

  /// The copied source, then the look-up; where the cohort has no training split, a copy of each source: nothing is then
  /// chosen or fitted.
  public let all: [Baseline]

  /// - Parameter limit: most training slices to fit on, spread evenly.
  /// - Throws: `.inconsistent` for a training split without slices, `.usage` for a segmentation.
  public init(for scenario: Scenario, on cohort: PreparedCohort, limit: Int = 2000) throws {
    func copy(of source: Modality) -> Baseline {
      Baseline(name: Baselines.copyName(of: source)) { $0.target(source) }
    }
    if cohort.subjects(in: .train).isEmpty {
      all = scenario.sources.map(copy)
      return
    }
    let training = try cohort.slices(in: .train, requiring: scenario.modalities)
    let names = scenario.sources.map(\.rawValue)
    var best = BestSource(sources: names)
    let contrast = try scenario.contrast
    var fit = IntensityLookup.Fit(sources: names, target: contrast.rawValue)
    let batches = try cohort.batches(of: training.spread(limit), scenario: scenario, batchSize: 8)
    for number in batches.indices {
      let batch = try batches[number]
      for index in 0..<batch.count {
        let sources = scenario.sources.map { batch.image($0, of: index) }
        let target = batch.image(contrast, of: index)
        best.add(sources: sources, target: target)
        fit.add(sources: sources, target: target)
      }
    }
    guard let position = best.position, let lookup = fit.finished() else {
      throw Failure(.inconsistent, "\(cohort.folder): the training split has no slices to fit a baseline on")
    }
    all = [
      copy(of: scenario.sources[position]),
      Baseline(name: Baselines.lookupName) { batch in
        (0..<batch.count).flatMap { index in lookup(scenario.sources.map { batch.image($0, of: index) }) }
      },
    ]
  }

  /// How the look-up is called in tables.
  public static let lookupName = "Intensity look-up"

  /// How a source that is copied as it is is called in tables.
  public static func copyName(of source: Modality) -> String { "Copy of \(source.title)" }
}

extension Evaluator {
  /// The scores of baselines that were fitted before.
  public func scores(of baselines: Baselines, in split: Split) throws -> [Scores] {
    try baselines.all.map { try scores(named: $0.name, in: split, predict: $0.predict) }
  }
}

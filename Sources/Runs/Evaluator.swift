import Cohorts
import Experiments
import Failures
import Imaging
import Methods
import Metrics
import Torch

/// Scores a method and the baselines that keep it honest on one split of a prepared cohort.
public struct Evaluator {
  public let cohort: PreparedCohort
  public let scenario: Scenario
  /// Whose visit each subject is.
  private let patients: [String: String]
  public var scorer = Scorer()
  /// Slices through the network at a time.
  public var batchSize = 4
  /// Most slices of a split to score, spread evenly over it; all where nothing is said.
  public var sliceLimit: Int?
  /// A translation of one source, to see how a method bears misalignment.
  public var perturbation: Perturbation?
  /// Slices done, of how many.
  public var progress: (Int, Int) throws -> Void = { _, _ in }

  /// - Throws: `.inconsistent` for a modality the cohort lacks.
  public init(_ cohort: PreparedCohort, scenario: Scenario) throws {
    try cohort.check(scenario)
    (self.cohort, self.scenario) = (cohort, scenario)
    patients = Dictionary(cohort.manifest.subjects.map { ($0.id, $0.patient) }) { first, _ in first }
  }

  /// Scores `predict` slice by slice. It takes a batch and returns `count x extent` values.
  public func scores(
    named name: String, in split: Split, predict: (SampleBatch) throws -> [Float]
  ) throws -> Scores {
    let references = try cohort.slices(in: split, requiring: scenario.modalities)
    let batches = try cohort.batches(
      of: references.spread(sliceLimit ?? references.count), scenario: scenario, batchSize: batchSize,
      perturbation: perturbation)
    var scores = Scores(name: name, scorer: scorer)
    for index in batches.indices {
      let batch = try batches[index]
      let predictions = try predict(batch)
      let labels = try batch.references.map { try cohort.labels(at: $0) }
      scores.slices += try score(batch, predictions, lesions: labels)
      try progress(scores.slices.count, batches.sampleCount)
    }
    return scores
  }

  /// The slices of a batch on all cores: SSIM costs more than small networks do.
  private func score(_ batch: SampleBatch, _ predictions: [Float], lesions: [[UInt8]?]) throws
    -> [SliceScores]
  {
    let (scorer, extent, patients) = (scorer, batch.extent, patients)
    let target = batch.target(scenario.target)
    let scored = Parallel.map(count: batch.count) { index in
      let range = index * extent.count..<(index + 1) * extent.count
      var scores = scorer(
        Array(predictions[range]), Array(target[range]), height: extent.rows, width: extent.columns,
        lesion: lesions[index].map { $0.map { $0 > 0 } }, subject: batch.references[index].subject,
        slice: batch.references[index].slice)
      // Kept only where it is not the subject's own name.
      if let patient = patients[scores.subject], patient != scores.subject { scores.patient = patient }
      return scores
    }
    guard scored.allSatisfy({ ($0.values[.mae] ?? .nan).isFinite }) else {
      throw Failure(.numerical, "the network gives values that are not finite")
    }
    return scored
  }

  /// Scores a trained method.
  public func scores(of method: any Method, named name: String, in split: Split, device: Device) throws
    -> Scores
  {
    var done = 0
    let total = try cohort.slices(in: split, requiring: scenario.modalities).count
    return try scores(named: name, in: split) { batch in
      defer { done += batch.count }
      return try withoutGradient {
        try method.synthesize(sources(of: batch, on: device)) { passes, all in
          // Where an image takes long, the slices of a batch are counted as they come along.
          if passes < all { try progress(done + batch.count * passes / all, total) }
        }
      }.values()
    }
  }

  /// `count x extent` values, not clamped.
  public func predictions(of method: any Method, for batch: SampleBatch, device: Device) -> [Float] {
    withoutGradient { method.synthesize(sources(of: batch, on: device)).values() }
  }

  /// The same; `passed` is called after each pass through the network, and may throw.
  public func predictions(
    of method: any Method, for batch: SampleBatch, device: Device, passed: () throws -> Void
  ) throws -> [Float] {
    try withoutGradient {
      try method.synthesize(sources(of: batch, on: device)) { _, _ in try passed() }.values()
    }
  }

  private func sources(of batch: SampleBatch, on device: Device) -> Tensor {
    Tensor(
      batch.stacked(scenario.sources), shape: [batch.count, scenario.sources.count] + batch.extent.sizes,
      device: device)
  }

  // MARK: - Baselines

  /// How the look-up is called in tables.
  public static let lookupName = "Intensity look-up"

  /// How a source that is copied as it is is called in tables.
  public static func copyName(of source: Modality) -> String { "Copy of \(source.title)" }

  /// The source that serves best as it is (its position), and the voxelwise look-up; both chosen on the training split.
  /// - Parameter limit: most training slices to fit on, spread evenly.
  public func fittedBaselines(on limit: Int = 2000) throws -> (source: Int, lookup: IntensityLookup) {
    let training = try cohort.slices(in: .train, requiring: scenario.modalities)
    let names = scenario.sources.map(\.rawValue)
    var best = BestSource(sources: names)
    var fit = IntensityLookup.Fit(sources: names, target: scenario.target.rawValue)
    let batches = try cohort.batches(of: training.spread(limit), scenario: scenario, batchSize: 8)
    for number in batches.indices {
      let batch = try batches[number]
      for index in 0..<batch.count {
        let (sources, target) = batch.images(index, of: scenario)
        best.add(sources: sources, target: target)
        fit.add(sources: sources, target: target)
      }
    }
    guard let position = best.position, let lookup = fit.finished() else {
      throw Failure(.inconsistent, "\(cohort.folder): the training split has no slices to fit a baseline on")
    }
    return (position, lookup)
  }

  /// The best single source copied as it is, and a voxelwise intensity look-up; both chosen on the training split. Where
  /// the cohort has none, a copy of each source: nothing is then chosen or fitted.
  /// - Parameter limit: most training slices to fit on, spread evenly.
  public func baselines(in split: Split, fittedOn limit: Int = 2000) throws -> [Scores] {
    func copy(_ position: Int) throws -> Scores {
      try scores(named: Evaluator.copyName(of: scenario.sources[position]), in: split) { batch in
        batch.target(scenario.sources[position])
      }
    }
    if cohort.subjects(in: .train).isEmpty { return try scenario.sources.indices.map(copy) }
    let (position, lookup) = try fittedBaselines(on: limit)
    return [
      try copy(position),
      try scores(named: Evaluator.lookupName, in: split) { batch in
        batch.predicted(by: lookup, for: scenario)
      },
    ]
  }
}

extension SampleBatch {
  /// What a look-up makes of every slice's sources: `count x extent`.
  package func predicted(by lookup: IntensityLookup, for scenario: Scenario) -> [Float] {
    (0..<count).flatMap { lookup(images($0, of: scenario).sources) }
  }

  /// One slice's source images, in the scenario's order, and its target.
  public func images(_ index: Int, of scenario: Scenario) -> (sources: [[Float]], target: [Float]) {
    let range = index * extent.count..<(index + 1) * extent.count
    func image(_ modality: Modality) -> [Float] { images[modality].map { Array($0[range]) } ?? [] }
    return (scenario.sources.map(image), image(scenario.target))
  }
}

extension Array {
  /// At most `limit` elements, spread evenly over the array.
  public func spread(_ limit: Int) -> [Element] {
    count <= limit ? self : (0..<limit).map { self[$0 * count / limit] }
  }
}

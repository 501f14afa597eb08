import Cohorts
import Experiments
import Failures
import Imaging
import Methods
import Metrics
import Synchronization
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

  /// Scores `predict` slice by slice. It takes a batch and returns `count x height x width` values.
  public func scores(
    named name: String, in split: Split, predict: (SliceBatch) throws -> [Float]
  ) throws -> Scores {
    let references = try cohort.slices(in: split)
    let batches = try cohort.batches(
      of: references.spread(sliceLimit ?? references.count), scenario: scenario, batchSize: batchSize,
      perturbation: perturbation)
    var scores = Scores(name: name, scorer: scorer)
    for index in batches.indices {
      let batch = try batches[index]
      let predictions = try predict(batch)
      let labels = try batch.references.map { try cohort.labels(at: $0) }
      scores.slices += try score(batch, predictions, lesions: labels)
      try progress(scores.slices.count, batches.sliceCount)
    }
    return scores
  }

  /// The slices of a batch on all cores: SSIM costs more than small networks do.
  private func score(_ batch: SliceBatch, _ predictions: [Float], lesions: [[UInt8]?]) throws -> [SliceScores]
  {
    let (scorer, pixels) = (scorer, batch.height * batch.width)
    let slots = Mutex<[SliceScores?]>(Array(repeating: nil, count: batch.count))
    Parallel.forEach(count: batch.count) { index in
      let range = index * pixels..<(index + 1) * pixels
      let scores = scorer(
        Array(predictions[range]), Array(batch.target[range]), height: batch.height, width: batch.width,
        lesion: lesions[index].map { $0.map { $0 > 0 } }, subject: batch.references[index].subject,
        slice: batch.references[index].slice)
      slots.withLock { $0[index] = scores }
    }
    let scored = slots.withLock { $0 }.compactMap { $0 }.map { slice in
      var slice = slice
      // Kept only where it is not the subject's own name.
      if let patient = patients[slice.subject], patient != slice.subject { slice.patient = patient }
      return slice
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
    let total = try cohort.slices(in: split).count
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

  /// `count x height x width` values, not clamped.
  public func predictions(of method: any Method, for batch: SliceBatch, device: Device) -> [Float] {
    withoutGradient { method.synthesize(sources(of: batch, on: device)).values() }
  }

  /// The same; `passed` is called after each pass through the network, and may throw.
  public func predictions(
    of method: any Method, for batch: SliceBatch, device: Device, passed: () throws -> Void
  ) throws -> [Float] {
    try withoutGradient {
      try method.synthesize(sources(of: batch, on: device)) { _, _ in try passed() }.values()
    }
  }

  private func sources(of batch: SliceBatch, on device: Device) -> Tensor {
    Tensor(
      batch.sources, shape: [batch.count, batch.channels, batch.height, batch.width], device: device)
  }

  // MARK: - Baselines

  /// How the look-up is called in tables.
  public static let lookupName = "Intensity look-up"

  /// How a source that is copied as it is is called in tables.
  public static func copyName(of source: Modality) -> String { "Copy of \(source.title)" }

  /// The source that serves best as it is (its position), and the voxelwise look-up; both chosen on the training split.
  /// - Parameter limit: most training slices to fit on, spread evenly.
  public func fittedBaselines(on limit: Int = 2000) throws -> (source: Int, lookup: IntensityLookup) {
    let training = try cohort.slices(in: .train)
    let names = scenario.sources.map(\.rawValue)
    var best = BestSource(sources: names)
    var fit = IntensityLookup.Fit(sources: names, target: scenario.target.rawValue)
    let batches = try cohort.batches(of: training.spread(limit), scenario: scenario, batchSize: 8)
    for number in batches.indices {
      let batch = try batches[number]
      for index in 0..<batch.count {
        let (sources, target) = batch.images(index)
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
        batch.copied(position)
      }
    }
    if cohort.subjects(in: .train).isEmpty { return try scenario.sources.indices.map(copy) }
    let (position, lookup) = try fittedBaselines(on: limit)
    return [
      try copy(position),
      try scores(named: Evaluator.lookupName, in: split) { batch in
        batch.predicted(by: lookup)
      },
    ]
  }
}

extension SliceBatch {
  /// One source of every slice as it is, count x height x width.
  package func copied(_ source: Int) -> [Float] { (0..<count).flatMap { images($0).sources[source] } }

  /// What a look-up makes of every slice's sources, count x height x width.
  package func predicted(by lookup: IntensityLookup) -> [Float] {
    (0..<count).flatMap { lookup(images($0).sources) }
  }

  /// One slice's source images, in channel order, and its target.
  public func images(_ index: Int) -> (sources: [[Float]], target: [Float]) {
    let pixels = height * width
    let images = (0..<channels).map { channel in
      Array(sources[(index * channels + channel) * pixels..<(index * channels + channel + 1) * pixels])
    }
    return (images, Array(target[index * pixels..<(index + 1) * pixels]))
  }
}

extension Array {
  /// At most `limit` elements, spread evenly over the array.
  public func spread(_ limit: Int) -> [Element] {
    count <= limit ? self : (0..<limit).map { self[$0 * count / limit] }
  }
}

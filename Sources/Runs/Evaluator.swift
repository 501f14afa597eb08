import Cohorts
import Failures
import Files
import Imaging
import Inference
import Metrics
import Torch

/// Scores networks, and the baselines that keep them honest, on one split of a prepared cohort.
public struct Evaluator {
  public let cohort: PreparedCohort
  public let scenario: Scenario
  private let target: Modality
  /// Whose visit each subject is.
  private let patients: [String: String]
  public var scorer = Scorer()
  /// Slices through the network at a time.
  public var batchSize = 4
  /// Most slices of a split to score, spread evenly over it; all where nothing is said.
  public var sliceLimit: Int?
  /// Most subjects to score, each whole, spread evenly over the split; all where nothing is said.
  public var subjectLimit: Int?
  /// A translation of one source, to see how a method bears misalignment.
  public var perturbation: Perturbation?
  /// The processes that share the subjects out; each of them gets the scores of all.
  public var group: ProcessGroup?
  /// Slices done, of how many of this process's; what it throws ends the work.
  public var progress: (Int, Int) throws -> Void = { _, _ in }

  /// - Throws: `.inconsistent` for a modality the cohort lacks, `.usage` for a segmentation.
  public init(_ cohort: PreparedCohort, scenario: Scenario) throws {
    try cohort.check(scenario)
    (self.cohort, self.scenario, target) = (cohort, scenario, try scenario.contrast)
    patients = Dictionary(cohort.manifest.subjects.map { ($0.id, $0.patient) }) { first, _ in first }
  }

  /// The slices that are scored, within both limits, in order. Throws `.inconsistent` where there is none.
  public func slices(in split: Split) throws -> [SampleReference] {
    let all = try cohort.slices(in: split, requiring: scenario.modalities)
    let subjects = all.map(\.subject).unique
    let chosen = Set(subjects.spread(subjectLimit ?? subjects.count))
    let slices = all.filter { chosen.contains($0.subject) }
    return slices.spread(sliceLimit ?? slices.count)
  }

  /// The subjects whose slices this process scores, and the slices that it predicts for that: in the batches that one process
  /// makes, as a network may round otherwise in others; so the first and the last may hold another's slices too.
  func share(in split: Split) throws -> (subjects: Set<String>, slices: [SampleReference]) {
    let slices = try slices(in: split)
    let (own, size) = (Set(group.share(of: slices.map(\.subject).unique)), max(1, batchSize))
    let batches = stride(from: 0, to: slices.count, by: size).map {
      slices[$0..<min($0 + size, slices.count)]
    }
    return (own, batches.filter { $0.contains { own.contains($0.subject) } }.flatMap { $0 })
  }

  /// Scores `predict` slice by slice. It takes a batch and returns `count x extent` values; it calls its second argument
  /// after each pass through a network.
  /// - Parameter keep: told every batch that is predicted here with what was predicted for it, as it was scored.
  /// - Throws: `.numerical` for values that are not finite.
  public func scores(
    named name: String, in split: Split,
    by predict: @escaping (SampleBatch, _ passed: (Int, Int) throws -> Void) throws -> [Float],
    keep: (SampleBatch, [Float]) -> Void = { _, _ in }
  ) throws -> Scores {
    let contents = try SampleContents(scenario, labels: true, perturbation: perturbation)
    let (own, slices) = try share(in: split)
    let lesions = try cohort.withLesions(among: own)
    let batches = try cohort.batches(of: slices, contents, batchSize: batchSize)
    var scores = Scores(name: name, scorer: scorer)
    var steps = SliceSteps(scorer, target)
    try batches.predicted(by: predict, progress: progress) { batch, predictions in
      scores.slices += score(batch, predictions, lesions)
      steps.score(batch, predictions, in: &scores.slices)
      keep(batch, predictions)
    }
    scores.slices = try group.gathered(scores.slices.filter { own.contains($0.subject) })
    return scores
  }

  /// Scores what needs no network.
  public func scores(
    named name: String, in split: Split, predict: @escaping (SampleBatch) throws -> [Float]
  ) throws -> Scores {
    try scores(named: name, in: split, by: { batch, _ in try batch.checked(predict(batch)) })
  }

  /// The slices of a batch on all cores: SSIM costs more than small networks do.
  /// - Parameter lesions: the subjects whose label maps are of lesions.
  private func score(_ batch: SampleBatch, _ predictions: [Float], _ lesions: Set<String>) -> [SliceScores] {
    let (scorer, extent, patients) = (scorer, batch.extent, patients)
    let target = batch.target(target)
    return Parallel.map(count: batch.count) { index in
      let range = index * extent.count..<(index + 1) * extent.count
      let subject = batch.references[index].subject
      let labels = lesions.contains(subject) ? batch.labels?[range] : nil
      var scores = scorer(
        Array(predictions[range]), Array(target[range]), height: extent.rows, width: extent.columns,
        lesion: labels.map { $0.map { $0 > 0 } }, subject: subject, slice: batch.references[index].slice)
      // Kept only where it is not the subject's own name.
      if let patient = patients[scores.subject], patient != scores.subject { scores.patient = patient }
      return scores
    }
  }
}

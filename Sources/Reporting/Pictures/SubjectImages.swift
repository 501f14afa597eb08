import Cohorts
import Imaging
import Runs

/// Everything that is shown of one subject, voxel by voxel.
package struct SubjectImages: Sendable {
  /// What makes a prediction: a name and slices in, `count x extent` values out.
  package typealias Predictor = (name: String, predict: (SampleBatch) throws -> [Float])

  package let id: String
  package let sources: [(modality: Modality, stack: Stack)]
  package let target: Modality
  package let truth: Stack
  /// Models in the order given; brought to [0, 1] as the scores are.
  package let predictions: [(name: String, stack: Stack)]
  package let lesions: Stack?

  package init(
    _ subject: CohortManifest.Subject, in cohort: PreparedCohort, scenario: Scenario, batchSize: Int,
    predictors: [Predictor], progress: (String, Int, Int) throws -> Void
  ) throws {
    let empty = Stack(for: subject, in: cohort.manifest)
    var sources = [Stack](repeating: empty, count: scenario.sources.count)
    var predictions = [Stack](repeating: empty, count: predictors.count)
    var (truth, lesions, done) = (empty, subject.labels == nil ? nil : empty, 0)
    let references = subject.slices.map { SampleReference(subject: subject.id, slice: $0) }
    let batches = try cohort.batches(of: references, scenario: scenario, batchSize: batchSize)
    for number in batches.indices {
      let batch = try batches[number]
      let pixels = batch.extent.count
      let made = try predictors.map { try $0.predict(batch) }
      for (index, reference) in batch.references.enumerated() {
        let images = batch.images(index, of: scenario)
        for channel in sources.indices { sources[channel].put(images.sources[channel], at: reference.slice) }
        truth.put(images.target, at: reference.slice)
        for model in predictions.indices {
          let image = made[model][index * pixels..<(index + 1) * pixels].map { $0 > 0 ? min($0, 1) : 0 }
          predictions[model].put(image, at: reference.slice)
        }
        if let labels = try cohort.labels(at: reference) {
          lesions?.put(labels.map { $0 > 0 ? 1 : 0 }, at: reference.slice)
        }
      }
      done += batch.count
      try progress("pictures of \(subject.id)", done, references.count)
    }
    id = subject.id
    target = scenario.target
    self.sources = Array(zip(scenario.sources, sources)).map { (modality: $0.0, stack: $0.1) }
    self.truth = truth
    self.predictions = zip(predictors, predictions).map { (name: $0.0.name, stack: $0.1) }
    self.lesions = lesions
  }

  package init(
    id: String, sources: [(modality: Modality, stack: Stack)], target: Modality, truth: Stack,
    predictions: [(name: String, stack: Stack)], lesions: Stack? = nil
  ) {
    (self.id, self.sources, self.target, self.truth) = (id, sources, target, truth)
    (self.predictions, self.lesions) = (predictions, lesions)
  }
}

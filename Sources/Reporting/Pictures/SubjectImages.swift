import Cohorts
import Imaging
import Runs

/// Everything that is shown of one subject, voxel by voxel.
package struct SubjectImages: Sendable {
  package let id: String
  package let sources: [(modality: Modality, stack: Stack)]
  package let target: Modality
  package let truth: Stack
  /// Models in the order given; brought to [0, 1] as the scores are.
  package let predictions: [(name: String, stack: Stack)]
  package let lesions: Stack?

  /// - Parameters:
  ///   - models: whose predictions are shown, by name.
  ///   - prediction: a slice's, by the model of this name: `extent` values; a slice without one stays empty.
  package init(
    _ subject: CohortManifest.Subject, in cohort: PreparedCohort, scenario: Scenario, models: [String],
    prediction: (_ slice: Int, _ model: String) throws -> [Float]?
  ) throws {
    let empty = Stack(for: subject, in: cohort.manifest)
    var sources = [Stack](repeating: empty, count: scenario.sources.count)
    var predictions = [Stack](repeating: empty, count: models.count)
    var (truth, lesions) = (empty, subject.labels == nil ? nil : empty)
    for slice in subject.slices {
      let reference = SampleReference(subject: subject.id, slice: slice)
      for (channel, modality) in scenario.sources.enumerated() {
        sources[channel].put(try cohort.slice(modality, at: reference), at: slice)
      }
      truth.put(try cohort.slice(scenario.target, at: reference), at: slice)
      for (index, model) in models.enumerated() {
        guard let image = try prediction(slice, model) else { continue }
        predictions[index].put(image.map { $0 > 0 ? min($0, 1) : 0 }, at: slice)
      }
      if let labels = try cohort.labels(at: reference) {
        lesions?.put(labels.map { $0 > 0 ? 1 : 0 }, at: slice)
      }
    }
    id = subject.id
    target = scenario.target
    self.sources = Array(zip(scenario.sources, sources)).map { (modality: $0.0, stack: $0.1) }
    self.truth = truth
    self.predictions = zip(models, predictions).map { (name: $0.0, stack: $0.1) }
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

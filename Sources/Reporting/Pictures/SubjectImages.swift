import Cohorts
import Imaging

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
    var sources = scenario.sources.map { (modality: $0, stack: empty) }
    var predictions = models.map { (name: $0, stack: empty) }
    var (truth, lesions) = (empty, subject.labels == nil ? nil : empty)
    for slice in subject.slices {
      let reference = SampleReference(subject: subject.id, slice: slice)
      for index in sources.indices {
        sources[index].stack.put(try cohort.slice(sources[index].modality, at: reference), at: slice)
      }
      truth.put(try cohort.slice(scenario.target, at: reference), at: slice)
      for (index, model) in models.enumerated() {
        guard let image = try prediction(slice, model) else { continue }
        predictions[index].stack.put(image.map { $0 > 0 ? min($0, 1) : 0 }, at: slice)
      }
      if let labels = try cohort.labels(at: reference) {
        lesions?.put(labels.map { $0 > 0 ? 1 : 0 }, at: slice)
      }
    }
    (id, target) = (subject.id, scenario.target)
    (self.sources, self.truth, self.predictions, self.lesions) = (sources, truth, predictions, lesions)
  }
}

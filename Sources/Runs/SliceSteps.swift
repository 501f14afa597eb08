import Cohorts
import Imaging
import Metrics

/// Scores the step from each slice to the next, where that was scored too: slices come in order, but batches part them.
struct SliceSteps {
  private let scorer: Scorer
  private let target: Modality
  private var last: (reference: SampleReference, prediction: [Float], target: [Float])?

  init(_ scorer: Scorer, _ target: Modality) { (self.scorer, self.target) = (scorer, target) }

  /// - Parameter slices: all scores so far, the batch's at the end.
  mutating func score(_ batch: SampleBatch, _ predictions: [Float], in slices: inout [SliceScores]) {
    let (first, size) = (slices.count - batch.count, batch.extent.count)
    for (index, reference) in batch.references.enumerated() {
      let prediction = Array(predictions[index * size..<(index + 1) * size])
      let target = batch.image(target, of: index)
      if let last, last.reference.subject == reference.subject, last.reference.slice + 1 == reference.slice {
        slices[first + index - 1].values[.throughPlane] = scorer.throughPlane(
          last.prediction, last.target, next: (prediction, target))
      }
      last = (reference, prediction, target)
    }
  }
}

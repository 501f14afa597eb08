import Cohorts
import Experiments
import Imaging
import Inference
import Metrics

/// By what the best networks of a run are chosen, as held-out samples are added: the mean PSNR of those that are predicted with
/// some error, in dB, or of a segmentation the Dice of each region over all of their voxels, whose mean counts.
struct Judgement {
  let metric: Metric
  private let scenario: Scenario
  private let regions: [LabelRegion]
  private var values: [Double] = []
  private var overlaps: [Overlap]

  init(of experiment: Experiment) {
    scenario = experiment.scenario
    regions = experiment.regions ?? []
    (metric, overlaps) = (regions.isEmpty ? .psnr : .dice, regions.map { _ in Overlap() })
  }

  mutating func add(_ predictions: [Float], of batch: SampleBatch) {
    guard let labels = batch.labels, !regions.isEmpty else {
      values += Scorer().psnr(predictions, batch.target(of: scenario), of: batch.extent.count)
      return
    }
    for (place, region) in regions.enumerated() {
      overlaps[place] += batch.overlap(of: place, of: regions.count, predictions, labels, region)
    }
  }

  var score: Score {
    let dice = overlaps.compactMap { $0.dice() }
    return Score(metric.rawValue, Spread(regions.isEmpty ? values : dice).mean ?? .nan)
  }
}

extension SampleBatch {
  /// How far a region that was found, the map with this place among those of each sample, coincides with the batch's labels.
  fileprivate func overlap(
    of place: Int, of regions: Int, _ maps: [Float], _ labels: [UInt8], _ region: LabelRegion
  ) -> Overlap {
    (0..<count).reduce(into: Overlap()) { sum, sample in
      let first = (sample * regions + place) * extent.count
      let found = maps[first..<first + extent.count].map { $0 > Segmenter.threshold }
      let wanted = labels[sample * extent.count..<(sample + 1) * extent.count].map(region.labels.contains)
      sum += Overlap(found, wanted)
    }
  }
}

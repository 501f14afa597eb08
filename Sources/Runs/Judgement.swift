import Cohorts
import Experiments
import Files
import Imaging
import Inference
import Metrics

/// By what the best networks of a run are chosen, as held-out samples are added: the mean PSNR of those that are predicted with
/// some error, in dB, where whatever is missing is asked for of each contrast that they have, hidden in turn; on the scale of the
/// foreground, which has no largest intensity, of each contrast how far its error is below a constant image's, in the head; or of
/// a segmentation the Dice, over all of their voxels, of each region that their label maps show,
/// whose mean counts: whatever a network finds, it is of the same regions.
struct Judgement {
  let metric: Metric
  private let scenario: Scenario
  private let regions: [LabelRegion]
  /// Of images, but on the scale of the foreground.
  private var values: [Double] = []
  private var overlaps: [Overlap]
  /// By contrast that was hidden, on the scale of the foreground.
  private var errors: [Modality: ErrorsOverMean] = [:]

  init(of experiment: Experiment) {
    scenario = experiment.scenario
    regions = experiment.regions ?? []
    overlaps = regions.map { _ in Overlap() }
    metric = regions.isEmpty ? experiment.rule == .foreground ? ComputedHeads.metric : .psnr : .dice
  }

  /// What a network is asked of a batch.
  struct Question {
    /// As the network sees it, and as it is.
    let batch: SampleBatch, whole: SampleBatch
    /// The contrast that was hidden, where one was.
    var hidden: Modality?
    /// Of each sample the voxels that count, on the scale of the foreground.
    var counted: [[Bool]]?
  }

  /// - Parameter batch: a batch of the held-out samples.
  func questions(of batch: SampleBatch) -> [Question] {
    guard scenario.target == .missing else { return [Question(batch: batch, whole: batch)] }
    let counted = metric == ComputedHeads.metric ? batch.foreground : nil
    return scenario.sources.filter { modality in batch.present.contains { $0.contains(modality) } }.map {
      Question(
        batch: batch.keeping(Set(scenario.sources).subtracting([$0])), whole: batch, hidden: $0,
        counted: counted)
    }
  }

  mutating func add(_ predictions: [Float], _ question: Question) {
    let batch = question.whole
    if let labels = batch.labels {
      let size = batch.extent.count
      for sample in 0..<batch.count {
        // As a label map, which is what is written and evaluated: what is in a part is in the whole.
        let found = regions.likeliest(of: size) { predictions[(sample * regions.count + $0) * size + $1] }
        let wanted = labels[sample * size..<(sample + 1) * size]
        for (place, region) in regions.enumerated() {
          overlaps[place] += Overlap(region.mask(of: found), region.mask(of: wanted))
        }
      }
      return
    }
    let (targets, size) = (batch.target(of: scenario), batch.extent.count)
    guard let hidden = question.hidden, let place = scenario.sources.firstIndex(of: hidden) else {
      values += Scorer().psnr(predictions, targets, of: size)
      return
    }
    for sample in 0..<batch.count
    where batch.present[sample].contains(hidden) && batch.present[sample].count > 1 {
      let image = sample * scenario.sources.count + place
      if let counted = question.counted {
        errors[hidden, default: ErrorsOverMean()].add(
          predictions, targets, image: image, counting: counted[sample])
      } else {
        let voxels = image * size..<(image + 1) * size
        values += Scorer().psnr(Array(predictions[voxels]), Array(targets[voxels]), of: size)
      }
    }
  }

  /// Nil where the label maps show none of the regions, and where no image has a finite figure: black ones that are met exactly.
  var score: Score? {
    guard regions.isEmpty else {
      let dice = overlaps.filter { $0.reference > 0 }.compactMap { $0.dice() }
      return Spread(dice).mean.map { Score(metric.rawValue, $0) }
    }
    let all = values + scenario.sources.compactMap { errors[$0]?.decibels }
    return Spread(all).mean.map { Score(metric.rawValue, $0) }
  }

  /// The samples of the validation split to judge by, spread evenly over it; none, and why, where there is nothing.
  func samples(
    of cohort: PreparedCohort, _ contents: SampleContents, upTo count: Int, batchSize: Int
  ) throws -> (held: [SampleReference], lack: String?) {
    guard !cohort.subjects(in: .validation).isEmpty else {
      return ([], "the cohort has no subject to validate on")
    }
    let held = try cohort.samples(in: .validation, contents).spread(count)
    guard !regions.isEmpty else { return (held, nil) }
    let maps = try cohort.batches(
      of: held, SampleContents(modalities: [], region: contents.region, labels: true), batchSize: batchSize)
    for index in maps.indices {
      guard let map = try maps[index].labels else { continue }
      if regions.contains(where: { $0.mask(of: map).contains(true) }) { return (held, nil) }
    }
    return ([], "no label map of the \(held.count) validation samples shows any of \(regions.words)")
  }
}

extension SampleBatch {
  /// Of each sample, where any of its contrasts is above the background, on the scale of the foreground.
  fileprivate var foreground: [[Bool]] {
    let (images, size) = (images.values, extent.count)
    return (0..<count).map { sample in
      // Of a slab the plane in the middle.
      let first = (sample * depth + depth / 2) * size
      return (first..<first + size).map { voxel in images.contains { $0[voxel] > ForegroundScale.seen } }
    }
  }
}

import Cohorts
import Experiments
import Failures
import Files
import Imaging
import Inference
import Metrics
import Torch

/// Scores a segmentation on whole subjects of a prepared cohort that have a label map. It may be shown something else in place
/// of a contrast: what a synthesised contrast is worth is how far the segmentation comes with it (the paper's Table 4).
///
/// Networks see all planes of a subject, as its slices have them, and what they find is compared on the slices that the
/// cohort's rule chooses: 2-D Dice by slice, everything else over their stack. Where slices between the first and the last
/// were not chosen, there are no surfaces to measure distances of.
public struct SegmentationEvaluator {
  public let cohort: PreparedCohort
  public let regions: [LabelRegion]
  /// Slices through a network at a time.
  public var batchSize = 4
  /// Most subjects of a split to score, spread evenly over it; all where nothing is said.
  public var subjectLimit: Int?
  /// The subjects to score, by name; all where nothing is said.
  public var subjects: [String]?
  /// The processes that share the subjects out; each of them gets the scores of all.
  public var group: ProcessGroup?
  /// Subjects done, of how many of this process's; what it throws ends the work.
  public var progress: (Int, Int) throws -> Void = { _, _ in }

  /// What the segmentation is shown in place of a contrast.
  public enum Filling {
    /// 0 everywhere, in place of the intensities that are scaled to [0, 1].
    case zero
    /// Another contrast as it is.
    case copy(of: Modality)
    /// What a model of that contrast makes of its own sources, brought to [0, 1].
    case synthesised(by: TrainedModel)
  }

  /// - Throws: `.usage` for regions that make no sense.
  public init(_ cohort: PreparedCohort, regions: [LabelRegion]) throws {
    if let refusal = regions.refusal { throw Failure(.usage, refusal) }
    (self.cohort, self.regions) = (cohort, regions)
  }

  /// Scores a segmentation of these regions on the subjects of a split that have a label map and every contrast that is needed:
  /// one that is filled need not be there.
  /// - Parameter keep: told of every subject that is scored here what the segmentation was shown and what it found.
  /// - Throws: before any work `.usage` for a model that is no segmentation and for a filling of no source of it,
  ///   `.inconsistent` for other regions than the model's, a filling by a model of another contrast, contrasts or label maps
  ///   that are not there and labels that belong to no region; then what the networks and `progress` throw.
  public func scores(
    named name: String, in split: Split, by model: TrainedModel, filling: [Modality: Filling] = [:],
    keep: (SegmentedVolume) throws -> Void = { _ in }
  ) throws -> SegmentationScores {
    let (ids, needed) = try subjects(in: split, servedBy: model, filling)
    try cohort.check(regions, in: [split], requiring: needed, learning: false)

    let contents = SampleContents(modalities: needed, requiring: needed, labels: true)
    let subjects = Dictionary(cohort.manifest.subjects.map { ($0.id, $0) }) { first, _ in first }
    let named = ids.filter { self.subjects?.contains($0) ?? true }
    let chosen = group.share(of: named.spread(subjectLimit ?? named.count).compactMap { subjects[$0] })
    var scores = SegmentationScores(name: name, scorer: SegmentationScorer(regions: regions))
    try progress(0, chosen.count)
    for (done, subject) in chosen.enumerated() {
      let stack = try cohort.stack(of: subject.id, contents)
      let volume = try segmented(subject, stack, by: model, filling) { _, _ in
        try progress(done, chosen.count)
      }
      scores.subjects.append(scored(volume, scores.scorer))
      try keep(volume)
      try progress(done + 1, chosen.count)
    }
    scores.subjects = try group.gathered(scores.subjects)
    return scores
  }

  /// The subjects of a split, by name, that have a label map and every contrast that is needed, and which those are.
  /// - Throws: as `scores`, before any work and without a look at the label maps.
  func subjects(
    in split: Split, servedBy model: TrainedModel, _ filling: [Modality: Filling]
  ) throws -> (ids: [String], needed: [Modality]) {
    try check(model, filling)
    let needed = model.card.scenario.sources.flatMap { filling[$0]?.sources ?? [$0] }.unique
    try cohort.check(Scenario(labelling: needed))
    return (try cohort.slices(in: split, requiring: needed, labels: true).map(\.subject).unique, needed)
  }

  /// The subjects of a split, by name, that serve every row of a table.
  func subjects(in split: Split, of rows: [SegmentationAssessment.Row]) throws -> [String] {
    let ids = try rows.map { try subjects(in: split, servedBy: $0.model, $0.filling).ids }
    let shared = (ids.first ?? []).filter { id in ids.allSatisfy { $0.contains(id) } }
    guard !shared.isEmpty else {
      throw Failure(
        .inconsistent,
        "\(cohort.folder): no subject of the \(split.rawValue) split has every contrast that the rows need; fill in fewer ways"
      )
    }
    return shared
  }

  private func check(_ model: TrainedModel, _ filling: [Modality: Filling]) throws {
    let found = try model.segmenter.regions
    guard found == regions else {
      throw Failure(
        .inconsistent, "\(model.file): finds \(found.words), which cannot be scored as \(regions.words)")
    }
    let sources = model.card.scenario.sources
    for modality in Modality.allCases {
      guard let filling = filling[modality] else { continue }
      guard sources.contains(modality) else {
        throw Failure(
          .usage,
          "\(model.file): takes \(sources.titles); there is no \(modality.title) to put something in place of"
        )
      }
      if case .copy(of: modality) = filling {
        throw Failure(
          .usage, "\(modality.title) in place of \(modality.title) is no change; name another contrast")
      }
      if case .synthesised(let other) = filling, other.card.scenario.target.modality != modality {
        throw Failure(
          .inconsistent,
          "\(other.file): is a model of \(other.card.scenario), which makes no \(modality.title)")
      }
    }
  }

  // MARK: - One subject

  private func segmented(
    _ subject: CohortManifest.Subject, _ stack: SampleBatch, by model: TrainedModel,
    _ filling: [Modality: Filling], passed: (Int, Int) throws -> Void
  ) throws -> SegmentedVolume {
    let region = model.card.region
    // A slab's neighbours are seen too, and patches see everything.
    let reach = region.depth / 2
    let seen = Set(subject.slices.flatMap { $0 - reach...$0 + reach })
      .filter { (0..<stack.extent.planes).contains($0) }.sorted()
    let planes = region.dimensions == 3 ? nil : seen

    var images: [Modality: [Float]] = [:]
    for modality in model.card.scenario.sources {
      images[modality] =
        switch filling[modality] {
        case nil: stack.target(modality)
        case .zero: [Float](repeating: 0, count: stack.extent.count)
        case .copy(let other): stack.target(other)
        case .synthesised(let other):
          try other.stackPredictor(
            stack.images, stack.extent, planes: planes, batchSize: batchSize, progress: passed)[0]
        }
    }
    let maps = try model.stackPredictor(
      images, stack.extent, planes: subject.slices, batchSize: batchSize, progress: passed)
    let span = SliceSpan(of: subject, in: cohort.manifest)
    let shown = maps.map { span.cut($0, 0) }
    var found = regions.likeliest(of: span.grid.extent.count) { shown[$0][$1] }
    span.clearPadding(&found)
    return SegmentedVolume(
      subject: subject, span: span, images: images.mapValues { span.cut($0, 0) }, found: found,
      reference: span.cut(stack.labels ?? [], 0))
  }

  private func scored(_ volume: SegmentedVolume, _ scorer: SegmentationScorer) -> SegmentedSubject {
    let subject = volume.subject
    var scored = scorer(
      volume.found, volume.reference, on: volume.grid, subject: subject.id,
      patient: subject.sharedPatient, firstSlice: volume.firstSlice)
    scored.isCut = volume.span.isCut(volume.reference.map { $0 > 0 })
    guard volume.span.hasGaps else { return scored }
    for index in scored.regions.indices {
      scored.regions[index].values[.hausdorff95] = nil
      scored.regions[index].values[.surfaceDice] = nil
    }
    return scored
  }
}

extension SegmentationEvaluator.Filling {
  /// The contrasts that it needs in place of the one.
  fileprivate var sources: [Modality] {
    switch self {
    case .zero: []
    case .copy(let other): [other]
    case .synthesised(let model): model.card.scenario.sources
    }
  }
}

/// What a segmentation was shown of a subject and what it found: the planes from the first to the last chosen slice, 0 in
/// those between that were not chosen.
public struct SegmentedVolume: Sendable {
  public let subject: CohortManifest.Subject
  public let grid: VoxelGrid
  /// Index of the first plane in the subject's own grid.
  public let firstSlice: Int
  /// By contrast, [plane][row][column] in [0, 1], with what was put in place of one.
  public let images: [Modality: [Float]]
  /// Labels, [plane][row][column].
  public let found: [UInt8], reference: [UInt8]
  let span: SliceSpan

  init(
    subject: CohortManifest.Subject, span: SliceSpan, images: [Modality: [Float]], found: [UInt8],
    reference: [UInt8]
  ) {
    (self.subject, self.span, grid, firstSlice) = (subject, span, span.grid, span.first)
    (self.images, self.found, self.reference) = (images, found, reference)
  }
}

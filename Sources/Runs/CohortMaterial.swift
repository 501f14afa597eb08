import Cohorts
import Experiments
import Failures
import Files
import Imaging
import Inference
import Layers
import Methods
import Metrics
import Torch
import Training

/// A prepared cohort, on whose training split networks are trained, and judged on its validation split; heads may be computed
/// beside it.
final class CohortMaterial: TrainingMaterial {
  let fitted: Experiment, notes: [String]
  private let cohort: PreparedCohort
  private let anatomies: Anatomies?
  private let contents: SampleContents
  private let judgement: Judgement
  /// What the networks are judged on; nothing where the validation split has nothing to judge by.
  private let references: [SampleReference]

  init(_ experiment: Experiment, _ cohort: PreparedCohort, beside anatomies: Anatomies? = nil) throws {
    (self.cohort, self.anatomies) = (cohort, anatomies)
    fitted = try experiment.fitted(toVolumes: cohort.largestVolume)
    contents = try SampleContents(of: fitted)
    judgement = Judgement(of: experiment)
    let unjudged: String?
    (references, unjudged) = try judgement.samples(
      of: cohort, contents, upTo: experiment.validationSlices, batchSize: experiment.batchSize)
    notes = [
      unjudged.map { "\($0), so the last weights are kept, not the best" },
      Self.note(of: experiment.region, fitted.region, cohort.largestVolume),
      Self.note(of: experiment.scenario, cohort, besideHeads: anatomies != nil),
      experiment.rule == .foreground && cohort.manifest.hasNoRoom
        ? "\(cohort.folder) was prepared by an earlier version, which cut off what is above the 99.5th percentile:"
          + " bright lesions are learned with a flat top; \(Term.preparation) keeps them" : nil,
    ].compactMap { $0 }
  }

  var metric: Metric { judgement.metric }
  var held: Int { references.count }

  func stream(startingAt iteration: Int, threads: Int, part: Int, of parts: Int) throws -> any SampleSource {
    func scans(_ iteration: Int) throws -> any SampleSource {
      try SampleStream(
        cohort, contents, batchSize: fitted.batchSize, seed: fitted.seed, startingAt: iteration,
        threads: threads, part: part, of: parts)
    }
    guard let anatomies else { return try scans(iteration) }
    return try MixedStream(share: fitted.physics.share, startingAt: iteration, scans) {
      try PhysicsStream(anatomies, of: fitted, startingAt: $0, threads: threads, part: part, of: parts)
    }
  }

  /// What trains on translated images is looked at on translated ones, each sample always by the same shift: the best weights
  /// are those that serve there.
  func score(_ predictor: Predictor, group: ProcessGroup?, stop: @escaping () -> Failure.Kind?) throws
    -> Score?
  {
    guard !references.isEmpty else { return nil }
    let batches = try cohort.batches(of: references, contents, batchSize: fitted.batchSize)
    var judgement = judgement
    var rounds = PredictionRounds<Judgement.Question>(predictor, group: group, stop: stop)
    for number in batches.indices {
      for asked in judgement.questions(of: try batches[number]) {
        try rounds.add(asked.batch, asked) { judgement.add($1, $0) }
      }
    }
    try rounds.finish { judgement.add($1, $0) }
    return judgement.score
  }

  func card(_ method: any Method, iteration: Int, score: Score?, samples: Int) throws -> ModelCard {
    var card = try ModelCard(fitted, cohort, method, iteration: iteration, score: score, samples: samples)
    if let anatomies {
      card.trainedOn += "; in \(fitted.physics.share) of the batches \(anatomies.words)"
    }
    // A cohort's slices are axial. What a model knew of other planes before it saw them holds after it, too: it learns what a contrast
    // is like, which is so in every plane. Of thick slices it learns how these show it, which other planes do not.
    if card.isOfHeads, !card.isOfThickSlices, anatomies != nil || !fitted.from.isEmpty {
      card.planes = fitted.physics.planes
    }
    return card
  }

  /// What becomes of contrasts that nobody in the cohort has, or nil.
  private static func note(
    of scenario: Scenario, _ cohort: PreparedCohort, besideHeads: Bool
  ) -> String? {
    let lacking = scenario.modalities.filter { !cohort.manifest.modalities.contains($0) }
    guard !lacking.isEmpty else { return nil }
    let what =
      besideHeads
      ? "what is learned of that is of computed heads alone"
      : "nothing is learned of that, and what the model that training starts from knows of it may fade"
    return "the cohort has no \(lacking.titles): \(what)"
  }

  /// Why patches are smaller than they were asked for, or nil.
  private static func note(of asked: Region, _ fitted: Region, _ largest: Extent) -> String? {
    guard case .patch(let before) = asked, case .patch(let extent) = fitted, extent != before else {
      return nil
    }
    let axes = zip(["planes", "rows", "columns"], largest.sizes).enumerated().filter {
      extent.sizes[$0.offset] < before.sizes[$0.offset]
    }
    let most = axes.map { "\($0.element.1) \($0.element.0)" }.joined(separator: ", ")
    return "patches of \(extent.word): the volumes have at most \(most)"
  }
}

extension SampleContents {
  /// What an experiment that is fitted to its cohort is trained and judged on.
  init(of experiment: Experiment) throws {
    try self.init(
      experiment.scenario, region: experiment.region, perturbation: experiment.shift,
      augmentation: experiment.augmentation, rule: experiment.rule)
  }
}

extension ModelCard {
  /// How intensities are scaled by their foreground, in words.
  static let foregroundWords =
    "divided by the foreground's root mean square, which stands for \(ForegroundScale.level); clipped to 0 and 4"

  /// The same of a cohort's images.
  private static func foregroundWords(of manifest: CohortManifest) -> String {
    foregroundWords
      + ", and before to \(manifest.cutsAboveScale ? "" : "four times ")the 99.5th percentile over all voxels"
  }
  init(
    _ experiment: Experiment, _ cohort: PreparedCohort, _ method: any Method, iteration: Int,
    score: Score?, samples: Int
  ) throws {
    let manifest = cohort.manifest
    let training = cohort.subjects(in: .train)
    func median(_ values: [Double]) -> Double? {
      let sorted = values.sorted()
      return sorted.isEmpty ? nil : (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    }
    var scales: [Modality: Double] = [:]
    for modality in experiment.scenario.modalities {
      scales[modality] = try median(
        training.compactMap { try cohort.scale(of: modality, of: $0, by: experiment.rule) })
    }
    self.init(
      scenario: experiment.scenario, extent: experiment.extent(ofSlices: manifest.extent),
      depth: experiment.region.depth > 1 ? experiment.region.depth : nil,
      intensity: experiment.rule == .foreground
        ? ModelCard.foregroundWords(of: manifest) : manifest.intensity,
      rule: experiment.rule == .foreground ? .foreground : nil, scales: scales,
      spacing: (0..<3).compactMap { axis in median(training.map { $0.spacing[axis] }) },
      sliceRule: manifest.sliceRule.description,
      trainedOn:
        "\(manifest.name) (\(manifest.layout)): \(training.count) subjects, \(samples) \(experiment.region.samples)",
      iterations: iteration, score: score, parameters: method.generator.parameters.count,
      versions: ["aginet": Version.current, "libtorch": LibTorch.version])
  }
}

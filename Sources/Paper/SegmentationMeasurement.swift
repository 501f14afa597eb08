import Cohorts
import Experiments
import Failures
import Files
import Foundation
import Imaging
import Methods
import Metrics
import Runs
import Training

/// What a segmentation found in the test split where one row of a table gives it a contrast.
public struct SegmentationMeasurement: Codable, Sendable {
  public var scores: SegmentationScores
  /// The given contrast against the acquired one, by the BraSyn challenge's protocol; nothing where there is nothing to compare.
  public var images: ModelFigures<BraSynMeasure>?
  /// How the contrast was drawn, in words; nothing where it is made in one pass or not at all.
  public var drawing: String?

  package init(scores: SegmentationScores, images: ModelFigures<BraSynMeasure>? = nil, drawing: String? = nil)
  {
    (self.scores, self.images, self.drawing) = (scores, images, drawing)
  }
}

extension Reproduction {
  /// Segments some test subjects with what a row gives, by the first of its runs that were trained to an end; nothing where none
  /// was.
  /// - Parameter keep: told of every subject what the segmentation was given and what it found.
  public func segment(
    _ row: Study.Row, of study: Study, by segmentation: Experiment, subjects: [String],
    keep: (SegmentedVolume) throws -> Void
  ) throws {
    for (segmentation, synthesis) in pairs(row, by: segmentation) {
      let needed = [segmentation, synthesis].compactMap { $0 }
      guard try needed.allSatisfy({ try state(of: $0) == .finished }) else { continue }
      _ = try segment(
        row, of: study, by: segmentation, synthesis: synthesis, subjects: subjects, keep: keep)
      return
    }
  }

  /// Segments the test split with what a row gives in place of the contrast of its scenario.
  /// - Parameters:
  ///   - synthesis: what makes the contrast, where the row is of one.
  ///   - subjects: those that are segmented, by name; nil takes as many as the settings say.
  ///   - keep: told of every subject what the segmentation was given and what it found.
  /// - Returns: the scores, and how the contrast was drawn.
  private func segment(
    _ row: Study.Row, of study: Study, by segmentation: Experiment, synthesis: Experiment?,
    subjects: [String]? = nil, keep: (SegmentedVolume) throws -> Void
  ) throws -> (scores: SegmentationScores, drawing: String?) {
    let model = try Run(opening: runFolder(of: segmentation).path).model(device: settings.device)
    var filling: SegmentationEvaluator.Filling?
    var drawing: String?
    switch row.input {
    case .acquired: break
    case .zero: filling = .zero
    case .copy(let other): filling = .copy(of: other)
    case .synthesised:
      guard let synthesis else { break }
      let maker = try Run(opening: runFolder(of: synthesis).path).model(device: settings.device)
      if let sampling = maker.method.sampling {
        try sampling.change(sampling.admitted(of: settings.sampling))
        drawing = sampling.description
      }
      filling = .synthesised(by: maker)
    }
    let target = try study.contrast
    var evaluator = try SegmentationEvaluator(cohort, regions: model.experiment.regions ?? [])
    (evaluator.batchSize, evaluator.subjects) = (settings.batchSize, subjects)
    if subjects == nil { evaluator.subjectLimit = subjectLimit }
    evaluator.progress = { done, total in
      try goOn()
      try observe(.segmenting(name: "\(study.title), \(row.title)", done: done, of: total))
    }
    let scores = try evaluator.scores(
      named: row.title, in: .test, by: model, filling: filling.map { [target: $0] } ?? [:], keep: keep)
    return (scores, drawing)
  }

  /// The experiments of a row by seed, each with the segmentation of that seed.
  private func pairs(_ row: Study.Row, by segmentation: Experiment) -> [(Experiment, synthesis: Experiment?)]
  {
    seeded(segmentation).enumerated().map { index, seeded in
      (seeded, row.experiments.first.map { self.seeded($0)[index] })
    }
  }

  /// In the folder of the segmentation's run, named for what it was given.
  private func file(
    _ row: Study.Row, of study: Study, by segmentation: Experiment, synthesis: Experiment?
  ) throws -> String {
    let given =
      switch row.input {
      case .acquired: "acquired"
      case .zero: "zero"
      case .copy(let other): "copy-\(other.rawValue)"
      case .synthesised: try synthesis.map { Path.name(try runFolder(of: $0).path) } ?? "nothing"
      }
    let look = look(study.conditions[0], of: synthesis)
    return "\(try runFolder(of: segmentation).path)/evaluation/reproduction/\(look)-\(given).json"
  }

  private func measurement(
    _ row: Study.Row, of study: Study, by segmentation: Experiment, synthesis: Experiment?
  ) throws -> SegmentationMeasurement {
    let hashes = try [segmentation, synthesis].compactMap { $0 }.map {
      try SHA256.ofFile(runFolder(of: $0).model).digest
    }
    let file = try file(row, of: study, by: segmentation, synthesis: synthesis)
    let question = question(nil, look(study.conditions[0], of: synthesis))
    return try Kept.value(at: file, for: "models \(hashes.joined(separator: " ")), \(row.input), \(question)")
    {
      var images = ModelFigures<BraSynMeasure>(name: row.title)
      let target = try study.contrast
      let (scores, drawing) = try segment(
        row, of: study, by: segmentation, synthesis: synthesis
      ) { volume in
        guard row.input != .acquired, row.input != .zero, let given = volume.images[target],
          let truth = try acquired(target, of: volume)
        else { return }
        let values = BraSyn.values(
          given, truth, tumour: volume.reference.map { $0 > 0 }, volume.grid.extent)
        images.subjects.append(
          SubjectFigures(
            subject: volume.subject.id, patient: volume.subject.sharedPatient, values: values))
      }
      return SegmentationMeasurement(
        scores: scores, images: images.subjects.isEmpty ? nil : images, drawing: drawing)
    }
  }

  /// A contrast as it was acquired, on the planes of a segmented volume; nothing where the subject does not have it.
  public func acquired(_ modality: Modality, of volume: SegmentedVolume) throws -> [Float]? {
    guard volume.subject.scans.contains(where: { $0.modality == modality }) else { return nil }
    let size = volume.grid.extent.rows * volume.grid.extent.columns
    var values = [Float](repeating: 0, count: volume.grid.extent.count)
    for slice in volume.subject.slices {
      let start = (slice - volume.firstSlice) * size
      values.replaceSubrange(
        start..<start + size,
        with: try cohort.slice(modality, at: SampleReference(subject: volume.subject.id, slice: slice)))
    }
    return values
  }

  // MARK: - A table of them

  /// Whether a study may have been measured here before: of one with a segmentation there is a run by that name, and without
  /// one no label map need be read to know.
  public func mayHold(_ study: Study) -> Bool {
    guard let segmentation = study.segmentation else { return true }
    let runs = (try? FileManager.default.contentsOfDirectory(atPath: "\(folder)/runs")) ?? []
    return runs.contains { $0.hasPrefix("\(segmentation.method)-") }
  }

  func isMeasured(_ study: Study, by segmentation: Experiment) throws -> Bool {
    try study.rows.allSatisfy { row in
      try pairs(row, by: segmentation).allSatisfy { segmentation, synthesis in
        try isThere([segmentation, synthesis].compactMap { $0 }) {
          try file(row, of: study, by: segmentation, synthesis: synthesis)
        }
      }
    }
  }

  func result(of admission: Admission, by segmentation: Experiment) throws -> StudyResult {
    let study = admission.study
    var failures: [String] = []
    let found = try study.rows.map { row in
      try pairs(row, by: segmentation).compactMap { segmentation, synthesis -> SegmentationMeasurement? in
        let failed = try [
          failure(of: segmentation, in: segmentation.title),
          synthesis.flatMap { try failure(of: $0, in: row.title) },
        ].compactMap { $0 }
        failures += failed
        guard failed.isEmpty else { return nil }
        return try measurement(row, of: study, by: segmentation, synthesis: synthesis)
      }
    }
    return StudyResult(
      study: study, segmentations: found, leftOut: admission.notes, failures: failures.unique,
      seeds: settings.seeds, slicesPerVolume: slicesPerVolume)
  }

  /// Refuses a segmentation that cannot be trained or tested here, before anything is.
  func check(_ segmentation: Experiment, judging study: Study) throws {
    do {
      try check(segmentation)
      if let regions = segmentation.regions { try labels.check(regions, in: segmentation.scenario.sources) }
      for split in [Split.train, .test] {
        _ = try cohort.slices(in: split, requiring: segmentation.scenario.sources, labels: true)
      }
    } catch let failure as Failure {
      throw Failure(failure.kind, "\(study.name): \(failure.message)")
    }
  }
}

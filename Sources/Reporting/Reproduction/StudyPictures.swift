import Cohorts
import Experiments
import Foundation
import Imaging
import Inference
import Metrics
import Paper
import Runs

/// What a figure of pictures shows: one test subject, as the networks of its rows see it.
struct StudyPictures: Codable {
  let html: HTML
  private let image: Data
  /// The same as one picture without words, for a paper.
  var png: [UInt8] { Array(image) }

  /// As they were made before, or anew; nothing where no network of the figure was trained to an end.
  static func shown(_ result: StudyResult, of reproduction: Reproduction) throws -> StudyPictures? {
    try reproduction.pictures(of: result.study) {
      [try StudyPictures(result, of: reproduction)].compactMap { $0 }
    }.first
  }

  private init?(_ result: StudyResult, of reproduction: Reproduction) throws {
    let study = result.study
    if let segmentation = study.segmentation {
      guard let pictures = try StudyPictures.segmentations(result, by: segmentation, reproduction) else {
        return nil
      }
      (html, image) = (pictures.0, Data(pictures.1))
      return
    }
    let models = try study.rows.compactMap { row in
      try reproduction.model(of: row.experiments[0]).map { (name: row.title, model: $0) }
    }
    let scores = result.measurements.lazy.compactMap { $0.first?.first?.scores }.first
    guard !models.isEmpty, let scores, let (id, reason) = ShownSubjects.typical(scores).first,
      let subject = reproduction.cohort.subjects(in: .test).first(where: { $0.id == id })
    else { return nil }
    let why = "Subject \(id): \(reason.words(of: models[0].name))."
    let (html, png) =
      study.form == .features
      ? try StudyPictures.features(models, of: subject, why, reproduction)
      : try StudyPictures.syntheses(
        models, of: subject, why, in: study.form == .volumes ? Plane.allCases : [.axial], reproduction)
    (self.html, image) = (html, Data(png))
  }

  // MARK: - Figure 5 and volumes

  private static func syntheses(
    _ models: [(name: String, model: TrainedModel)], of subject: CohortManifest.Subject, _ why: String,
    in planes: [Plane], _ reproduction: Reproduction
  ) throws -> (HTML, [UInt8]) {
    let scenario = models[0].model.experiment.scenario
    let batches = try reproduction.cohort.batches(
      of: subject.slices.map { SampleReference(subject: subject.id, slice: $0) }, scenario: scenario,
      batchSize: reproduction.settings.batchSize)
    var predictions: [String: [Int: [Float]]] = [:]
    for (name, model) in models {
      let predictor = try model.slicePredictor(of: reproduction.cohort)
      try batches.predicted(by: predictor.callAsFunction(_:passed:)) {
        try reproduction.observe(.scoring(name: "pictures of \(subject.id) by \(name)", done: $0, of: $1))
      } each: { batch, values in
        for (reference, image) in batch.images(in: values) {
          predictions[name, default: [:]][reference.slice] = image
        }
      }
    }
    let montage = try Montage(
      of: subject, in: reproduction.cohort, scenario: scenario, models: models.map(\.name)
    ) { predictions[$1]?[$0] }
    let scale = Montage.errorScale(of: [montage])
    let steps = planes.count > 1 ? " Coronal and sagittal planes show the steps between slices." : ""
    let caption =
      "\(why) The yellow frame marks the detail; error maps run from 0 to \(number(Double(scale), 2)) of the full intensity.\(steps)"
    let html = try montage.html(scale: scale, caption: caption, planes: planes)

    // The acquired image and the syntheses, without the sources; the truth has no error.
    let shown = scenario.sources.count
    let whole = planes.map { montage.panels($0, scale: scale) }
    let close = montage.panels(.axial, isDetail: true, scale: scale)
    func images(_ panels: (images: [Panel], errors: [Panel])) -> [Tile?] {
      panels.images.dropFirst(shown).map { Tile($0) }
    }
    func errors(_ panels: (images: [Panel], errors: [Panel])) -> [Tile?] {
      [nil] + panels.errors.map { Tile($0) }
    }
    let rows =
      planes.count == 1
      ? [images(whole[0]), images(close), errors(whole[0])] : whole.flatMap { [images($0), errors($0)] }
    return (html, try Mosaic(rows).png())
  }

  // MARK: - Segmentations

  /// Two test subjects, with what is found by the acquired contrast, without it, and by the last two syntheses.
  private static func segmentations(
    _ result: StudyResult, by segmentation: Experiment, _ reproduction: Reproduction
  ) throws -> (HTML, [UInt8])? {
    let study = result.study
    let measured = zip(study.rows, result.segmentations).filter { !$0.1.isEmpty }
    let references = measured.filter { $0.0.input == .acquired || $0.0.input == .zero }
    let shown = references + measured.filter { $0.0.input == .synthesised }.suffix(2)
    guard let regions = segmentation.regions, let last = shown.last,
      case let subjects = ShownSubjects.typical(last.1[0].scores.overRegions), !subjects.isEmpty
    else { return nil }
    var volumes: [String: [(name: String, volume: SegmentedVolume)]] = [:]
    for (row, _) in shown {
      try reproduction.segment(row, of: study, by: segmentation, subjects: subjects.map(\.id)) { volume in
        volumes[volume.subject.id, default: []].append((row.title, volume))
      }
    }
    let target = try study.contrast
    var (figures, mosaic): ([HTML], [[Tile?]]) = ([], [])
    for (id, reason) in subjects {
      guard let found = volumes[id], let first = found.first else { continue }
      let montage = SegmentationMontage(
        first.volume, of: target, regions,
        found.map { SegmentationMontage.Finding($0.name, $0.volume, of: target, regions) })
      let why = reason.words(of: last.0.title, "3-D Dice") { "\(number(100 * $0, 1)) %" }
      figures.append(
        try montage.html(
          caption: "Subject \(id): \(why). \(target.title) as the segmentation is given it, with the "
            + "regions \(regions.map(\.name).joined(separator: ", ")) of the label map in blue and those that are found in "
            + "orange; below, their 3-D Dice. The yellow frame marks the detail."))
      mosaic += montage.rows.map { $0.panels.map { Tile($0) } }
    }
    return (HTML(figures), try Mosaic(mosaic).png())
  }

  // MARK: - Figure 6

  private static func features(
    _ models: [(name: String, model: TrainedModel)], of subject: CohortManifest.Subject, _ why: String,
    _ reproduction: Reproduction
  ) throws -> (HTML, [UInt8]) {
    let middle = subject.slices[subject.slices.count / 2]
    let slice = SampleReference(subject: subject.id, slice: middle)
    let all = try models.map { name, model in
      try StageFeatures(model, named: name, of: slice, in: reproduction.cohort)
    }
    let columns = all.map(\.pictures.count).max() ?? 1
    let caption =
      "\(why) Slice \(middle). Below each stage, the share of the variance over channels that the three components hold. "
      + "Colours are a network's and stage's own: they cannot be compared between pictures."
    let html = try HTML.montage(caption, columns: columns) {
      for features in all {
        HTML("h4", ["class": "plane"]) { features.name }
        for picture in features.pictures {
          try HTML("div", ["class": "cell"]) {
            HTML("p", ["class": "name"]) { "\(picture.stage), \(number(100 * picture.explained, 0)) %" }
            try picture.tile.html("features after \(picture.stage) of \(features.name)")
          }
        }
      }
    }
    return (html, try Mosaic(all.map { $0.pictures.map(\.tile) }).png())
  }
}

import Cohorts
import Experiments
import Imaging
import Inference
import Paper
import Runs

/// What a figure of pictures shows: one test subject, as the networks of its rows see it.
struct StudyPictures {
  let html: HTML
  /// The same as one picture without words, for a paper.
  let png: [UInt8]

  /// Nothing where no network of the figure was trained to an end.
  init?(_ result: StudyResult, of reproduction: Reproduction) throws {
    let study = result.study
    let models = try study.rows.compactMap { row in
      try reproduction.model(of: row.experiments[0]).map { (name: row.title, model: $0) }
    }
    let scores = result.measurements.lazy.compactMap { $0.first?.first?.scores }.first
    guard !models.isEmpty, let scores, let (id, reason) = ShownSubjects.typical(scores).first,
      let subject = reproduction.cohort.subjects(in: .test).first(where: { $0.id == id })
    else { return nil }
    let why = "Subject \(id): \(reason.words(of: models[0].name))."
    let pictures = study.form == .features ? StudyPictures.features : StudyPictures.syntheses
    (html, png) = try pictures(models, subject, why, reproduction)
  }

  // MARK: - Figure 5

  private static func syntheses(
    _ models: [(name: String, model: TrainedModel)], of subject: CohortManifest.Subject, _ why: String,
    _ reproduction: Reproduction
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
    let caption =
      "\(why) The yellow frame marks the detail; error maps run from 0 to \(number(Double(scale), 2)) of the full intensity."
    let html = try montage.html(scale: scale, caption: caption, planes: [.axial])

    let whole = montage.panels(.axial, scale: scale)
    let close = montage.panels(.axial, isDetail: true, scale: scale)
    // The acquired image and the syntheses, without the sources; the truth has no error.
    let shown = scenario.sources.count
    let png = try Mosaic([
      whole.images.dropFirst(shown).map { Tile($0) }, close.images.dropFirst(shown).map { Tile($0) },
      [nil] + whole.errors.map { Tile($0) },
    ]).png()
    return (html, png)
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
    let html = try HTML("figure", ["class": "montage-frame"]) {
      HTML("figcaption") {
        "\(why) Slice \(middle). Below each stage, the share of the variance over channels that the three components hold. "
        "Colours are a network's and stage's own: they cannot be compared between pictures."
      }
      try HTML("div", ["class": "scroll", "tabindex": "0"]) {
        try HTML("div", ["class": "montage", "style": "--columns:\(columns)"]) {
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
      }
    }
    return (html, try Mosaic(all.map { $0.pictures.map(\.tile) }).png())
  }
}

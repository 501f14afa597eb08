import Cohorts
import Experiments
import Imaging
import Inference
import Networks
import Runs

extension Report {
  /// The whole page.
  public var html: String {
    get throws {
      try HTML.document("\(assessment.scenario) – aginet report") {
        header
        try HTML("main") {
          verdict
          scores
          try pictures
          curves
          routingSection
          subjects
        }
        footer
      }
    }
  }

  private var header: HTML {
    let scenario = assessment.scenario
    return HTML.header(
      scenario.description,
      "Synthesis of \(scenario.target.title), assessed on the \(assessment.split.rawValue) split of \(manifest.name)",
      warning: ModelCard.warning(from: scenario.sources),
      contents: [
        ("verdict", "Verdict"), ("scores", "Scores"), ("pictures", "Pictures"), ("curves", "Training"),
        ("routing", "What CAGR learned"), ("subjects", "Subjects"), ("runs", "Runs and data"),
      ])
  }

  private var verdict: HTML {
    HTML.section("verdict", "Verdict") {
      HTML("div", ["class": "verdict"]) {
        for sentence in assessment.verdict(networks: entries.count) { HTML("p") { sentence } }
      }
      for entry in entries {
        HTML("h3") { entry.name }
        HTML(facts: facts(of: entry))
      }
    }
  }

  private func facts(of entry: Entry) -> [(name: String, value: String)] {
    let (card, experiment) = (entry.card, entry.run.experiment)
    let score = card.score.map { ", validation \($0.words)" } ?? ""
    return [
      ("Trained on", card.trainedOn),
      ("Slices", "\(card.sliceRule); \(card.extent)"),
      (
        "Parameters",
        "\(grouped(card.parameters)) (width \(experiment.network.width)"
          + (entry.routing != nil ? ", groups \(experiment.network.groups))" : ")")
      ),
      (
        "Training",
        "\(grouped(experiment.iterations)) iterations of \(experiment.batchSize), rate "
          + "\(experiment.learningRate), seed \(experiment.seed)"
      ),
      ("Weights", "of iteration \(grouped(card.iterations))\(score)"),
      ("When", entry.time?.description ?? "not recorded"),
      ("Versions", card.versionWords),
      ("Intensities", card.intensity),
    ]
  }
}

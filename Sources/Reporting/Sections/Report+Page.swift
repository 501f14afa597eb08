import Cohorts
import Experiments
import Files
import Imaging
import Inference
import Networks
import Runs
import Training

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

  // MARK: - Footer

  private var footer: HTML {
    HTML("footer", ["id": "runs"]) {
      HTML("h2") { "Runs and data" }
      HTML("h3") { "Intended use" }
      for use in Set(entries.map(\.card.intendedUse)).sorted() { HTML("p") { use } }
      HTML("h3") { "Data" }
      HTML(facts: dataFacts)
      if !manifest.leftOut.isEmpty {
        HTML("details") {
          HTML("summary") { "Subjects left out (\(manifest.leftOut.count))" }
          HTML("ul") {
            for one in manifest.leftOut { HTML("li") { "\(one.id): \(one.reason)" } }
          }
        }
      }
      for notice in Notice.known(for: manifest) { HTML("p") { notice } }
      HTML("h3") { "Model files" }
      for entry in entries {
        HTML(facts: [
          ("Model", entry.name), ("File", entry.run.folder.model), ("SHA-256", entry.sha256),
        ])
      }
      if !options.commands.isEmpty {
        HTML("h3") { "Commands" }
        HTML("pre") { options.commands.joined(separator: "\n") }
      }
      HTML("p") { "Written by aginet \(Version.current)." }
    }
  }

  private var dataFacts: [(name: String, value: String)] {
    let counts = Split.allCases.map { split in
      let subjects = manifest.subjects.filter { $0.split == split }
      return "\(split.rawValue) \(subjects.count) (\(subjects.reduce(0) { $0 + $1.slices.count }) slices)"
    }
    return [
      ("Cohort", "\(manifest.name), read as \(manifest.layout)"),
      ("Modalities", manifest.modalities.titles),
      ("Subjects", counts.joined(separator: ", ")),
      ("Splits", manifest.splits),
      ("Slices", "\(manifest.sliceRule)"),
      ("Intensities", manifest.intensity),
      ("Prepared by", manifest.program),
      ("SHA-256 of \(CohortManifest.fileName)", cohortHash),
    ]
  }

  /// A word as a shell takes it.
  public static func quoted(_ word: String) -> String {
    word.wholeMatch(of: /[A-Za-z0-9\-_.\/:=,+@%]+/) != nil
      ? word : "'" + word.replacing("'", with: "'\\''") + "'"
  }
}

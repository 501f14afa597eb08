import Cohorts
import Imaging
import Inference
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
        Provenance(entries, manifest, cohortHash, options.commands, outside: assessment.outside).html
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
        for standing in standings {
          HTML("p") { standing.sentence }
          if !standing.reasons.isEmpty {
            HTML("ul") { for reason in standing.reasons { HTML("li") { reason } } }
          }
        }
      }
      for entry in entries {
        HTML("h3") { entry.name }
        HTML(facts: entry.facts)
      }
      for model in assessment.outside {
        HTML("h3") { model.name }
        HTML(facts: model.facts)
      }
    }
  }

  /// A word as a shell takes it.
  public static func quoted(_ word: String) -> String {
    word.wholeMatch(of: /[A-Za-z0-9\-_.\/:=,+@%]+/) != nil
      ? word : "'" + word.replacing("'", with: "'\\''") + "'"
  }
}

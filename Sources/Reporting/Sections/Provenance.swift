import Cohorts
import Experiments
import Files
import Imaging
import Inference
import Metrics
import Networks
import Runs
import Training

extension Report.Entry {
  /// What a reader wants to know of a run before its scores.
  var facts: [(name: String, value: String)] {
    let experiment = run.experiment
    let score = card.score.map { ", validation \($0.words)" } ?? ""
    return [
      ("Trained on", card.trainedOn),
      ("Slices", "\(card.sliceRule); \(card.extent)"),
      (
        "Parameters",
        "\(grouped(card.parameters)) (width \(experiment.network.width)"
          + (routing != nil ? ", groups \(experiment.network.groups))" : ")")
      ),
      (
        "Training",
        "\(grouped(experiment.iterations)) iterations of \(experiment.batchSize), rate "
          + "\(experiment.learningRate), seed \(experiment.seed)"
      ),
      ("Started from", start),
      ("Weights", "of iteration \(grouped(card.iterations))\(score)"),
      ("When", time?.description ?? "not recorded"),
      ("Versions", card.versionWords),
      ("Intensities", card.intensity),
    ]
  }

  private var start: String {
    let from = run.experiment.from
    if from.isEmpty { return "random weights" }
    return ShippedModel.all.first { $0.sha256 == from }?.name
      ?? "a model with SHA-256 \(from.prefix(12))…"
  }
}

/// The foot of a page about runs: what they are for, of which data, by which files and commands.
struct Provenance {
  private let entries: [Report.Entry], outside: [OutsideModel]
  private let manifest: CohortManifest
  private let cohortHash: String
  private let commands: [String]

  init(
    _ entries: [Report.Entry], _ manifest: CohortManifest, _ cohortHash: String, _ commands: [String],
    outside: [OutsideModel] = []
  ) {
    (self.entries, self.manifest, self.cohortHash, self.commands) = (entries, manifest, cohortHash, commands)
    self.outside = outside
  }

  var html: HTML {
    HTML("footer", ["id": "runs"]) {
      HTML("h2") { "Runs and data" }
      HTML("h3") { "Intended use" }
      for use in Set(entries.map(\.card.intendedUse) + outside.map(\.card.intendedUse)).sorted() {
        HTML("p") { use }
      }
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
      for model in outside {
        HTML(facts: [("Model", model.name), ("File", model.file), ("SHA-256", model.sha256)])
      }
      if !commands.isEmpty {
        HTML("h3") { "Commands" }
        HTML("pre") { commands.joined(separator: "\n") }
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
}

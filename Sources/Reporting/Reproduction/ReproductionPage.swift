import Cohorts
import Experiments
import Failures
import Files
import Imaging
import Inference
import Metrics
import Networks
import Paper
import Runs
import Training

/// Tables and figures that were computed anew: files for papers and programs, and one page for people.
public struct ReproductionPage {
  let reproduction: Reproduction
  let results: [StudyResult]
  /// What was asked for and cannot be had, with the reason.
  let skipped: [(name: String, reason: String)]
  let command: String
  private var pictures: [String: StudyPictures] = [:]

  /// Computes the pictures that are not kept from an earlier call.
  public init(
    _ reproduction: Reproduction, _ results: [StudyResult], skipped: [(name: String, reason: String)],
    command: String
  ) throws {
    (self.reproduction, self.results, self.skipped, self.command) = (reproduction, results, skipped, command)
    for result in results where result.study.form != .table && result.study.form != .curve {
      // Networks that diverged leave no picture; the notes say so.
      pictures[result.study.name] = try StudyPictures.shown(result, of: reproduction)
    }
  }

  /// Writes `index.html`, and for each table and figure what it is as CSV, JSON, Markdown, LaTeX, SVG or PNG.
  public func write() throws {
    let folder = reproduction.folder
    try RunFolder.make(folder)
    for result in results {
      let stem = "\(folder)/\(result.study.name)"
      if let picture = pictures[result.study.name] { try AtomicFile.write(picture.png, to: stem + ".png") }
      switch result.study.form {
      case .pictures, .features: continue
      case .table, .volumes, .segmentation, .curve:
        for format in [TableFormat.csv, .json, .markdown, .latex] {
          try AtomicFile.write(result.table.written(as: format), to: "\(stem).\(format.fileExtension)")
        }
      }
      if result.study.form == .curve { try AtomicFile.write(chart(result).svg, to: stem + ".svg") }
    }
    try AtomicFile.write(html, to: path)
  }

  public var path: String { reproduction.folder + "/index.html" }

  // MARK: - The page

  package var html: String {
    HTML.document("Tables and figures – aginet reproduce") {
      header
      HTML("main") {
        for result in results {
          HTML.section(result.study.name, result.study.title) { content(of: result) }
        }
        if !skipped.isEmpty {
          HTML.section("skipped", "Not here") { HTML(facts: skipped.map { ($0.name, $0.reason) }) }
        }
        HTML.section("runs", "Runs") { HTML(runs) }
      }
      footer
    }
  }

  private var header: HTML {
    HTML.header(
      "The paper's tables and figures, computed anew",
      "Trained and scored on \(reproduction.cohort.manifest.name)",
      warning:
        "All figures were computed by aginet with the settings below. They are not the paper's, and cannot be compared "
        + "with them where cohort, iterations or width differ. Pictures marked as synthesised were not acquired. Research "
        + "only.", facts: settings,
      contents: results.map { ($0.study.name, $0.study.title) }
        + (skipped.isEmpty ? [] : [("skipped", "Not here")]) + [("runs", "Runs")])
  }

  private var settings: [(name: String, value: String)] {
    let (base, chosen) = (reproduction.settings.base, reproduction.settings)
    let manifest = reproduction.cohort.manifest
    return [
      (
        "Training",
        "\(grouped(base.iterations)) iterations of \(base.batchSize), rate \(base.learningRate) (\(base.schedule.rawValue))"
      ),
      ("Width", "\(base.network.width) (the paper's is 64)"),
      ("Runs", "\(chosen.seeds) of each experiment"),
      ("Trained on", trainedOn), ("Scored on", scoredOn),
      ("Slices", "\(manifest.sliceRule), \(manifest.height) x \(manifest.width)"),
      ("Device", "\(chosen.device)"),
    ]
  }

  private var trainedOn: String {
    let regions = results.flatMap { $0.study.experiments.map(\.region) }.unique
    return regions.map { region in
      switch region {
      case .slice: "slices"
      case .slab(let count): "slabs of \(count) slices"
      case .patch(let extent): "patches of \(extent), no larger than volumes need"
      }
    }.joined(separator: "; ")
  }

  private var scoredOn: String {
    guard let slices = reproduction.settings.slices else { return "the whole test split" }
    let whole = results.map(\.study).filter { $0.conditions.contains(where: \.isWhole) }
    var parts: [String] = []
    if whole.count < results.count { parts.append("\(slices) slices of the test split, spread evenly") }
    if !whole.isEmpty {
      parts.append(
        "whole subjects in \(whole.map(\.name).joined(separator: ", ")): as many as have about \(slices) slices, and one "
          + "at least")
    }
    return parts.joined(separator: "; ")
  }

  private func content(of result: StudyResult) -> HTML {
    HTML {
      switch result.study.form {
      case .table: HTML(result.table)
      case .volumes, .segmentation:
        HTML(result.table)
        if let picture = pictures[result.study.name] { picture.html }
      case .curve:
        HTML("div", ["class": "charts one"]) { chart(result).html }
        HTML(result.table)
      case .pictures, .features:
        HTML("p") { result.study.caption }
        if let picture = pictures[result.study.name] { picture.html }
        for note in result.notes { HTML("p", ["class": "note"]) { note } }
      }
    }
  }

  private func chart(_ result: StudyResult) -> Chart {
    let study = result.study
    return Chart(
      title: "\(study.title): \(study.conditions.first?.scenario.description ?? "")",
      horizontal: study.heading.lowercased(), vertical: Metric.psnr.heading,
      lines: study.rows.enumerated().map { index, row in
        let points = study.conditions.enumerated().compactMap { place, condition in
          result.cell(.psnr, row: index, condition: place).figure.map {
            Chart.Point(x: condition.shift?.radius ?? 0, y: $0)
          }
        }
        return Chart.Line(row.title, colour: index, points)
      })
  }

  private var runs: Table {
    var table = Table(
      "Runs", caption: "In runs/; each is a run folder as \(Term.training) makes it.",
      columns: [
        Table.Column("Run"), Table.Column("Model"), Table.Column("Scenario"),
        Table.Column("Seed", decimals: 0),
        Table.Column("Weights of iteration", decimals: 0), Table.Column("Validation"),
        Table.Column("Trained for"),
      ])
    for experiment in reproduction.experiments(for: results.map(\.study)) {
      guard let folder = try? reproduction.runFolder(of: experiment) else { continue }
      let metadata = try? Safetensors(contentsOf: folder.model).metadata
      let card = metadata?[ModelCard.key].flatMap { try? ModelCard(json: $0, file: folder.model) }
      let time = TrainingTime(folder: folder.path).map { TrainingTime.span($0.seconds) }
      table.append([
        .text(Path.name(folder.path)), .text(experiment.title),
        .text(experiment.scenario.description), .number(Double(experiment.seed)),
        Table.Cell(card.map { Double($0.iterations) }), .text(card?.score?.words ?? "–"), .text(time ?? "–"),
      ])
    }
    return table
  }

  private var footer: HTML {
    let manifest = reproduction.cohort.manifest
    return HTML("footer") {
      HTML("h2") { "Data" }
      HTML(facts: [
        ("Cohort", "\(manifest.name), read as \(manifest.layout)"), ("Splits", manifest.splits),
        ("Intensities", manifest.intensity),
      ])
      for notice in Notice.known(for: manifest) { HTML("p") { notice } }
      HTML("h3") { "Command" }
      HTML("pre") { command }
      HTML("p") { "Written by aginet \(Version.current)." }
    }
  }
}

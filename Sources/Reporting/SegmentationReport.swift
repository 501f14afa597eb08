import Cohorts
import Failures
import Files
import Imaging
import Inference
import Metrics
import Runs
import Torch
import Training

/// One or more segmentations on one split, as a page that opens without a network and needs no program but a browser: scores by
/// region, pictures of the subject with the median and of the one with the lowest Dice, and the training curves.
public struct SegmentationReport {
  let entries: [Report.Entry]
  let assessment: SegmentationAssessment
  private let manifest: CohortManifest
  private let cohortHash: String
  private let commands: [String]

  /// - Parameters:
  ///   - runs: those that `assessment` is of, in its order.
  ///   - assessment: one that keeps what was found (`Assessment.Options.shown`).
  ///   - commands: the command lines that made this, as they would be typed.
  /// - Throws: `.usage` for an assessment that keeps nothing to picture, and what reading models and cohort throws.
  public init(
    _ runs: [Run], assessment: SegmentationAssessment, cohort: PreparedCohort, commands: [String] = [],
    device: Device = .cpu
  ) throws {
    guard !assessment.shown.isEmpty, assessment.models.count == runs.count else {
      throw Failure(
        .usage,
        "a report pictures what was scored: it needs an assessment of its runs that keeps subjects to show")
    }
    entries = try zip(runs, assessment.models).map { run, scores in
      try Report.Entry(run, named: scores.name, run.model(device: device))
    }
    (self.assessment, self.commands, manifest) = (assessment, commands, cohort.manifest)
    cohortHash = try Run.digest(of: cohort)
  }

  public func write(to path: String) throws {
    let page = try html
    try RunFolder.make(Path.folder(path))
    try AtomicFile.write(page, to: path)
  }

  /// The whole page.
  public var html: String {
    get throws {
      let regions = assessment.regions.map(\.name).joined(separator: ", ")
      return try HTML.document("Segmentation – aginet report") {
        HTML.header(
          "Segmentation of \(regions)",
          "Assessed on the \(assessment.split.rawValue) split of \(manifest.name)",
          warning: entries[0].card.warning,
          contents: [
            ("scores", "Scores"), ("pictures", "Pictures"), ("curves", "Training"), ("subjects", "Subjects"),
            ("runs", "Runs and data"),
          ])
        try HTML("main") {
          scores
          try pictures
          Report.curves(of: entries, .dice)
          subjects
        }
        Provenance(entries, manifest, cohortHash, commands).html
      }
    }
  }

  private var scores: HTML {
    HTML.section("scores", "Scores") {
      HTML(assessment.table)
      HTML("p") { "Regions and the labels that belong to them: \(assessment.regions.words)." }
      for entry in entries {
        HTML("h3") { entry.name }
        HTML(facts: entry.facts)
      }
    }
  }

  // MARK: - Pictures

  private var pictures: HTML {
    get throws {
      try HTML.section("pictures", "Pictures") {
        HTML("p") {
          "Radiological convention: the patient's right (R) is at the left of axial and coronal planes, anterior (A) at "
          "the left of sagittal ones. Blue lines are the regions of the label map, orange ones those that were found. The "
          "yellow frame marks the detail."
        }
        for shown in assessment.shown where !shown.volumes.isEmpty {
          HTML("h3") { shown.id }
          let reason = shown.reason.words(of: assessment.models[0].name, "3-D Dice") {
            "\(number(100 * $0, 1)) %"
          }
          try montage(of: shown.volumes).html(
            caption: reason.prefix(1).uppercased() + reason.dropFirst() + ".")
        }
      }
    }
  }

  /// Every contrast with what one run found, or of several what each found, on the contrast that shows a tumour best.
  private func montage(of volumes: [SegmentedVolume]) -> SegmentationMontage {
    let sources = entries[0].card.scenario.sources
    let best = [.t1gd, .flair].first(where: sources.contains) ?? sources[0]
    let findings =
      volumes.count == 1
      ? sources.map { SegmentationMontage.Finding($0.title, volumes[0], of: $0, assessment.regions) }
      : zip(entries, volumes).map {
        SegmentationMontage.Finding($0.name, $1, of: best, assessment.regions)
      }
    return SegmentationMontage(volumes[0], of: best, assessment.regions, findings)
  }

  // MARK: - Subjects

  private var subjects: HTML {
    HTML.section("subjects", "Subjects") {
      for model in assessment.models { HTML(subjects(of: model)) }
    }
  }

  private func subjects(of model: SegmentationScores) -> Table {
    let measures: [SegmentationMeasure] = [.dice3D, .referenceVolume, .predictedVolume]
    var table = Table(
      model.name, caption: "Every subject; volumes as far as the chosen slices reach.",
      columns: [Table.Column("Subject")]
        + measures.flatMap { measure in
          model.regions.map { Table.Column($0, decimals: measure.decimals, group: measure.heading) }
        })
    for subject in model.subjects {
      let cells = measures.flatMap { measure in
        subject.regions.map { Table.Cell($0.values[measure], scale: measure.scale) }
      }
      table.append([.text(subject.subject)] + cells)
    }
    return table
  }
}

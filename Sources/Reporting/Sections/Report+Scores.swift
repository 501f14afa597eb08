import Cohorts
import Metrics
import Runs

extension Report {
  private static let brain: [Metric] = [.psnrBrain, .ssimBrain, .maeBrain]
  private static let lesion: [Metric] = [.psnrLesion, .ssimLesion, .maeLesion]

  var scores: HTML {
    let models = assessment.models
    let hasLesions = models.contains { $0.metrics.contains(.psnrLesion) }
    return HTML.section("scores", "Scores") {
      HTML(
        Table(
          "\(assessment.scenario), \(assessment.split.rawValue) split", comparing: models,
          metrics: Metric.paper + Report.brain))
      if hasLesions {
        HTML("h3") { "Inside the lesions" }
        HTML(Table("Lesion voxels alone", comparing: models, metrics: Report.lesion))
        if let lesions = assessment.lesionTable { HTML(lesions) }
      }
      HTML("h3") { "Paired differences" }
      for index in entries.indices {
        HTML(
          Table(
            "\(models[index].name)", differencesOf: models[index], from: Array(models.dropFirst(index + 1)),
            metrics: [.psnr, .ssim, .psnrBrain]))
      }
    }
  }

  var subjects: HTML {
    HTML.section("subjects", "Subjects") {
      HTML(subjectTable)
      HTML("h3") { "Worst slices" }
      for index in entries.indices { HTML(worstSlices(of: assessment.models[index])) }
    }
  }

  private var subjectTable: Table {
    let metrics: [Metric] = [.psnr, .ssim]
    let figures = metrics.flatMap { metric in
      assessment.models.map { Table.Column("\($0.name) \(metric.heading)", decimals: metric.decimals) }
    }
    var table = Table(
      "Every subject", caption: "Means over the subject's slices.",
      columns: [Table.Column("Subject"), Table.Column("Slices", decimals: 0)] + figures)
    let bySubject = assessment.models.map { model in
      Dictionary(model.subjects.map { ($0.subject, $0) }) { first, _ in first }
    }
    for subject in assessment.models.first?.subjects ?? [] {
      let cells = metrics.flatMap { metric in
        bySubject.map { Table.Cell($0[subject.subject]?.values[metric], scale: metric.scale) }
      }
      table.append([.text(subject.subject), .number(Double(subject.slices))] + cells)
    }
    return table
  }

  /// The five slices with the lowest PSNR, beside the best baseline's figure for the same slice.
  private func worstSlices(of model: Scores) -> Table {
    let baseline = Verdict.best(of: Array(assessment.models.dropFirst(assessment.networks)))
    var table = Table(
      model.name, caption: "The five slices with the lowest PSNR.",
      columns: [
        Table.Column("Subject"), Table.Column("Slice", decimals: 0), Table.Column("PSNR (dB)"),
        Table.Column("SSIM (%)"), Table.Column("MAE (×100)", decimals: 3),
        Table.Column("\(baseline?.name ?? "") PSNR (dB)"),
      ])
    let ranked =
      model.slices.compactMap { slice in slice.values[.psnr].map { (slice: slice, psnr: $0) } }
      .filter { $0.psnr.isFinite }
      .sorted { ($0.psnr, $0.slice.subject, $0.slice.slice) < ($1.psnr, $1.slice.subject, $1.slice.slice) }
    for (slice, psnr) in ranked.prefix(5) {
      let other = baseline?.slices.first { $0.subject == slice.subject && $0.slice == slice.slice }
      table.append([
        .text(slice.subject), .number(Double(slice.slice)), .number(psnr),
        Table.Cell(slice.values[.ssim], scale: Metric.ssim.scale),
        Table.Cell(slice.values[.mae], scale: Metric.mae.scale), Table.Cell(other?.values[.psnr]),
      ])
    }
    return table
  }
}

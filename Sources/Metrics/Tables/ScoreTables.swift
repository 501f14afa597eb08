import Files

extension Table {
  /// Models as rows, metrics as columns, mean ± standard deviation; the paper's units.
  /// - Parameter overSubjects: the spread of the subjects' means, instead of that of all slices.
  public init(
    _ title: String, comparing models: [Scores], metrics: [Metric] = Metric.paper, overSubjects: Bool = false
  ) {
    self.init(
      title, caption: Table.caption(models, metrics, overSubjects),
      columns: [Column("Model")] + metrics.map { Column($0) })
    for model in models {
      let cells = metrics.map { metric in
        Cell(overSubjects ? model.overSubjects(metric) : model.overSlices(metric), of: metric)
      }
      append([.text(model.name)] + cells)
    }
  }

  /// Says what the figures are: their number, the flavour of SSIM, what was left out, clamped or empty.
  private static func caption(_ models: [Scores], _ metrics: [Metric], _ overSubjects: Bool) -> String {
    guard let first = models.first else { return "" }
    let summary = first.summary
    // Of measures of lesions, slices that show none have no figure.
    let measured = first.slices.filter { slice in metrics.contains { slice.values[$0] != nil } }
    let slices = counted(measured.count, "slice")
    let subjects = counted(measured.map(\.subject).unique.count, "subject")
    var text = "Mean ± standard deviation (n − 1) over "
    text += overSubjects ? "the means of \(subjects) (\(slices))" : "\(slices) of \(subjects)"
    let variants = SSIM.Variant.allCases.filter { v in models.contains { $0.scorer.ssim.variant == v } }
    text += "; SSIM: \(variants.map(\.title).joined(separator: ", ")); predictions clamped to [0, 1]"
    text +=
      ", which changed \(fixed(100 * (models.map(\.summary.clampedShare).max() ?? 0), 2)) % of pixels at most."
    if models.contains(where: { $0.slices.count != summary.slices }) {
      text += " The models were not scored on the same number of slices."
    }
    let people = first.people.count
    if people < PairedComparison.fewest {
      text += " Which is better cannot be said: \(PairedComparison.tooFew(people))."
    }
    if summary.emptyTargets > 0 { text += " Slices with an empty target: \(summary.emptyTargets)." }
    for model in models {
      for metric in metrics {
        let spread = model.overSlices(metric)
        for (count, kind) in [(spread.infinite, "infinite"), (spread.undefined, "undefined")] where count > 0
        {
          text += " \(model.name): \(counted(count, "slice")) of \(kind) \(metric.rawValue) left out."
        }
      }
    }
    return text
  }

  /// `1 slice`, `2 slices`
  package static func counted(_ count: Int, _ noun: String) -> String {
    "\(count) \(noun)\(count == 1 ? "" : "s")"
  }

  /// Every slice of every model; plain names and units (SSIM and errors as fractions), for other programs.
  public init(slicesOf models: [Scores]) {
    self.init(
      plain: "Slices", ["model", "subject", "slice"], models,
      last: [Column("clamped_share", decimals: 6), Column("empty_target", decimals: 0)]
    ) { model in
      model.slices.map { slice in
        (
          [slice.subject, "\(slice.slice)"], slice.values,
          [.number(slice.clampedShare), .text(slice.emptyTarget ? "1" : "0")]
        )
      }
    }
  }

  /// Every subject of every model, as ``init(slicesOf:)``.
  public init(subjectsOf models: [Scores]) {
    self.init(plain: "Subjects", ["model", "subject", "slices"], models) { model in
      model.subjects.map { ([$0.subject, "\($0.slices)"], $0.values, []) }
    }
  }

  private init(
    plain title: String, _ names: [String], _ models: [Scores], last: [Column] = [],
    rows: (Scores) -> [(names: [String], values: MetricValues, last: [Cell])]
  ) {
    let metrics = Metric.allCases.filter { metric in models.contains { $0.metrics.contains(metric) } }
    self.init(
      title,
      columns: names.map { Column($0, decimals: 0) } + metrics.map { Column($0.rawValue, decimals: 6) }
        + last,
      rows: models.flatMap { model in
        rows(model).map { names, values, last in
          ([model.name] + names).map { .text($0) } + metrics.map { Cell(values[$0]) } + last
        }
      })
  }

  /// How one model differs from others, person by person; positive where it has the larger figure.
  public init(
    _ title: String, differencesOf model: Scores, from others: [Scores], metrics: [Metric] = Metric.paper
  ) {
    self.init(
      title, differencesOf: model.name,
      rows: others.flatMap { other in
        metrics.compactMap { metric in model.compared(with: other, metric).map { (other.name, metric, $0) } }
      }, unit: "their means over slices")
  }

  /// - Parameter unit: of what of a person the difference is.
  init<M: Measure>(
    _ title: String, differencesOf name: String, rows: [(name: String, measure: M, paired: PairedComparison)],
    unit: String
  ) {
    self.init(
      title,
      caption:
        "\(name) minus the model named: mean over people of the difference between \(unit), "
        + "95 % confidence interval by Student's t, two-sided p of Wilcoxon's signed-rank test, not corrected for the "
        + "number of comparisons; neither for fewer than \(PairedComparison.fewest) people.",
      columns: [
        Column("Compared with"), Column("Metric"), Column("Difference", decimals: 3),
        Column("Lower", decimals: 3), Column("Upper", decimals: 3), .probability("p"),
        Column("People", decimals: 0),
      ])
    for (name, measure, paired) in rows {
      append([
        .text(name), .text(measure.heading), Cell(paired.mean, scale: measure.scale),
        Cell(paired.lower, scale: measure.scale), Cell(paired.upper, scale: measure.scale), Cell(paired.p),
        .number(Double(paired.count)),
      ])
    }
  }
}

extension SSIM.Variant {
  /// In words, for a caption.
  public var title: String {
    switch self {
    case .full: "Gaussian 11 x 11, mean of the full map (torchmetrics 1.9)"
    case .crop: "Gaussian 11 x 11, border of 5 pixels left out"
    case .uniform: "uniform 7 x 7, border of 3 pixels left out (scikit-image)"
    }
  }
}

import Cohorts
import Experiments
import Files
import Imaging
import Metrics
import Networks
import Runs

/// What was measured for a table or figure.
public struct StudyResult: Sendable {
  public let study: Study
  /// By row, condition and seed; shorter where a run failed.
  public let measurements: [[[Measurement]]]
  /// By row and seed, shorter where a run failed; nothing for what segments nothing.
  public let segmentations: [[SegmentationMeasurement]]
  /// By condition: the copied source and the look-up; nothing for figures.
  public let baselines: [[Scores]]
  /// What is left out, and why.
  private let leftOut: [String]
  /// Runs whose training failed, each in a sentence.
  public let failures: [String]
  public let seeds: Int
  /// Slices of a test subject, on average.
  public let slicesPerVolume: Double

  package init(
    study: Study, measurements: [[[Measurement]]] = [], segmentations: [[SegmentationMeasurement]] = [],
    baselines: [[Scores]] = [], leftOut: [String], failures: [String], seeds: Int, slicesPerVolume: Double
  ) {
    (self.study, self.measurements, self.segmentations) = (study, measurements, segmentations)
    (self.baselines, self.leftOut, self.failures) = (baselines, leftOut, failures)
    (self.seeds, self.slicesPerVolume) = (seeds, slicesPerVolume)
  }

  /// What is missing, and why; runs that failed among it.
  public var notes: [String] { leftOut + failures }

  /// The mean over slices of each seed's run, and how these means spread over the seeds; in the paper's units.
  public func cell(_ metric: Metric, row: Int, condition: Int) -> Table.Cell {
    cell(metric, measurements[row][condition].map(\.scores))
  }

  private func cell(_ metric: Metric, _ scores: [Scores]) -> Table.Cell {
    Table.Cell(Spread(scores.compactMap { $0.overSlices(metric).mean }), of: metric)
  }

  /// The figures as a table; a curve has a row for each point and a column for each network.
  public var table: Table {
    switch study.form {
    case .curve: curve
    case .segmentation(let experiment): segmented(by: experiment)
    case .table, .volumes, .pictures, .features: scores
    }
  }

  private var curve: Table {
    var table = Table(
      study.title, caption: caption,
      columns: [Table.Column(study.heading, decimals: 1)]
        + study.rows.map { Table.Column("\($0.title) \(Metric.psnr.heading)") })
    for (index, condition) in study.conditions.enumerated() {
      table.append(
        [.number(condition.shift?.radius ?? 0)]
          + study.rows.indices.map { cell(.psnr, row: $0, condition: index) })
    }
    return table
  }

  // MARK: - Scores

  /// Whether the conditions differ in the network, so that each has a cost of its own.
  private var costsDiffer: Bool {
    study.rows.contains { row in Set(row.experiments.map { "\($0.method) \($0.network.name)" }).count > 1 }
  }

  private var scores: Table {
    let (costsDiffer, conditions) = (costsDiffer, study.conditions)
    /// Metrics of every condition, with the costs behind each where they differ, else behind all.
    func line<T>(_ first: T, _ metric: (Metric, Int) -> T, costs: (Int?) -> [T]) -> [T] {
      let groups = conditions.indices.map { condition in
        study.metrics.map { metric($0, condition) } + (costsDiffer ? costs(condition) : [])
      }
      return [first] + groups.joined() + (costsDiffer ? [] : costs(nil))
    }
    func group(_ condition: Int) -> String? { conditions.count > 1 ? conditions[condition].title : nil }
    var table = Table(
      study.title, caption: caption,
      columns: line(Table.Column(study.heading), { Table.Column($0, group: group($1)) }) { condition in
        costHeadings.map { Table.Column($0, decimals: $1, group: condition.flatMap(group)) }
      })
    var standing = study.rows.first?.standing
    for (index, row) in study.rows.enumerated() {
      if row.standing != standing { table.rules.insert(table.rows.count) }
      standing = row.standing
      table.append(
        line(.text(row.title), { cell($0, row: index, condition: $1) }) { condition in
          costs(condition.map { measurements[index][$0] } ?? measurements[index].flatMap { $0 })
        })
    }
    guard let kinds = baselines.first, !kinds.isEmpty else { return table }
    table.rules.insert(table.rows.count)
    for kind in kinds.indices {
      table.append(
        line(
          .text(kind == 0 ? copyName : kinds[kind].name), { cell($0, [baselines[$1][kind]]) },
          costs: { _ in costs([]) }))
    }
    return table
  }

  private var copies: [String] { baselines.compactMap(\.first?.name) }
  private var copyName: String { Set(copies).count == 1 ? copies[0] : "Copy of a source" }

  private var costHeadings: [(String, decimals: Int)] {
    [("Parameters (M)", 3), ("Multiply-adds (G)", 3), ("Time (s/volume)", 2)]
      + (study.form == .volumes ? [("Peak memory (GiB)", 2)] : [])
  }

  private func costs(_ found: [Measurement]) -> [Table.Cell] {
    guard let first = found.first,
      let seconds = Spread(found.map { $0.secondsPerVolume ?? $0.seconds * slicesPerVolume }).mean
    else { return costHeadings.map { _ in .empty } }
    let costs: [Table.Cell] = [
      .number(Double(first.parameters) / 1e6), .number(first.multiplyAdds / 1e9), .number(seconds),
      Table.Cell(found.compactMap(\.peakMemory).max().map { Double($0) / Double(1 << 30) }),
    ]
    return Array(costs.prefix(costHeadings.count))
  }

  // MARK: - In words

  private var caption: String {
    let scores = measurements.flatMap { $0.flatMap { $0 } }.map(\.scores)
    let slices =
      scores.first.map {
        " of \(Table.counted($0.slices.count, "test slice")) of \(Table.counted($0.subjects.count, "subject"))"
      } ?? ""
    var sentences = [
      study.caption,
      seeds > 1
        ? "Mean ± standard deviation (n − 1) over \(seeds) runs of each run's mean\(slices)."
        : "One run each: means\(slices), without a deviation over runs.",
    ]
    if let people = scores.first?.people.count, people < PairedComparison.fewest {
      sentences.append("Which is better cannot be said: \(PairedComparison.tooFew(people)).")
    }
    if !baselines.isEmpty {
      sentences += [costsInWords, drawnInWords, copiesInWords].compactMap { $0 }
      if study.conditions.contains(where: { $0.shift != nil }) {
        sentences.append("The baselines were fitted on images that are not translated.")
      }
      if study.rows.contains(where: { $0.experiments.contains { $0.perturbation.radius > 0 } }) {
        sentences.append(
          "What trains on translated images keeps the weights that serve translated validation images best.")
      }
    }
    if study.metrics.contains(.throughPlane) {
      sentences.append(
        "Through-plane error: mean absolute error of the step from each slice to the next, which no figure of one slice shows."
      )
    }
    return (sentences + notes.map { $0.hasSuffix(".") ? $0 : $0 + "." }).joined(separator: " ")
  }

  private var costsInWords: String {
    let slices = Int(slicesPerVolume.rounded())
    guard study.form == .volumes else {
      return
        "Parameters of the generator; multiply-adds of a slice, all sampling steps included; time of the method alone"
        + " for \(slices) slices."
    }
    let seen = measurements.flatMap { $0.flatMap { $0.compactMap(\.region) } }
    let machines = measurements.flatMap { $0.flatMap { $0.compactMap(\.machine) } }.unique
    let samples = seen.unique.map { region in
      if case .patch(let extent) = region { "\(region.samples) of \(extent)" } else { "\(region.samples)" }
    }
    return
      "Trained on \(samples.joined(separator: ", ")). Parameters of the generator; multiply-adds of one of these; time of "
      + "the method alone for a volume, of which patches give all planes and all else \(slices) slices; peak memory of the "
      + "process while it synthesises, above what it held before the network was loaded."
      + (machines.isEmpty ? "" : " Time and memory are of \(machines.joined(separator: "; ")).")
  }

  private var drawnInWords: String? {
    let drawn = zip(study.rows, measurements).compactMap { row, found in
      found.lazy.compactMap { $0.first?.drawing }.first.map { "\(row.title) by \($0)" }
    }
    return drawn.isEmpty ? nil : "Drawn: \(drawn.joined(separator: "; "))."
  }

  private var copiesInWords: String? {
    guard Set(copies).count > 1 else { return nil }
    let words = zip(study.conditions, copies).map { condition, copy in
      let source = condition.scenario.sources.first { Baselines.copyName(of: $0) == copy }
      return "\(source?.title ?? copy) in \(condition.title)"
    }
    return "Copied as it is: \(words.joined(separator: ", "))."
  }
}

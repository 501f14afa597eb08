import Cohorts
import Experiments
import Imaging
import Metrics
import Networks
import Runs

/// What was measured for a table or figure.
public struct StudyResult: Sendable {
  public let study: Study
  /// By row, condition and seed; shorter where a run failed.
  public let measurements: [[[Measurement]]]
  /// By condition: the copied source and the look-up; nothing for figures.
  public let baselines: [[Scores]]
  /// What is missing, and why; runs that failed among it.
  public let notes: [String]
  /// Runs whose training failed, each in a sentence.
  public let failures: [String]
  public let seeds: Int
  /// Slices of a test subject, on average.
  public let slicesPerVolume: Double

  /// The mean over slices of each seed's run, and how these means spread over the seeds; in the paper's units.
  public func cell(_ metric: Metric, row: Int, condition: Int) -> Table.Cell {
    cell(metric, measurements[row][condition].map(\.scores))
  }

  private func cell(_ metric: Metric, _ scores: [Scores]) -> Table.Cell {
    Table.Cell(Spread(scores.compactMap { $0.overSlices(metric).mean }), of: metric)
  }

  /// The figures as a table; a curve has a row for each point and a column for each network.
  public var table: Table { study.form == .curve ? curve : scores }

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
        Metric.paper.map { metric($0, condition) } + (costsDiffer ? costs(condition) : [])
      }
      return [first] + groups.joined() + (costsDiffer ? [] : costs(nil))
    }
    func group(_ condition: Int) -> String? { conditions.count > 1 ? conditions[condition].title : nil }
    var table = Table(
      study.title, caption: caption,
      columns: line(Table.Column(study.heading), { Table.Column($0, group: group($1)) }) { condition in
        [("Parameters (M)", 3), ("Multiply-adds (G)", 3), ("Time (s/volume)", 2)].map {
          Table.Column($0, decimals: $1, group: condition.flatMap(group))
        }
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

  private func costs(_ found: [Measurement]) -> [Table.Cell] {
    guard let first = found.first, let seconds = Spread(found.map(\.seconds)).mean else {
      return [.empty, .empty, .empty]
    }
    return [
      .number(Double(first.parameters) / 1e6), .number(first.multiplyAdds / 1e9),
      .number(seconds * slicesPerVolume),
    ]
  }

  // MARK: - In words

  private var caption: String {
    let scores = measurements.flatMap { $0.flatMap { $0 } }.map(\.scores)
    let slices =
      scores.first.map { " of \($0.slices.count) test slices of \($0.subjects.count) subjects" } ?? ""
    var text = "\(study.caption) "
    text +=
      seeds > 1
      ? "Mean ± standard deviation (n − 1) over \(seeds) runs of each run's mean\(slices)."
      : "One run each: means\(slices), without a deviation over runs."
    if let people = scores.first?.people.count, people < PairedComparison.fewest {
      text += " Which is better cannot be said: \(PairedComparison.tooFew(people))."
    }
    if study.form == .table {
      text +=
        " Parameters of the generator; multiply-adds of a slice, all sampling steps included; time of the method alone"
        + " for \(Int(slicesPerVolume.rounded())) slices."
      let drawn = zip(study.rows, measurements).compactMap { row, found in
        found.lazy.compactMap { $0.first?.drawing }.first.map { "\(row.title) by \($0)" }
      }
      if !drawn.isEmpty { text += " Drawn: \(drawn.joined(separator: "; "))." }
      if Set(copies).count > 1 {
        text += " Copied as it is: "
        text += zip(study.conditions, copies).map { condition, copy in
          let source = condition.scenario.sources.first { Baselines.copyName(of: $0) == copy }
          return "\(source?.title ?? copy) in \(condition.title)"
        }.joined(separator: ", ")
        text += "."
      }
      if study.conditions.contains(where: { $0.shift != nil }) {
        text += " The baselines were fitted on images that are not translated."
      }
      if study.rows.contains(where: { $0.experiments.contains { $0.perturbation.radius > 0 } }) {
        text +=
          " What trains on translated images keeps the weights that serve translated validation images best."
      }
    }
    return ([text] + notes.map { $0.hasSuffix(".") ? $0 : $0 + "." }).joined(separator: " ")
  }
}

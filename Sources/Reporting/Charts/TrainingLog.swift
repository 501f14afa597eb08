import Foundation
import Metrics

/// A run's `log.csv`: losses of every iteration and what validation measured at some.
package struct TrainingLog: Sendable {
  private static let validation = "validation_"

  package let losses: [String]
  private var curves: [String: [Chart.Point]] = [:]

  /// A metric's mean over the validation samples, as tables print it, by iteration.
  package func validation(_ metric: Metric) -> [Chart.Point] {
    self[TrainingLog.validation + metric.rawValue].map { Chart.Point(x: $0.x, y: $0.y * metric.scale) }
  }

  /// Empty where there is no log: a report of a model that came without one is still a report.
  package init(path: String) {
    self.init(
      text: FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) } ?? "")
  }

  /// Rows of `iteration` and one figure a column; a missing one is nothing between the commas.
  package init(text: String) {
    let rows = text.split(whereSeparator: \.isNewline).map {
      $0.split(separator: ",", omittingEmptySubsequences: false)
    }
    let columns = (rows.first ?? []).map(String.init)
    for row in rows.dropFirst() where row.count == columns.count {
      guard let iteration = Double(row[0]) else { continue }
      for (column, field) in zip(columns, row).dropFirst() {
        guard let value = Double(field), value.isFinite else { continue }
        curves[column, default: []].append(Chart.Point(x: iteration, y: value))
      }
    }
    losses = columns.dropFirst().filter { !$0.hasPrefix(TrainingLog.validation) }
  }

  /// A column against the iteration; empty for one that is not there.
  package subscript(column: String) -> [Chart.Point] { curves[column] ?? [] }
}

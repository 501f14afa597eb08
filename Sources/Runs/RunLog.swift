import Failures
import Files
import Foundation
import Inference
import Methods
import Metrics
import Training

/// A run's `log.csv` and TensorBoard events.
///
/// The log holds nothing that depends on the clock: a resumed run's log is the uninterrupted run's, byte for byte.
/// Speed goes to TensorBoard alone.
final class RunLog {
  private let table: CSVLog
  private let events: EventFile
  private let metric: Metric
  private var steps = 0, seconds = 0.0, waited = 0.0

  /// Iterations between two points of a TensorBoard curve.
  private static let interval = 10

  /// - Parameters:
  ///   - metric: what validation measures.
  ///   - note: told where a log that cannot be continued was put aside, and another begun.
  init(
    _ folder: RunFolder, method: any Method, metric: Metric, resumingAt iteration: Int,
    note: (String) throws -> Void
  ) throws {
    self.metric = metric
    let columns = ["iteration"] + method.losses + ["validation_\(metric.rawValue)"]
    if iteration > 0 && FileManager.default.fileExists(atPath: folder.log) {
      do { table = try CSVLog(resuming: folder.log, columns: columns, after: iteration) } catch let failure
        as Failure where failure.kind == .inconsistent || failure.kind == .malformed
      {
        let aside = try RunLog.putAside(folder.log)
        table = try CSVLog(creating: folder.log, columns: columns, replacing: true)
        try note(
          "\(failure.message); it was kept as \(aside), and a new log begins at iteration \(iteration + 1)")
      }
    } else {
      table = try CSVLog(creating: folder.log, columns: columns, replacing: true)
    }
    events = try EventFile(in: folder.path, resumingAt: iteration > 0 ? iteration + 1 : nil)
  }

  /// Renames a log to the first `log.unread-<n>.csv` that is free.
  private static func putAside(_ path: String) throws -> String {
    let stem = path.hasSuffix(".csv") ? String(path.dropLast(4)) : path
    for number in 1...10_000 {
      let aside = "\(stem).unread-\(number).csv"
      // Linked, not renamed: that never replaces a file.
      if link(path, aside) == 0 { return aside }
      if errno == EEXIST { continue }
      guard !FileManager.default.fileExists(atPath: aside), rename(path, aside) == 0 else { break }
      return aside
    }
    throw Failure(.cannotWrite, "\(path): cannot be understood, nor put aside; move it away and resume again")
  }

  func record(_ event: TrainingEvent) throws {
    switch event {
    case .step(let iteration, let losses, let step, let wait):
      try table.append(iteration: iteration, losses.map { .number($0.value) } + [.missing])
      (steps, seconds, waited) = (steps + 1, seconds + step, waited + wait)
      if iteration % RunLog.interval == 0 {
        var points = losses.map { (tag: "loss/\($0.name)", value: Float($0.value)) }
        points.append((tag: "speed/iterations per second", value: Float(Double(steps) / max(seconds, 1e-9))))
        points.append((tag: "speed/share waiting for data", value: Float(waited / max(seconds, 1e-9))))
        try events.add(points, step: iteration)
        (steps, seconds, waited) = (0, 0, 0)
      }
    case .validated(let iteration, let score, _):
      try table.append(
        iteration: iteration,
        Array(repeating: .missing, count: table.columns.count - 2) + [.number(score.value)])
      try events.add(Float(score.value), tag: "validation/\(metric.heading)", step: iteration)
    case .saving: try table.synchronize()
    case .started, .saved, .compared, .note, .finished: break
    }
  }
}

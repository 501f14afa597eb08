import Files
import Foundation
import Metrics
import Training

/// Where scores of a split are kept: tables of all that was measured, a summary, and the table that people read.
struct EvaluationFolder {
  let path: String
  private var summary: String { path + "/summary.json" }

  init(_ path: String) { self.path = path }

  /// Whether it holds what `write` writes, whole.
  var isWhole: Bool { FileManager.default.fileExists(atPath: summary) }

  /// - Parameters:
  ///   - parts: tables for other programs, by the files' names; of one that is nil nothing is left there.
  ///   - table: written as Markdown, LaTeX, CSV and JSON.
  func write(_ parts: KeyValuePairs<String, Table?>, table: Table, summary: some Encodable) throws {
    try RunFolder.make(path)
    // The summary comes last: an evaluation without one is half, and is made anew unasked.
    try? FileManager.default.removeItem(atPath: self.summary)
    for (name, part) in parts {
      guard let part else {
        try? FileManager.default.removeItem(atPath: "\(path)/\(name)")
        continue
      }
      try AtomicFile.write(part.written(as: .csv), to: "\(path)/\(name)")
    }
    for format in [TableFormat.markdown, .latex, .csv, .json] {
      try AtomicFile.write(table.written(as: format), to: "\(path)/table.\(format.fileExtension)")
    }
    try AtomicFile.write(summary.json() + "\n", to: self.summary)
  }
}

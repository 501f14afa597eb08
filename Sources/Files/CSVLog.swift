import Failures
import Foundation

/// A table that grows by a row at a time and can be cut back to an iteration.
///
/// The first column is the iteration. Lines end in a line feed; fields are quoted as in RFC 4180 where they must be. A
/// resumed run first drops the rows after its checkpoint: its log ends as that of one never stopped, byte for byte.
public final class CSVLog {
  /// One field of a row.
  public enum Field: Sendable, Equatable {
    case integer(Int)
    /// Printed with the fewest digits that read back as the same number.
    case number(Double)
    /// Nothing between the commas.
    case missing

    var written: String {
      switch self {
      case .integer(let value): String(value)
      case .number(let value): "\(value)"
      case .missing: ""
      }
    }
  }

  public let path: String
  public let columns: [String]
  private var descriptor: Int32 = -1

  /// Starts a log with a header line.
  /// - Parameter columns: the names, that of the iteration first.
  /// - Throws: `.cannotWrite`, also where the file exists and `replacing` is false.
  public init(creating path: String, columns: [String], replacing: Bool = false) throws {
    (self.path, self.columns) = (path, columns)
    if !replacing, access(path, F_OK) == 0 {
      throw Failure(.cannotWrite, "\(path): exists already; resume the run, or choose another folder")
    }
    try replace(with: columns.csvLine)
  }

  /// Continues a log, without its rows after `iteration` and without a last row that was cut short. What a spreadsheet
  /// made of it (line ends, quotes, separators, order) is made as it was; numbers it rounded stay so.
  /// - Throws: `.notFound` where there is no log, `.inconsistent` where its columns are others, `.malformed`
  ///   where a row does not start with an iteration.
  public init(resuming path: String, columns: [String], after iteration: Int) throws {
    (self.path, self.columns) = (path, columns)
    try truncate(after: iteration)
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Adds a row, handed to the system at once. A row that does not fit on the disk leaves no part behind.
  public func append(iteration: Int, _ fields: [Field]) throws {
    guard fields.count + 1 == columns.count else {
      throw Failure(.unexpected, "\(path): a row of \(fields.count + 1) fields for \(columns.count) columns")
    }
    let row = ([.integer(iteration)] + fields).map(\.written).joined(separator: ",") + "\n"
    let end = lseek(descriptor, 0, SEEK_END)
    guard Array(row.utf8).withUnsafeBytes({ writeAll($0, to: descriptor) }) else {
      let reason = errno
      if end >= 0 { _ = ftruncate(descriptor, end) }
      throw Failure.cannotWrite(path, reason)
    }
  }

  /// Waits until every row is on the disk: to be called before a checkpoint that counts on them.
  public func synchronize() throws {
    guard fsync(descriptor) == 0 else { throw Failure.cannotWrite(path, errno) }
  }

  /// Drops the rows of later iterations, atomically.
  public func truncate(after iteration: Int) throws {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw Failure(.notFound, "\(path): the run's log cannot be read; it is needed to resume")
    }
    let table = CSVRows(data, columns: columns)
    guard table.rows.first == columns else {
      throw Failure(.inconsistent, "\(path): its columns are not \(columns.joined(separator: ", "))")
    }
    var rows = Array(table.rows.dropFirst())
    // Ours are on the disk before a checkpoint counts on them: one without an end is later, and half.
    if table.isOurs && !table.isEnded { rows.removeLast() }
    var kept: [(iteration: Int, first: Int, fields: [String])] = []
    for (index, row) in rows.enumerated() {
      guard let found = Int(row[0]) else {
        throw Failure(.malformed, "\(path): row \(index + 2) does not start with an iteration")
      }
      guard row.count == columns.count || table.isOurs else {
        let what = "has \(row.count) fields instead of \(columns.count)"
        throw Failure(.malformed, "\(path): row \(index + 2) \(what)")
      }
      // Within an iteration, losses come before what is measured after it.
      let first = row.dropFirst().firstIndex { !$0.isEmpty } ?? row.count
      if found <= iteration { kept.append((found, first, row)) }
    }
    if zip(kept, kept.dropFirst()).contains(where: { $0.iteration > $1.iteration }) {
      // Swift's sort keeps the order among equals.
      kept.sort { ($0.iteration, $0.first) < ($1.iteration, $1.first) }
    }
    try replace(with: ([columns] + kept.map(\.fields)).map(\.csvLine).joined())
  }

  private func replace(with text: String) throws {
    try AtomicFile.write(text, to: path)
    if descriptor >= 0 { close(descriptor) }
    descriptor = open(path, O_WRONLY | O_APPEND | O_CLOEXEC)
    if descriptor < 0 { throw Failure.cannotWrite(path, errno) }
  }
}

extension [String] {
  var csvLine: String { map(\.quotedForCSV).joined(separator: ",") + "\n" }
}

extension String {
  /// As RFC 4180 asks: in quotes where it holds a comma, a quote or a line break, or begins or ends in a space.
  package var quotedForCSV: String {
    let special: Set<Unicode.Scalar> = [",", "\"", "\n", "\r"]
    guard unicodeScalars.contains(where: special.contains) || trimmingCharacters(in: .whitespaces) != self
    else { return self }
    // Scalar by scalar: an accent that follows a quote makes one character of both, and would hide it.
    return "\"" + unicodeScalars.reduce(into: "") { $0 += $1 == "\"" ? "\"\"" : String($1) } + "\""
  }
}

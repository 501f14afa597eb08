import Foundation

/// A table as text, read as leniently as people's other programs write it: with or without a byte order mark, lines
/// ended in any way, fields in quotes or not, separated by commas, semicolons or tabs.
struct CSVRows {
  /// Fields by row; empty rows are left out.
  private(set) var rows: [[String]] = []
  /// Whether it is, but for its rows, what `CSVLog` writes: such a file ends where its last whole row ends.
  let isOurs: Bool
  /// Whether a line end follows the last of `rows`.
  private(set) var isEnded = true

  /// - Parameter columns: those it should have, by which the separator is found.
  init(_ data: Data, columns: [String]) {
    isOurs = data.starts(with: Array(columns.csvLine.utf8)) && !data.contains(UInt8(ascii: "\r"))
    let bytes = Array(data.withoutByteOrderMark)
    let separator = [",", ";", "\t"].first { mark in
      CSVRows.read(bytes, separator: UInt8(ascii: mark), limit: 1).rows.first == columns
    }
    (rows, isEnded) = CSVRows.read(bytes, separator: UInt8(ascii: separator ?? ","), limit: .max)
    if separator == ";" || separator == "\t" { rows = rows.map { $0.map(CSVRows.number) } }
  }

  /// Where commas do not separate fields, they may stand in numbers.
  private static func number(_ field: String) -> String {
    let dotted = field.replacing(",", with: ".")
    return Double(field) == nil && Double(dotted) != nil ? dotted : field
  }

  private static func read(_ bytes: [UInt8], separator: UInt8, limit: Int) -> (
    rows: [[String]], isEnded: Bool
  ) {
    var (rows, row, field) = ([[String]](), [String](), [UInt8]())
    var (isQuoted, wasQuote) = (false, false)
    func endField() {
      row.append(String(decoding: field, as: UTF8.self))
      field.removeAll(keepingCapacity: true)
    }
    func endRow() {
      endField()
      if !row.allSatisfy(\.isEmpty) { rows.append(row) }
      row.removeAll(keepingCapacity: true)
    }
    for byte in bytes {
      switch byte {
      case UInt8(ascii: "\""):
        // A doubled quote within quotes is one of the text.
        if !isQuoted && wasQuote { field.append(byte) }
        wasQuote = isQuoted
        isQuoted.toggle()
        continue
      case _ where isQuoted: field.append(byte)
      case separator: endField()
      case UInt8(ascii: "\n"), UInt8(ascii: "\r"):
        // Of a line feed after a carriage return nothing is left but an empty row.
        endRow()
        if rows.count >= limit { return (rows, true) }
      default: field.append(byte)
      }
      wasQuote = false
    }
    let count = rows.count
    if !row.isEmpty || !field.isEmpty { endRow() }
    return (rows, rows.count == count)
  }
}

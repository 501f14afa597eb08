import Failures
import Files
import Foundation
import Testing

@Suite struct CSVLogTests {
  let columns = ["iteration", "loss, G", "note"]

  func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

  func fill(_ log: CSVLog, _ iterations: ClosedRange<Int>) throws {
    for i in iterations {
      try log.append(iteration: i, [.number(1 / Double(i)), i % 2 == 0 ? .missing : .integer(i)])
    }
  }

  @Test func `rows are written in the shortest form that reads back`() throws {
    let folder = try TemporaryFolder()
    let log = try CSVLog(creating: folder("log.csv"), columns: ["iteration", "a", "b", "c"])
    try log.append(iteration: 1, [.number(0.1), .number(1 / 3), .integer(-7)])
    try log.append(iteration: 2, [.number(1e-300), .integer(.max), .missing])
    try log.append(iteration: 3, [.number(.nan), .number(-.infinity), .number(-0.0)])
    let expected =
      "iteration,a,b,c\n1,0.1,0.3333333333333333,-7\n2,1e-300,9223372036854775807,\n3,nan,-inf,-0.0\n"
    #expect(try text(folder("log.csv")) == expected)
  }

  @Test(arguments: 0...9) func `a resumed log is the uninterrupted one, byte for byte`(_ checkpoint: Int)
    throws
  {
    let folder = try TemporaryFolder()
    try fill(CSVLog(creating: folder("whole.csv"), columns: columns), 1...9)
    try fill(CSVLog(creating: folder("log.csv"), columns: columns), 1...9)
    let log = try CSVLog(resuming: folder("log.csv"), columns: columns, after: checkpoint)
    if checkpoint < 9 { try fill(log, checkpoint + 1...9) }
    #expect(try text(folder("log.csv")) == text(folder("whole.csv")))
    try log.truncate(after: 0)
    try fill(log, 1...9)
    #expect(try text(folder("log.csv")) == text(folder("whole.csv")))
    #expect(folder.names == ["log.csv", "whole.csv"])
  }

  @Test func `a last row that was cut short anywhere is dropped`() throws {
    let folder = try TemporaryFolder()
    let log = try CSVLog(creating: folder("log.csv"), columns: columns)
    try fill(log, 1...2)
    let two = try text(folder("log.csv"))
    try fill(log, 3...3)
    let three = Array(try text(folder("log.csv")).utf8)
    for count in two.utf8.count..<three.count {
      try Data(three.prefix(count)).write(to: URL(fileURLWithPath: folder("log.csv")))
      try CSVLog(resuming: folder("log.csv"), columns: columns, after: 3).synchronize()
      #expect(try text(folder("log.csv")) == two)
    }
  }

  @Test func `logs that cannot be continued`() throws {
    let folder = try TemporaryFolder()
    func kind(_ columns: [String], after iteration: Int = 9) -> Failure.Kind? {
      (#expect(throws: Failure.self) {
        try CSVLog(resuming: folder("log.csv"), columns: columns, after: iteration)
      })?.kind
    }
    #expect(kind(columns) == .notFound)
    let log = try CSVLog(creating: folder("log.csv"), columns: columns)
    try fill(log, 1...3)
    let before = try text(folder("log.csv"))
    #expect(kind(["iteration", "loss"]) == .inconsistent)
    #expect((#expect(throws: Failure.self) { try log.append(iteration: 4, []) })?.kind == .unexpected)
    let again = #expect(throws: Failure.self) { try CSVLog(creating: folder("log.csv"), columns: columns) }
    #expect(again?.kind == .cannotWrite)
    #expect(try text(folder("log.csv")) == before)
    try (before + "x,1,\n").write(toFile: folder("log.csv"), atomically: true, encoding: .utf8)
    #expect(kind(columns) == .malformed)
    #expect(try text(folder("log.csv")) == before + "x,1,\n")
  }

  // MARK: - After a spreadsheet

  static let rows = ["1,0.5,,", "2,0.25,,", "2,,,21.5", "3,-1e-05,7,"]

  static let spreadsheets: [(String, @Sendable (String) -> String)] = [
    ("line ends of Windows", { $0.replacing("\n", with: "\r\n") }),
    ("line ends of old Macs", { $0.replacing("\n", with: "\r") }),
    ("a byte order mark", { "\u{FEFF}" + $0 }),
    ("both", { "\u{FEFF}" + $0.replacing("\n", with: "\r\n") }),
    ("no last line end", { String($0.replacing("\n", with: "\r\n").dropLast()) }),
    ("empty lines", { $0.replacing("\n", with: "\r\n\r\n") + "\r\n,,,\r\n" }),
    ("semicolons", { $0.replacing(",", with: ";") }),
    ("semicolons and decimal commas", { $0.replacing(",", with: ";").replacing(".", with: ",") }),
    ("tabs", { $0.replacing(",", with: "\t") }),
    (
      "quotes",
      { text in
        text.split(separator: "\n").map { line in
          line.split(separator: ",", omittingEmptySubsequences: false).map { "\"\($0)\"" }.joined(
            separator: ",")
            + "\r\n"
        }.joined()
      }
    ),
    (
      "another order",
      { text in
        let lines = text.split(separator: "\n").map(String.init)
        return ([lines[0]] + lines.dropFirst().reversed()).joined(separator: "\n") + "\n"
      }
    ),
  ]

  @Test(arguments: spreadsheets.indices) func `what a spreadsheet saved is continued as if it had not`(
    _ index: Int
  ) throws {
    let columns = ["iteration", "l1", "adversarial", "psnr"]
    let whole = ([columns.joined(separator: ",")] + Self.rows).joined(separator: "\n") + "\n"
    let folder = try TemporaryFolder()
    let (name, change) = Self.spreadsheets[index]
    try change(whole).write(toFile: folder("log.csv"), atomically: true, encoding: .utf8)
    let log = try CSVLog(resuming: folder("log.csv"), columns: columns, after: 3)
    #expect(try text(folder("log.csv")) == whole, "\(name)")
    try log.append(iteration: 4, [.number(1), .missing, .missing])
    #expect(try text(folder("log.csv")) == whole + "4,1.0,,\n", "\(name)")
    try change(whole).write(toFile: folder("log.csv"), atomically: true, encoding: .utf8)
    _ = try CSVLog(resuming: folder("log.csv"), columns: columns, after: 2)
    #expect(try text(folder("log.csv")) == whole.replacing("3,-1e-05,7,\n", with: ""), "\(name)")
  }

  @Test func `no bytes end the reader`() throws {
    let folder = try TemporaryFolder()
    let valid = Array((["iteration,a", "1,2", "2,\"x\"\"y\""].joined(separator: "\n") + "\n").utf8)
    let telling = Array("\",;\t\r\n0x".utf8) + [0, 0xEF, 0xBB, 0xBF, 0xFF]
    var random = SplitMix64(seed: 3)
    for _ in 0..<300 {
      var bytes = valid
      for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: bytes[place] = telling.randomElement(using: &random) ?? 0
        case 1: bytes.removeSubrange(place...)
        default: bytes.insert(telling.randomElement(using: &random) ?? 0, at: place)
        }
      }
      try Data(bytes).write(to: URL(fileURLWithPath: folder("log.csv")))
      do { _ = try CSVLog(resuming: folder("log.csv"), columns: ["iteration", "a"], after: 5) } catch let
        failure
        as Failure
      { #expect([.inconsistent, .malformed].contains(failure.kind)) }
    }
  }
}

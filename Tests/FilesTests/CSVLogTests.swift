import Failures
import Files
import Foundation
import Testing

@Suite struct CSVLogTests {
  let columns = ["iteration", "loss, G", "note"]

  func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

  func fill(_ log: CSVLog, _ iterations: ClosedRange<Int>) throws {
    for i in iterations {
      try log.append(iteration: i, [.number(1 / Double(i)), i % 2 == 0 ? .missing : .text("a \"b\"\n\(i),")])
    }
  }

  @Test func `rows are written in the shortest form that reads back`() throws {
    let folder = try TemporaryFolder()
    let log = try CSVLog(creating: folder("log.csv"), columns: ["iteration", "a", "b", "c"])
    try log.append(iteration: 1, [.number(0.1), .single(0.1), .integer(-7)])
    try log.append(iteration: 2, [.number(1e-300), .single(1 / 3), .missing])
    try log.append(iteration: 3, [.number(.nan), .number(-.infinity), .text("x\r")])
    let expected = "iteration,a,b,c\n1,0.1,0.1,-7\n2,1e-300,0.33333334,\n3,nan,-inf,\"x\r\"\n"
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
}

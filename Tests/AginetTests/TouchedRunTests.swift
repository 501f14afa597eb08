import Files
import Foundation
import Imaging
import PipelineSupport
import Testing

/// A run folder that people touched between two days of training.
@Suite struct TouchedRunTests {
  private let scratch: Scratch
  private let aginet: Command
  private static let results = [
    "model.safetensors", "checkpoints/last.safetensors", "log.csv", "experiment.json",
  ]

  init() throws {
    scratch = try Scratch()
    aginet = try Command(in: scratch.path)
    // `run` has six of the twelve iterations that the run of `Trained` has.
    let outcome = try aginet(tinyTraining(6) + ["--data", Trained.cohort, "-o", "run"])
    #expect(outcome.code == 0, "\(outcome.messages)")
  }

  private func resuming(_ more: [String] = []) throws -> [String] {
    ["train", "--resume", "--iterations", "12", "--threads", "1", "--data", try Trained.cohort, "-o", "run"]
      + more
  }

  private func edit(_ name: String, _ change: (String) -> String) throws {
    let text = try scratch.text("run/\(name)")
    let changed = change(text)
    #expect(changed != text)
    try scratch.write(changed, to: "run/\(name)")
  }

  private func expectWhole(_ names: [String] = results) throws {
    for name in names {
      #expect(
        contents(of: scratch("run/\(name)")) == contents(of: try Trained.path("run/\(name)")), "\(name)")
    }
  }

  @Test func aChangedExperimentIsRefusedAndTheCheckpointsOwnGoesOn() throws {
    let before = contents(of: scratch("run/checkpoints/last.safetensors"))
    try edit("experiment.json") {
      $0.replacing("\"learningRate\" : 0.0001", with: "\"learningRate\" : 0.001")
    }
    let line = try aginet.fails(5, resuming())
    #expect(
      line.contains("experiment.json") && line.contains("learningRate 0.001 instead of 0.0001"), "\(line)")
    #expect(line.contains("delete it") && line.contains("--force"))
    // Saying the changed rate again does not help.
    try aginet.fails(5, resuming(["--rate", "1e-3"]))
    #expect(contents(of: scratch("run/checkpoints/last.safetensors")) == before)
    try FileManager.default.removeItem(atPath: scratch("run/experiment.json"))
    let outcome = try aginet(resuming())
    #expect(outcome.code == 0, "\(outcome.messages)")
    try expectWhole()
  }

  @Test(arguments: ["", "{", "\0\0\0\0", "[]", "{\"width\": 4}"])
  func anExperimentThatDoesNotReadIsRefusedWithTheWayOut(text: String) throws {
    try scratch.write(text, to: "run/experiment.json")
    let line = try aginet.fails(5, resuming())
    #expect(line.contains("experiment.json") && line.contains("delete it"), "\(line)")
    try FileManager.default.removeItem(atPath: scratch("run/experiment.json"))
    #expect(try aginet(resuming()).code == 0)
    try expectWhole()
  }

  @Test func howOftenARunIsLookedAtMayBeChangedInTheFile() throws {
    try edit("experiment.json") {
      $0.replacing("\"iterations\" : 6", with: "\"iterations\" : 12")
        .replacing("\"checkpointEvery\" : 2", with: "\"checkpointEvery\" : 4")
    }
    let outcome = try aginet(["train", "--resume", "--threads", "1", "--data", Trained.cohort, "-o", "run"])
    #expect(outcome.code == 0, "\(outcome.messages)")
    try expectWhole(["log.csv"])
  }

  @Test(arguments: ["\r\n", "\u{FEFF}", ";", "order"])
  func aLogThatASpreadsheetSavedIsContinued(change: String) throws {
    try edit("log.csv") { text in
      switch change {
      case "order":
        let lines = text.split(separator: "\n").map(String.init)
        return ([lines[0]] + lines.dropFirst().reversed()).joined(separator: "\n") + "\n"
      case ";": return text.replacing(",", with: ";").replacing("\n", with: "\r\n")
      case "\r\n": return text.replacing("\n", with: "\r\n")
      default: return change + text
      }
    }
    let outcome = try aginet(resuming())
    #expect(outcome.code == 0, "\(outcome.messages)")
    #expect(!outcome.messages.contains("kept as"))
    try expectWhole()
  }

  @Test(arguments: ["iteration,mse\n1,2\n", "", "\0\0\0\0", "a picture"])
  func aLogThatIsNoneIsKeptAsideAndTheRunGoesOn(text: String) throws {
    try scratch.write("older", to: "run/log.unread-1.csv")
    try scratch.write(text, to: "run/log.csv")
    let outcome = try aginet(resuming())
    #expect(outcome.code == 0, "\(outcome.messages)")
    #expect(outcome.lines.contains { $0.hasPrefix("note: ") && $0.contains("kept as run/log.unread-2.csv") })
    #expect(contents(of: scratch("run/log.unread-2.csv")) == Data(text.utf8))
    #expect(contents(of: scratch("run/log.unread-1.csv")) == Data("older".utf8))
    let rows = String(decoding: contents(of: scratch("run/log.csv")) ?? Data(), as: UTF8.self).split(
      separator: "\n")
    #expect(rows.first?.hasPrefix("iteration,") == true && rows.dropFirst().first?.hasPrefix("7,") == true)
    try expectWhole(["model.safetensors", "checkpoints/last.safetensors"])
  }

  @Test func aDamagedCheckpointIsRefused() throws {
    let path = scratch("run/checkpoints/last.safetensors")
    var bytes = try #require(contents(of: path))
    bytes.replaceSubrange((bytes.count * 7 / 10)..., with: Data(count: bytes.count - bytes.count * 7 / 10))
    try bytes.write(to: URL(fileURLWithPath: path))
    let line = try aginet.fails(9, resuming())
    #expect(line.contains("last.safetensors: is damaged"))
  }

  @Test func anEvaluationOfAnotherExperimentIsRefused() throws {
    try edit("experiment.json") { $0.replacing("\"groups\" : 4", with: "\"groups\" : 2") }
    let line = try aginet.fails(5, ["evaluate", "run", "--data", Trained.cohort, "--quiet"])
    #expect(line.contains("groups 2 instead of 4"))
  }
}

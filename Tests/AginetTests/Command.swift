import Foundation
import PipelineSupport
import Testing

/// The built program, run as its user runs it.
struct Command {
  /// What a finished process left.
  struct Outcome {
    var code: Int32
    var output: String
    var messages: String
    /// Lines on standard error.
    var lines: [String] { messages.split(separator: "\n").map(String.init) }
  }

  /// `aginet` lies beside the test program.
  static let program: String = {
    let tests = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    return tests.deletingLastPathComponent().appendingPathComponent("aginet").path
  }()

  /// Where it runs; outputs of the process are kept elsewhere.
  let folder: String
  /// Words before the program, such as a shell that sets a limit.
  var prefix: [String] = []
  var environment: [String: String] = [:]
  private let streams: Scratch

  init(in folder: String) throws {
    self.folder = folder
    streams = try Scratch()
  }

  /// A process that runs; files take what it says, so that no pipe can fill.
  final class Running {
    let process = Process()
    private let output: String, messages: String
    private let streams: Scratch

    fileprivate init(_ words: [String], _ command: Command) throws {
      streams = command.streams
      let name = UUID().uuidString
      (output, messages) = (streams("\(name).out"), streams("\(name).err"))
      for path in [output, messages] { _ = FileManager.default.createFile(atPath: path, contents: nil) }
      process.executableURL = URL(fileURLWithPath: words[0])
      process.arguments = Array(words.dropFirst())
      process.currentDirectoryURL = URL(fileURLWithPath: command.folder)
      var environment = ProcessInfo.processInfo.environment
      environment["SWIFT_BACKTRACE"] = "enable=no"
      environment["OMP_NUM_THREADS"] = "1"
      environment["NO_COLOR"] = "1"
      process.environment = environment.merging(command.environment) { $1 }
      process.standardInput = FileHandle.nullDevice
      process.standardOutput = FileHandle(forWritingAtPath: output)
      process.standardError = FileHandle(forWritingAtPath: messages)
      try process.run()
    }

    /// Whether it has written this to standard error so far.
    func hasSaid(_ text: String) -> Bool {
      String(decoding: contents(of: messages) ?? Data(), as: UTF8.self).contains(text)
    }

    func signal(_ number: Int32) { kill(process.processIdentifier, number) }

    /// Waits for the end. A process killed by a signal has 128 and the signal's number for a code, as in a shell.
    func wait() -> Outcome {
      // What does not end in two minutes never will, and the suite must.
      if !waits(upTo: 120_000, for: { !process.isRunning }) { signal(SIGKILL) }
      process.waitUntilExit()
      let status = process.terminationStatus
      func text(_ path: String) -> String { String(decoding: contents(of: path) ?? Data(), as: UTF8.self) }
      return Outcome(
        code: process.terminationReason == .uncaughtSignal ? 128 + status : status, output: text(output),
        messages: text(messages))
    }
  }

  func start(_ arguments: [String]) throws -> Running {
    try Running(prefix + [Command.program] + arguments, self)
  }

  func callAsFunction(_ arguments: String...) throws -> Outcome { try start(arguments).wait() }
  func callAsFunction(_ arguments: [String]) throws -> Outcome { try start(arguments).wait() }

  /// Runs what must succeed.
  @discardableResult
  func succeeds(_ arguments: [String], sourceLocation: SourceLocation = #_sourceLocation) throws -> Outcome {
    let outcome = try self(arguments)
    #expect(outcome.code == 0, "\(outcome.messages)", sourceLocation: sourceLocation)
    return outcome
  }

  /// Runs what must fail: this code, and one line on standard error, which is returned.
  @discardableResult
  func fails(_ code: Int32, _ arguments: [String], sourceLocation: SourceLocation = #_sourceLocation) throws
    -> String
  {
    let outcome = try self(arguments)
    #expect(outcome.code == code, "\(outcome.messages)", sourceLocation: sourceLocation)
    let line = outcome.lines.last ?? ""
    #expect(line.hasPrefix("aginet: "), "\(outcome.messages)", sourceLocation: sourceLocation)
    #expect(outcome.lines.count == 1, "\(outcome.messages)", sourceLocation: sourceLocation)
    #expect(outcome.output.isEmpty, sourceLocation: sourceLocation)
    return line
  }
}

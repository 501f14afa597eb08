import Foundation
import Imaging
import PipelineSupport
import Testing

/// Standard output and error that are closed, full or gone: no trap, nothing lost, and a result that did not arrive
/// is an error.
@Suite struct StreamsTests {
  private let scratch: Scratch

  init() throws { scratch = try Scratch() }

  /// The program under a shell that does this to its streams.
  private func shell(_ script: String) throws -> Command {
    var command = try Command(in: scratch.path)
    command.prefix = ["/bin/bash", "-c", script, "shell"]
    return command
  }

  /// A pipe whose reader has gone before the first byte.
  static let brokenPipe = "{ sleep 0.3; exec \"$@\"; } | true; exit ${PIPESTATUS[0]}"

  private func synthesis(_ output: String) throws -> [String] {
    [
      "synthesize", "--threads", "1", "--model", try Trained.model, "--t1", try Trained.scan(.t1), "--t2",
      try Trained.scan(.t2), "-o", output,
    ]
  }

  @Test(arguments: ["exec \"$@\" >/dev/full", "exec \"$@\" >&-", brokenPipe])
  func aResultThatCannotBePrintedIsAnError(script: String) throws {
    let aginet = try shell(script)
    // A copy, since what is scored here would stand in the way of others.
    let (cohort, run) = (try Trained.cohort, scratch("run"))
    try Trained.copyRun(to: run)
    for arguments in [
      ["--help"], ["--version"], ["help", "train"], ["train", "--help"], ["cite"], ["doctor"], ["info", run],
      ["info", cohort], ["info", try Trained.scan(.t1)],
      ["info", "--network", "resunet", "--width", "4", "--size", "32"],
      ["train", "--dry-run", "--data", cohort, "-o", "none"], ["report", run, "--data", cohort, "--quiet"],
      ["evaluate", run, "--data", cohort, "--force", "--quiet"], try synthesis("pd.nii.gz") + ["--quiet"],
      [
        "prepare", "--quiet", "bids", try Trained.path("raw"), "-o", "cohort", "--splits",
        try Trained.path("splits.json"),
      ],
    ] {
      let outcome = try aginet(arguments)
      #expect(outcome.code == 6, "\(arguments): \(outcome.code) \(outcome.messages)")
      #expect(
        outcome.lines.count == 1 && outcome.messages.contains("standard output"),
        "\(arguments): \(outcome.messages)")
    }
    // What was computed is there all the same.
    #expect(scratch.files().contains("pd.nii.gz") && scratch.files().contains("cohort/cohort.json"))
  }

  static let lostMessages = [
    "exec \"$@\" 2>/dev/full", "exec \"$@\" 2>&-", "exec \"$@\" 2>&- <&-",
    "{ sleep 0.3; exec \"$@\"; } 2> >(true)",
  ]

  @Test(arguments: lostMessages)
  func messagesThatNobodyReadsStopNothing(script: String) throws {
    let aginet = try shell(script)
    #expect(try aginet(synthesis("pd.nii.gz")).code == 0)
    #expect(try aginet(synthesis("pd.nii.gz")).code == 6)
    #expect(try aginet("info", "none").code == 3)
    #expect(try aginet("synthesise").code == 2)
    let training = try tinyTraining(12) + ["--data", Trained.cohort, "-o", "run"]
    #expect(try aginet(training).code == 0)
    // No message went into a file.
    for name in ["model.safetensors", "log.csv", "checkpoints/last.safetensors", "experiment.json"] {
      #expect(
        contents(of: scratch("run/\(name)")) == contents(of: try Trained.path("run/\(name)")), "\(name)")
    }
    #expect(try aginet(synthesis("other.nii.gz")).code == 0)
    #expect(contents(of: scratch("pd.nii.gz")) == contents(of: scratch("other.nii.gz")))
    #expect(!scratch.files().contains { $0.hasSuffix(".partial") })
  }

  @Test func withAllStreamsClosedItWorksAndSaysThatTheResultWasNotPrinted() throws {
    let aginet = try shell("exec \"$@\" <&- >&- 2>&-")
    #expect(try aginet(tinyTraining(12) + ["--data", Trained.cohort, "-o", "run"]).code == 6)
    #expect(contents(of: scratch("run/model.safetensors")) == contents(of: try Trained.model))
  }

  /// What `aginet train ... 2>&1 | head -1` does.
  @Test func aTrainingWhoseReaderLeavesGoesOn() throws {
    let aginet = try shell("\"$@\" 2>&1 >/dev/null | head -1; exit ${PIPESTATUS[0]}")
    #expect(try aginet(tinyTraining(12) + ["--data", Trained.cohort, "-o", "run"]).code == 0)
    #expect(contents(of: scratch("run/model.safetensors")) == contents(of: try Trained.model))
  }

  @Test func aTrainingWhoseTerminalGoesAwayGoesOn() throws {
    let master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
    try #require(master >= 0)
    var (locked, number) = (Int32(0), Int32(0))
    // TIOCSPTLCK and TIOCGPTN of Linux, which Swift does not see: unlocks the other end and tells its number.
    #expect(ioctl(master, 0x4004_5431, &locked) == 0 && ioctl(master, 0x8004_5430, &number) == 0)
    let slave = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY | O_CLOEXEC)
    try #require(slave >= 0)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: Command.program)
    process.currentDirectoryURL = URL(fileURLWithPath: scratch.path)
    process.arguments = try tinyTraining(200, checkpointEvery: 50) + ["--data", Trained.cohort, "-o", "run"]
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle(fileDescriptor: slave)
    try process.run()
    close(slave)
    let log = scratch("run/log.csv")
    #expect(waits { (contents(of: log) ?? Data()).count { $0 == UInt8(ascii: "\n") } > 3 })
    // Every write from now on is EIO.
    close(master)
    if !waits(upTo: 120_000, for: { !process.isRunning }) { kill(process.processIdentifier, SIGKILL) }
    process.waitUntilExit()
    #expect(process.terminationReason == .exit && process.terminationStatus == 0)
    #expect(contents(of: scratch("run/model.safetensors")) != nil)
  }
}

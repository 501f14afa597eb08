import Files
import Foundation
import Imaging
import PipelineSupport
import ScanSupport
import Testing

/// Reliability R2, R26, R27: outputs that cannot be written, or that two want to write.
@Suite struct OutputTests {
  private let scratch: Scratch
  private let aginet: Command

  init() throws {
    scratch = try Scratch()
    aginet = try Command(in: scratch.path)
  }

  private func synthesis(_ output: String) throws -> [String] {
    [
      "synthesize", "--quiet", "--threads", "1", "--model", try Trained.model, "--t1", try Trained.scan(.t1),
      "--t2", try Trained.scan(.t2), "-o", output,
    ]
  }

  private func preparation(_ output: String) throws -> [String] {
    [
      "prepare", "--quiet", "bids", try Trained.path("raw"), "-o", output, "--splits",
      try Trained.path("splits.json"),
    ]
  }

  /// The program under a limit on the size of a file, in KiB, as a quota or a full disk would stop it.
  private func limited(to kibibytes: Int) throws -> Command {
    var command = aginet
    command.prefix = ["/bin/bash", "-c", "ulimit -f \(kibibytes) && exec \"$@\"", "limited"]
    return command
  }

  /// R2: whichever write of a save fails, the checkpoint before stays, and the run goes on from it.
  @Test func aSaveThatFailsLeavesTheCheckpointBefore() throws {
    func training(_ iterations: Int) throws -> [String] {
      try tinyTraining(iterations) + ["--quiet", "--data", Trained.cohort, "-o", "run"]
    }
    #expect(try aginet(training(2)).code == 0)
    let last = scratch("run/checkpoints/last.safetensors")
    let (before, log) = (contents(of: last), contents(of: scratch("run/log.csv")))
    let size = (before?.count ?? 0) / 1024
    #expect(size > 500)
    for kibibytes in [8, 40, 100, 200, 300, 500, size - 1] {
      let line = try limited(to: kibibytes).fails(6, training(4) + ["--resume"])
      #expect(line.contains("last.safetensors") || line.contains("model.safetensors"), "\(line)")
      #expect(contents(of: last) == before)
      #expect(!scratch.files(in: "run").contains { $0.hasSuffix(".partial") })
    }
    #expect(try aginet(training(4) + ["--resume"]).code == 0)
    let resumed = contents(of: last)
    #expect(contents(of: scratch("run/log.csv"))?.starts(with: log ?? Data()) == true)
    try FileManager.default.removeItem(atPath: scratch("run"))
    #expect(try aginet(training(4)).code == 0)
    #expect(contents(of: last) == resumed)
  }

  @Test func aVolumeThatDoesNotFitLeavesNothing() throws {
    let line = try limited(to: 4).fails(6, synthesis("pd.nii"))
    #expect(line.contains("pd.nii"))
    #expect(scratch.files().isEmpty)
    try limited(to: 4).fails(6, preparation("cohort"))
    #expect(scratch.files().isEmpty)
  }

  /// Whether this process may mount file systems of its own.
  static let canMount: Bool = {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt"]
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
  }()

  /// Runs the program with `out` a file system of its own, and lists what it left there.
  private func mounted(_ options: String, _ arguments: [String]) throws -> (line: String, left: String) {
    try FileManager.default.createDirectory(atPath: scratch("out"), withIntermediateDirectories: true)
    var command = aginet
    command.prefix = [
      "/usr/bin/env", "unshare", "-m", "/bin/sh", "-c",
      "mount -t tmpfs -o \(options) none out || exit 99; \"$@\"; code=$?; find out -type f ! -name .lock > left; exit $code",
      "mounted",
    ]
    let line = try command.fails(6, arguments)
    return (line, String(decoding: contents(of: scratch("left")) ?? Data(), as: UTF8.self))
  }

  @Test(.enabled(if: canMount, "needs the right to mount a file system, as root has"))
  func aFullDiskIsToldAndLeftClean() throws {
    let volume = try mounted("size=8k", synthesis("out/pd.nii"))
    #expect(volume.line.lowercased().contains("no space left") && volume.left.isEmpty)
    let cohort = try mounted("size=24k", preparation("out/cohort"))
    #expect(cohort.line.lowercased().contains("no space left") && cohort.left.isEmpty)
    let run = try mounted(
      "size=400k", tinyTraining(2) + ["--quiet", "--data", Trained.cohort, "-o", "out/run"])
    #expect(run.line.lowercased().contains("no space left"))
    #expect(!run.left.contains(".partial") && !run.left.contains("last.safetensors"))
  }

  @Test(.enabled(if: canMount, "needs the right to mount a file system, as root has"))
  func aReadOnlyFolderIsTold() throws {
    for arguments in [
      try synthesis("out/pd.nii.gz"), try preparation("out/cohort"),
      try tinyTraining(1) + ["--quiet", "--data", Trained.cohort, "-o", "out/run"],
    ] {
      let (line, left) = try mounted("ro", arguments)
      #expect(line.contains("out") && left.isEmpty)
    }
  }

  @Test func withoutAHomeItWorks() throws {
    var command = aginet
    command.prefix = ["/usr/bin/env", "-u", "HOME", "-u", "TMPDIR", "-u", "USER"]
    #expect(try command(synthesis("pd.nii.gz")).code == 0)
    #expect(scratch.files() == ["pd.json", "pd.nii.gz"])
  }

  // MARK: - Two at once

  /// Starts the same command several times at once; one must win, the others must say 6.
  private func race(_ count: Int, _ arguments: [String]) throws {
    let outcomes = try (0..<count).map { _ in try aginet.start(arguments) }.map { $0.wait() }
    #expect(outcomes.count { $0.code == 0 } == 1, "\(outcomes.map(\.messages))")
    for loser in outcomes where loser.code != 0 {
      #expect(loser.code == 6 && loser.lines.count == 1, "\(loser.messages)")
    }
  }

  @Test func ofTwoTrainingsOneWins() throws {
    for round in 1...Soak.count(3, soak: 15) {
      try race(2, tinyTraining(2) + ["--quiet", "--data", Trained.cohort, "-o", "run\(round)"])
    }
    // The winner's run is whole: it is that of a run alone.
    #expect(try aginet(tinyTraining(2) + ["--quiet", "--data", Trained.cohort, "-o", "alone"]).code == 0)
    for name in ["model.safetensors", "log.csv", "checkpoints/last.safetensors"] {
      #expect(contents(of: scratch("run1/\(name)")) == contents(of: scratch("alone/\(name)")))
    }
  }

  @Test func aTrainingKeepsOthersOut() throws {
    let arguments = try tinyTraining(100_000) + ["--quiet", "--data", Trained.cohort, "-o", "run"]
    let running = try aginet.start(arguments)
    #expect(waits { contents(of: scratch("run/log.csv")) != nil })
    for more in [[], ["--force"], ["--resume"]] {
      let line = try aginet.fails(6, arguments + more)
      #expect(line.contains("in use") && line.contains("\(running.process.processIdentifier)"))
    }
    running.signal(SIGTERM)
    #expect(running.wait().code == 143)
  }

  /// Whoever presses Ctrl-\ wants it to end, and no report.
  @Test func quittingEndsAtOnce() throws {
    let running = try aginet.start(
      tinyTraining(100_000) + ["--quiet", "--data", Trained.cohort, "-o", "run"])
    #expect(waits { contents(of: scratch("run/log.csv")) != nil })
    running.signal(SIGQUIT)
    let outcome = running.wait()
    #expect(outcome.code == 128 + SIGQUIT && outcome.messages.isEmpty, "\(outcome.messages)")
  }

  @Test func ofTwoSynthesesOneWins() throws {
    let rounds = 1...Soak.count(4, soak: 20)
    for round in rounds { try race(2, synthesis("pd\(round).nii.gz")) }
    #expect(scratch.files() == (rounds.map { "pd\($0).json" } + rounds.map { "pd\($0).nii.gz" }).sorted())
    #expect(Set(rounds.map { contents(of: scratch("pd\($0).nii.gz")) }).count == 1)
  }

  @Test func ofTwoPreparationsOneWins() throws {
    for round in 1...Soak.count(3, soak: 15) { try race(2, preparation("cohort\(round)")) }
    #expect(!scratch.files().contains { $0.contains("partial") })
  }
}

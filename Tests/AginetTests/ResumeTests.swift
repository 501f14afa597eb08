import Files
import Foundation
import Imaging
import PipelineSupport
import ScanSupport
import Testing

/// Reliability R1, R3, R4: whatever stops a run, the resumed one gives the bytes of the one that never stopped.
@Suite struct ResumeTests {
  private let scratch: Scratch
  private let aginet: Command

  init() throws {
    scratch = try Scratch()
    aginet = try Command(in: scratch.path)
  }

  private func training(_ run: String, _ iterations: Int = 12, _ more: [String] = []) throws -> [String] {
    try tinyTraining(iterations, checkpointEvery: 1) + ["--data", Trained.cohort, "-o", run] + more
  }

  /// SHA-256 of what a run has learned and logged.
  private func digests(_ run: String, _ names: [String] = results) throws -> [String] {
    try names.map { "\($0) \(try SHA256.ofFile(scratch("\(run)/\($0)")).digest)" }
  }

  private static let results = [
    "model.safetensors", "checkpoints/last.safetensors", "log.csv", "experiment.json",
  ]

  /// Unfinished files that a killed process left.
  private func unfinished(_ run: String) -> Set<String> {
    let names = try? FileManager.default.contentsOfDirectory(atPath: scratch("\(run)/checkpoints"))
    return Set((names ?? []).filter { $0.hasSuffix(".partial") })
  }

  @Test func killedAtAnyMomentItGoesOnExactly() throws {
    #expect(try aginet(training("whole")).code == 0)
    let expected = try digests("whole")
    var random = RandomSource(seed: UInt64(Date().timeIntervalSince1970 * 1000))
    var (kills, duringWrites, round) = (0, 0, 0)
    let wanted = Soak.count(10, soak: 200)
    while kills < wanted && round < 2 * wanted {
      round += 1
      let run = "killed\(round)"
      for _ in 0..<40 {
        let hasCheckpoint = contents(of: scratch("\(run)/checkpoints/last.safetensors")) != nil
        let before = unfinished(run)
        let running = try aginet.start(training(run, 12, hasCheckpoint ? ["--resume"] : ["--force"]))
        if kills < wanted {
          if kills % 2 == 0 {
            // From before the program is ready to some iterations in.
            usleep(UInt32(random.uniform(20_000, 700_000)))
          } else {
            _ = waits { !running.process.isRunning || !unfinished(run).isSubset(of: before) }
            if !unfinished(run).isSubset(of: before) { duringWrites += 1 }
          }
          running.signal(SIGKILL)
        }
        let code = running.wait().code
        if code == 0 { break }
        #expect(code == 128 + SIGKILL)
        kills += 1
      }
      #expect(try digests(run) == expected)
      #expect(unfinished(run).isEmpty)
    }
    #expect(kills >= wanted)
    #expect(duringWrites > 0)
    Soak.report(
      "\(kills) kills, \(duringWrites) of them while a file was written, over \(round) runs: 0 differences")
  }

  @Test(arguments: [(SIGINT, Int32(130)), (SIGTERM, Int32(143))])
  func aSignalSavesAndThenStops(signal: Int32, code: Int32) throws {
    for step in [1, 2, 5] {
      let run = "run-\(signal)-\(step)"
      // Far from its end, so that it is the signal that stops it.
      let running = try aginet.start(
        training(run, 100_000, ["--set", "checkpointEvery=1000", "--set", "validateEvery=1000"]))
      let log = scratch("\(run)/log.csv")
      #expect(waits { (contents(of: log) ?? Data()).count { $0 == UInt8(ascii: "\n") } > step })
      running.signal(signal)
      let outcome = running.wait()
      #expect(outcome.code == code, "\(outcome.messages)")
      let words = (outcome.lines.last ?? "").split { !$0.isNumber && !$0.isLetter }
      let place = try #require(words.firstIndex(of: "iteration"))
      let iteration = try #require(Int(words[place + 1]))
      #expect(iteration >= step)

      let more = ["--set", "checkpointEvery=1000", "--set", "validateEvery=1000"]
      #expect(try aginet(training(run, iteration + 2, more + ["--resume"])).code == 0)
      #expect(try aginet(training("whole-\(run)", iteration + 2, more)).code == 0)
      #expect(try digests(run) == digests("whole-\(run)"))
    }
  }

  @Test func loadersChangeNothing() throws {
    var all: [[String]] = []
    for loaders in [1, 2, 4] {
      #expect(try aginet(training("loaders\(loaders)", 12, ["--loaders", "\(loaders)"])).code == 0)
      all.append(try digests("loaders\(loaders)"))
    }
    #expect(all[0] == all[1] && all[0] == all[2])
  }

  @Test func aResumedRunNeedsNoSettingsAgain() throws {
    #expect(try aginet(training("whole")).code == 0)
    #expect(try aginet(training("run", 6)).code == 0)
    let resumed = try aginet(
      "train", "--resume", "--iterations", "12", "--threads", "1", "--data", Trained.cohort, "-o", "run")
    #expect(resumed.code == 0, "\(resumed.messages)")
    #expect(resumed.output == "run/model.safetensors\n")
    let names = ["checkpoints/last.safetensors", "log.csv", "experiment.json"]
    #expect(try digests("run", names) == digests("whole", names))
  }

  @Test func withoutACheckpointNothingIsResumed() throws {
    let data = try Trained.cohort
    #expect(
      try aginet.fails(3, ["train", "--resume", "--data", data, "-o", "run"]).contains("nothing to resume"))
    #expect(scratch.files().isEmpty)
    try FileManager.default.createDirectory(atPath: scratch("run"), withIntermediateDirectories: true)
    let merged = try aginet(training("run", 3, ["--dry-run"]))
    try scratch.write(merged.output, to: "run/experiment.json")
    let line = try aginet.fails(3, ["train", "--resume", "--data", data, "-o", "run"])
    #expect(line.contains("no checkpoint") && line.contains("--force"))
  }

  @Test func anotherExperimentIsRefused() throws {
    let run = try Trained.path("run")
    let line = try aginet.fails(
      5, ["train", "--resume", "--rate", "0.5", "--data", Trained.cohort, "-o", run])
    #expect(line.contains("learningRate 0.5 instead of 0.0001"))
  }
}

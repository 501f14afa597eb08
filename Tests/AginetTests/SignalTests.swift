import Files
import Foundation
import PipelineSupport
import Testing

/// Signals beside those of `ResumeTests`, and at other moments.
@Suite struct SignalTests {
  private let scratch: Scratch
  private let aginet: Command

  init() throws {
    scratch = try Scratch()
    aginet = try Command(in: scratch.path)
  }

  private func training(_ run: String, _ iterations: Int = 100_000, _ more: [String] = []) throws -> [String]
  {
    try tinyTraining(iterations, checkpointEvery: 1000) + ["--data", Trained.cohort, "-o", run] + more
  }

  private func waitsForRows(_ count: Int, of run: String) -> Bool {
    let log = scratch("\(run)/log.csv")
    return waits { (contents(of: log) ?? Data()).count { $0 == UInt8(ascii: "\n") } > count }
  }

  /// A terminal that hangs up, and what batch systems send when the time is nearly up.
  @Test(arguments: [
    (SIGHUP, Int32(129)), (SIGUSR1, Int32(143)), (SIGUSR2, Int32(143)), (SIGXCPU, Int32(143)),
  ])
  func whateverEndsASessionSaves(signal: Int32, code: Int32) throws {
    let running = try aginet.start(training("run"))
    #expect(waitsForRows(2, of: "run"))
    running.signal(signal)
    // The system repeats this one.
    if signal == SIGXCPU { running.signal(signal) }
    let outcome = running.wait()
    #expect(outcome.code == code, "\(outcome.messages)")
    #expect(outcome.lines.last?.contains("saved; continue with --resume") == true, "\(outcome.messages)")
    #expect(contents(of: scratch("run/checkpoints/last.safetensors")) != nil)
  }

  @Test func underNohupAHangUpIsIgnored() throws {
    var command = aginet
    command.prefix = ["/usr/bin/env", "nohup"]
    let running = try command.start(training("run"))
    #expect(waitsForRows(2, of: "run"))
    running.signal(SIGHUP)
    let rows = (contents(of: scratch("run/log.csv")) ?? Data()).count { $0 == UInt8(ascii: "\n") }
    #expect(waitsForRows(rows + 5, of: "run"))
    #expect(running.process.isRunning)
    running.signal(SIGTERM)
    #expect(running.wait().code == 143)
  }

  /// Validation of a diffusion takes minutes; batch systems wait for seconds.
  @Test func aValidationThatIsInterruptedIsMadeUpFor() throws {
    func training(_ run: String, _ more: [String] = []) throws -> [String] {
      [
        "train", "--method", "ddpm", "--network", "resunet", "--sources", "t1,t2", "--target", "pd",
        "--width", "4",
        "--batch", "2", "--iterations", "4", "--threads", "1", "--set", "validateEvery=2", "--set",
        "validationSlices=2", "--set", "ddpm.validationSteps=600", "--data", try Trained.cohort, "-o", run,
      ] + more
    }
    #expect(try aginet(training("whole")).code == 0)
    let running = try aginet.start(training("run"))
    // The second row is on the disk, so the validation after it runs.
    #expect(waitsForRows(2, of: "run"))
    usleep(100_000)
    running.signal(SIGTERM)
    let outcome = running.wait()
    #expect(outcome.code == 143, "\(outcome.messages)")
    #expect(outcome.lines.last?.contains("stopped at iteration 2") == true, "\(outcome.messages)")
    let file = try Safetensors(contentsOf: scratch("run/checkpoints/last.safetensors"))
    #expect(file.metadata["aginet.owes_validation"] == "true")
    #expect(try aginet(training("run", ["--resume"])).code == 0)
    for name in ["model.safetensors", "checkpoints/last.safetensors", "log.csv"] {
      #expect(contents(of: scratch("run/\(name)")) == contents(of: scratch("whole/\(name)")), "\(name)")
    }
  }

  @Test(arguments: [SIGINT, SIGTERM])
  func theDemonstrationStopsAfterItsTrainingsToo(signal: Int32) throws {
    var aginet = aginet
    // The model in the box is not what is tested here, and would take its time.
    aginet.environment["AGINET_MODELS"] = scratch.path
    let running = try aginet.start([
      "demo", "-o", "demo", "--subjects", "6", "--iterations", "1", "--width", "8", "--batch", "1",
      "--threads", "1",
    ])
    #expect(waits(upTo: 110_000) { !running.process.isRunning || running.hasSaid("5/7") })
    running.signal(signal)
    let outcome = running.wait()
    #expect(outcome.code == 128 + signal, "\(outcome.messages)")
    #expect(contents(of: scratch("demo/report.html")) == nil)
    #expect(!scratch.files().contains { $0.hasSuffix(".partial") })
  }

  /// Stopped twice, in a hurry, while a checkpoint is being written.
  @Test func aCommandThatIsStoppedLeavesNothingUnfinished() throws {
    for _ in 0..<3 {
      let running = try aginet.start(training("run", 100_000, ["--force", "--set", "checkpointEvery=1"]))
      _ = waits { !unfinished("run/checkpoints").isEmpty || !running.process.isRunning }
      running.signal(SIGTERM)
      running.signal(SIGTERM)
      _ = running.wait()
      #expect(unfinished("run/checkpoints").isEmpty)
    }
  }

  private func unfinished(_ folder: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: scratch(folder))) ?? []).filter {
      $0.hasSuffix(".partial")
    }
  }
}

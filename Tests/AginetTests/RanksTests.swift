import Files
import Foundation
import PipelineSupport
import Testing

/// Training on several processes of this machine, as its user runs it.
@Suite(.serialized) struct RanksTests {
  private let scratch: Scratch
  private let aginet: Command

  init() throws {
    scratch = try Scratch()
    aginet = try Command(in: scratch.path)
  }

  private func training(_ run: String, _ iterations: Int, _ more: [String] = []) throws -> [String] {
    try [
      "train", "--sources", "t1,t2", "--target", "pd", "--width", "8", "--groups", "4", "--batch", "4",
      "--iterations", "\(iterations)", "--threads", "1", "--set", "pix2pix.discriminatorWidth=8", "--set",
      "validateEvery=5", "--set", "checkpointEvery=5", "--data", Trained.cohort, "-o", run,
    ] + more
  }

  private func unified(_ run: String, _ more: [String] = []) throws -> [String] {
    try [
      "train", "--method", "unified", "--network", "resunet", "--sources", "t1,t2,pd", "--width", "8",
      "--batch", "4", "--iterations", "20", "--threads", "1", "--set",
      "validateEvery=20", "--set", "checkpointEvery=20", "--data", Trained.cohort, "-o", run,
    ] + more
  }

  private func digests(_ run: String) throws -> [String] {
    try ["model.safetensors", "checkpoints/last.safetensors", "log.csv", "experiment.json"].map {
      "\($0) \(try SHA256.ofFile(scratch("\(run)/\($0)")).digest)"
    }
  }

  private func rows(_ run: String) -> Int {
    (contents(of: scratch("\(run)/log.csv")) ?? Data()).count { $0 == UInt8(ascii: "\n") }
  }

  /// The largest difference between two runs' weights.
  private func difference(_ run: String, _ other: String) throws -> Float {
    let files = try [run, other].map {
      try Safetensors(contentsOf: scratch("\($0)/model.safetensors"))
    }
    return try files[0].entries.map { entry in
      let values = try files.map { try $0.values(of: entry.name, as: Float.self) }
      return zip(values[0], values[1]).map { abs($0 - $1) }.max() ?? 0
    }.max() ?? .infinity
  }

  @Test func twoRanksLearnWhatOneDoes() throws {
    #expect(try aginet(training("one", 20)).code == 0)
    let two = try aginet(training("two", 20, ["--ranks", "2"]))
    #expect(two.code == 0, "\(two.messages)")
    #expect(two.output == "two/model.safetensors\n")
    #expect(try difference("one", "two") < 1e-5)
    #expect(try aginet(training("again", 20, ["--ranks", "2"])).code == 0)
    #expect(try digests("two") == digests("again"))
    // Rank 0 says all that is said.
    #expect(two.lines.filter { $0.contains("parameters;") }.count == 1, "\(two.messages)")
  }

  @Test func whicheverContrastIsMissingTwoRanksLearnWhatOneDoes() throws {
    let one = try aginet(unified("one"))
    #expect(one.code == 0, "\(one.messages)")
    let two = try aginet(unified("two", ["--ranks", "2"]))
    #expect(two.code == 0, "\(two.messages)")
    #expect(try difference("one", "two") < 1e-5)
  }

  @Test func anotherNumberOfRanksGoesOn() throws {
    #expect(try aginet(training("run", 20, ["--ranks", "4"])).code == 0)
    #expect(try aginet(training("part", 10, ["--ranks", "2"])).code == 0)
    #expect(try aginet(training("part", 20, ["--resume"])).code == 0)
    #expect(try difference("run", "part") < 1e-5)
    // The same number goes on exactly.
    #expect(try aginet(training("half", 10, ["--ranks", "4"])).code == 0)
    #expect(try aginet(training("half", 20, ["--ranks", "4", "--resume"])).code == 0)
    #expect(try digests("half") == digests("run"))
  }

  @Test func whatCannotBeSharedOutIsRefused() throws {
    let line = try aginet.fails(2, training("run", 4, ["--ranks", "3"]))
    #expect(line.contains("--batch 6"))
    let data = try aginet.fails(3, training("run", 4, ["--ranks", "2", "--data", "nowhere"]))
    #expect(data.contains("nowhere"))
    #expect(!scratch.files().contains { $0.hasSuffix(".safetensors") })
  }

  /// The words of the one that starts them reach all of them; on a CPU `--deterministic` changes no byte.
  @Test func whatIsAskedForIsAskedOfAll() throws {
    let (running, ranks) = try started("long", ["--deterministic"])
    for rank in ranks {
      let words = (contents(of: "/proc/\(rank)/cmdline") ?? Data()).split(separator: 0)
      #expect(words.contains(Data("--deterministic".utf8)), "\(rank)")
    }
    running.signal(SIGTERM)
    _ = running.wait()
    #expect(try aginet(training("one", 6, ["--ranks", "2"])).code == 0)
    #expect(try aginet(training("other", 6, ["--ranks", "2", "--deterministic"])).code == 0)
    #expect(try digests("one") == digests("other"))
  }

  // MARK: - Ends

  /// The processes that a running one has started, in the order of ranks.
  private func ranks(of running: Command.Running) -> [pid_t] {
    let parent = running.process.processIdentifier
    let text = contents(of: "/proc/\(parent)/task/\(parent)/children") ?? Data()
    return String(decoding: text, as: UTF8.self).split(separator: " ").compactMap { pid_t($0) }
  }

  private func started(_ run: String, _ more: [String] = []) throws -> (Command.Running, [pid_t]) {
    let running = try aginet.start(training(run, 100_000, ["--ranks", "2"] + more))
    let checkpoint = scratch("\(run)/checkpoints/last.safetensors")
    #expect(waits { FileManager.default.fileExists(atPath: checkpoint) || !running.process.isRunning })
    let ranks = ranks(of: running)
    #expect(ranks.count == 2)
    return (running, ranks)
  }

  private func isGone(_ process: pid_t) -> Bool { waits(upTo: 10_000) { kill(process, 0) != 0 } }

  @Test(arguments: zip([SIGTERM, SIGINT, SIGTERM], [-1, 0, 1])) func aSignalToOneSavesAndEndsAll(
    signal: Int32, rank: Int
  )
    throws
  {
    let (running, ranks) = try started("run")
    if rank < 0 { running.signal(signal) } else { kill(ranks[rank], signal) }
    let outcome = running.wait()
    #expect(outcome.code == 128 + signal, "\(outcome.messages)")
    #expect(outcome.lines.filter { $0.hasPrefix("aginet: ") }.count == 1, "\(outcome.messages)")
    #expect(outcome.lines.last?.contains("saved; continue with --resume") == true, "\(outcome.messages)")
    #expect(ranks.allSatisfy(isGone))
    // What one process makes of it is what two would have.
    let rows = rows("run")
    #expect(try aginet(training("run", rows + 3, ["--ranks", "2", "--resume"])).code == 0)
    #expect(try aginet(training("whole", rows + 3, ["--ranks", "2"])).code == 0)
    #expect(try digests("run").dropFirst() == digests("whole").dropFirst())
  }

  @Test(arguments: [0, 1]) func oneThatIsKilledEndsTheOthers(rank: Int) throws {
    let (running, ranks) = try started("run")
    kill(ranks[rank], SIGKILL)
    let outcome = running.wait()
    #expect(outcome.code == 1, "\(outcome.messages)")
    #expect(outcome.lines.filter { $0.hasPrefix("aginet: ") }.count == 1, "\(outcome.messages)")
    #expect(outcome.lines.last?.contains("rank \(rank) was ended by signal 9") == true, "\(outcome.messages)")
    #expect(ranks.allSatisfy(isGone))
    let file = try Safetensors(contentsOf: scratch("run/checkpoints/last.safetensors"))
    let iteration = try #require(Int(file.metadata["aginet.iteration"] ?? ""))
    #expect(try aginet(training("run", iteration + 5, ["--ranks", "2", "--resume"])).code == 0)
    #expect(try aginet(training("whole", iteration + 5, ["--ranks", "2"])).code == 0)
    #expect(try digests("run") == digests("whole"))
  }

  /// A process that is stopped closes nothing, and computes nothing.
  @Test(arguments: [0, 1]) func oneThatHangsEndsTheOthers(rank: Int) throws {
    let (running, ranks) = try started("run", ["--patience", "10"])
    kill(ranks[rank], SIGSTOP)
    let outcome = running.wait()
    #expect(outcome.code == 1, "\(outcome.messages)")
    #expect(outcome.lines.filter { $0.hasPrefix("aginet: ") }.count == 1, "\(outcome.messages)")
    #expect(
      outcome.lines.last?.contains("rank \(rank) has not been heard of for 10 seconds") == true,
      "\(outcome.messages)")
    #expect(ranks.allSatisfy(isGone))
    _ = try Safetensors(contentsOf: scratch("run/checkpoints/last.safetensors"))
  }

  @Test func numbersThatGoWrongEndAllWithOneLine() throws {
    let outcome = try aginet(training("run", 400, ["--ranks", "2", "--rate", "1e30"]))
    #expect(outcome.code == 10, "\(outcome.messages)")
    #expect(outcome.lines.filter { $0.hasPrefix("aginet: ") }.count == 1, "\(outcome.messages)")
    #expect(outcome.lines.last?.contains("aginet: iteration ") == true, "\(outcome.messages)")
  }

  /// Who is started by a process that is killed does not go on by itself.
  @Test func ranksEndWithTheOneThatStartedThem() throws {
    let (running, ranks) = try started("run")
    running.signal(SIGKILL)
    _ = running.wait()
    #expect(ranks.allSatisfy(isGone))
  }

  /// As under a launcher of a cluster's, which has started all of them anew so often: each is started by itself.
  private func launched(_ run: String, _ iterations: Int, attempt: Int = 0) throws -> [Command.Outcome] {
    let port = 20_000 + Int.random(in: 0..<10_000)
    let running = try (0..<2).map { rank in
      var command = aginet
      command.environment = [
        "RANK": "\(rank)", "LOCAL_RANK": "\(rank)", "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "\(port)", "TORCHELASTIC_RESTART_COUNT": "\(attempt)",
      ]
      return try command.start(training(run, iterations))
    }
    return running.map { $0.wait() }
  }

  @Test func underALauncherTheyMeet() throws {
    let outcomes = try launched("launched", 20)
    #expect(outcomes.allSatisfy { $0.code == 0 }, "\(outcomes)")
    #expect(outcomes[0].output == "launched/model.safetensors\n" && outcomes[1].output.isEmpty)
    #expect(outcomes[1].messages.isEmpty)
    #expect(try aginet(training("two", 20, ["--ranks", "2"])).code == 0)
    #expect(try digests("launched") == digests("two"))
  }

  /// A launcher says the same words again, and does not know whether there was a checkpoint yet.
  @Test func startedAnewTheyGoOn() throws {
    #expect(try launched("parts", 10).map(\.code) == [0, 0])
    #expect(
      try launched("parts", 20).map(\.code) == [6, 6], "a run is neither continued nor replaced unasked")
    let again = try launched("parts", 20, attempt: 1)
    #expect(again.map(\.code) == [0, 0], "\(again)")
    #expect(again[0].messages.contains("continuing at iteration 10"), "\(again[0].messages)")
    #expect(try launched("whole", 20, attempt: 1).map(\.code) == [0, 0], "nothing was there to go on with")
    #expect(try digests("parts") == digests("whole"))
    // One that was lost before it had learned anything is begun again.
    for file in ["model.safetensors", "checkpoints/last.safetensors"] {
      try FileManager.default.removeItem(atPath: scratch("parts/\(file)"))
    }
    #expect(try launched("parts", 20, attempt: 2).map(\.code) == [0, 0])
    #expect(try digests("parts") == digests("whole"))
  }

  /// Where models are looked at more often than checkpoints are due, who is lost in between goes on from the first look.
  @Test func whoIsLostBeforeTheFirstCheckpointGoesOn() throws {
    let more = ["--set", "validateEvery=3", "--set", "checkpointEvery=1000"]
    let running = try aginet.start(training("part", 100_000, more))
    #expect(waits { rows("part") > 12 })
    running.signal(SIGKILL)
    _ = running.wait()
    var restarted = aginet
    restarted.environment = ["TORCHELASTIC_RESTART_COUNT": "1"]
    let again = try restarted(training("part", 20, more))
    #expect(again.code == 0 && again.messages.contains("continuing at iteration 3"), "\(again.messages)")
    #expect(try aginet(training("whole", 20, more)).code == 0)
    #expect(try digests("part").dropLast() == digests("whole").dropLast())
  }

  /// Of a launcher that starts one process, which starts others.
  @Test func ranksOfOneThatIsStartedAnewGoOn() throws {
    #expect(try aginet(training("run", 10, ["--ranks", "2"])).code == 0)
    var restarted = aginet
    restarted.environment = ["RANK": "0", "WORLD_SIZE": "1", "TORCHELASTIC_RESTART_COUNT": "1"]
    let again = try restarted(training("run", 20, ["--ranks", "2"]))
    #expect(again.code == 0 && again.messages.contains("continuing at iteration 10"), "\(again.messages)")
  }

  /// What is there, two processes share; more than any computer of today has is asked for.
  @Test(.enabled(if: MemoryLimit.own.map { $0.bytes < 1 << 39 } ?? false))
  func processesOfOneComputerShareItsMemory() throws {
    let words = try training(
      "run", 4, ["--width", "1024", "--batch", "65536", "--ranks", "2", "--quiet"])
    let line = try aginet.fails(8, words)
    #expect(line.contains("shared by 2 processes"), "\(line)")
    #expect(!FileManager.default.fileExists(atPath: scratch("run")))
  }

  /// Without a parent that watches them, the one that is left says what it missed.
  @Test(arguments: [0, 1]) func underALauncherOneThatIsKilledEndsTheOther(rank: Int) throws {
    let port = 20_000 + Int.random(in: 0..<10_000)
    let running = try (0..<2).map { rank in
      var command = aginet
      command.environment = ["RANK": "\(rank)", "WORLD_SIZE": "2", "MASTER_PORT": "\(port)"]
      return try command.start(training("launched", 100_000))
    }
    #expect(waits { rows("launched") > 6 })
    running[rank].signal(SIGKILL)
    let outcome = running[1 - rank].wait()
    _ = running[rank].wait()
    #expect(outcome.code == 1)
    #expect(outcome.lines.last?.contains("ended without a word") == true, "\(outcome.messages)")
  }
}

import Files
import Foundation
import PipelineSupport
import Testing

/// Cores that the program takes, and how its threads wait, which it can only say by starting itself anew.
@Suite struct StartTests {
  private let scratch: Scratch

  init() throws { scratch = try Scratch() }

  /// The program with nothing in its environment that decides either, but what is given; after these words.
  private func aginet(_ environment: [String: String] = [:], after words: [String] = []) throws -> Command {
    var command = try Command(in: scratch.path)
    let names = [
      "OMP_NUM_THREADS", "OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "SLURM_CPUS_PER_TASK", "OMP_PROC_BIND",
      "OMP_PLACES", "GOMP_CPU_AFFINITY",
    ]
    command.prefix = ["/usr/bin/env"] + names.flatMap { ["-u", $0] }
    command.prefix += environment.map { "\($0)=\($1)" } + words
    return command
  }

  private func said(_ name: String, by command: Command) throws -> String? {
    let line = try command("doctor").output.split(separator: "\n").first { $0.hasPrefix("ok   \(name) ") }
    return line?.dropFirst(5 + name.count).trimmingCharacters(in: .whitespaces)
  }

  @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/taskset")))
  func theCoresItIsBoundToAreItsOwn() throws {
    let status = String(decoding: contents(of: "/proc/self/status") ?? Data(), as: UTF8.self)
    let list = status.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed_list:") }
    let first = try #require(list?.drop { !$0.isNumber }.prefix { $0.isNumber })
    let words = ["/usr/bin/taskset", "-c", String(first)]
    let expected = CoreLimit.own.count > 1 ? "1 of 1 core (the process's affinity)" : "1 of 1 core ("
    #expect(try said("threads", by: aginet(after: words))?.hasPrefix(expected) == true)
  }

  @Test(.enabled(if: CoreLimit.own.count > 1)) func slurmsTaskIsItsOwnAndThePersonsWordComesFirst() throws {
    let task = ["SLURM_CPUS_PER_TASK": "1"]
    #expect(try said("threads", by: aginet(task)) == "1 of 1 core (SLURM_CPUS_PER_TASK)")
    #expect(
      try said("threads", by: aginet(task.merging(["OMP_NUM_THREADS": "2"]) { $1 }))
        == "2, by OMP_NUM_THREADS, of 1 core (SLURM_CPUS_PER_TASK)")
    #expect(
      try said("threads", by: aginet())
        == "\(CoreLimit.own.count) of \(CoreLimit.own.count) cores (\(CoreLimit.own.origin))")
  }

  /// What GNU's OpenMP says of itself when it is loaded; a program that began twice would show it twice.
  @Test func threadsThatWaitSleepSoon() throws {
    let outcome = try aginet(["OMP_DISPLAY_ENV": "verbose"])("--version")
    #expect(outcome.code == 0 && outcome.output == "\(Version.current)\n")
    let lines = outcome.lines.map { $0.trimmingCharacters(in: .whitespaces) }
    #expect(lines.filter { $0.contains("OMP_WAIT_POLICY") } == ["OMP_WAIT_POLICY = 'PASSIVE'"])
    #expect(lines.filter { $0.contains("GOMP_SPINCOUNT") } == ["GOMP_SPINCOUNT = '3000'"])
    #expect(try said("waiting", by: aginet()) == "OMP_WAIT_POLICY=passive GOMP_SPINCOUNT=3000")
  }

  @Test(arguments: ["OMP_WAIT_POLICY=active", "GOMP_SPINCOUNT=70", "OMP_WAIT_POLICY="])
  func thePersonsOwnWordIsLeft(word: String) throws {
    #expect(try said("waiting", by: aginet(after: ["/usr/bin/env", word])) == word)
  }

  @Test func itsArgumentsAndCodesAreThePersons() throws {
    let name = "no 'such\" $file -é"
    let outcome = try aginet()("info", name)
    #expect(outcome.code == 3 && outcome.messages.contains("no 'such\" $file"), "\(outcome.messages)")
    #expect(try aginet()("info").code == 2)
    #expect(try aginet()("info", "").code != 0)
    // By a link of another name, and from a folder that is searched.
    try FileManager.default.createSymbolicLink(
      atPath: scratch("other name"), withDestinationPath: Command.program)
    let words = ["/bin/sh", "-c", "PATH=\"$PWD:$PATH\"; 'other name' --version", "sh"]
    let byLink = try aginet(after: words)("ignored")
    #expect(byLink.code == 0 && byLink.output == "\(Version.current)\n")
  }

  @Test func itsNumberAndNameStayAndSignalsReachIt() throws {
    let training = try tinyTraining(100_000, checkpointEvery: 1000) + ["--data", Trained.cohort, "-o", "run"]
    let running = try aginet(["OMP_NUM_THREADS": "1"]).start(training)
    let log = scratch("run/log.csv")
    #expect(waits { (contents(of: log) ?? Data()).count { $0 == UInt8(ascii: "\n") } > 2 })
    let number = running.process.processIdentifier
    #expect(String(decoding: contents(of: "/proc/\(number)/comm") ?? Data(), as: UTF8.self) == "aginet\n")
    running.signal(SIGTERM)
    let outcome = running.wait()
    #expect(outcome.code == 143, "\(outcome.messages)")
    #expect(outcome.lines.last?.contains("saved; continue with --resume") == true, "\(outcome.messages)")
  }

  @Test func aHangUpThatIsIgnoredStaysSo() throws {
    let running = try aginet(["OMP_NUM_THREADS": "1"], after: ["/usr/bin/env", "nohup"]).start(
      tinyTraining(100_000, checkpointEvery: 1000) + ["--data", Trained.cohort, "-o", "run"])
    let log = scratch("run/log.csv")
    #expect(waits { (contents(of: log) ?? Data()).count { $0 == UInt8(ascii: "\n") } > 2 })
    let mask = String(
      decoding: contents(of: "/proc/\(running.process.processIdentifier)/status") ?? Data(), as: UTF8.self)
    let ignored = mask.split(separator: "\n").first { $0.hasPrefix("SigIgn:") }?.last?.hexDigitValue ?? 0
    #expect(ignored & (1 << (Int(SIGHUP) - 1)) != 0)
    running.signal(SIGTERM)
    #expect(running.wait().code == 143)
  }
}

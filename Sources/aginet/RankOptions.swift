import ArgumentParser
import CGuard
import Experiments
import Failures
import Files
import Foundation
import Imaging
import Torch

/// Flags of commands that several processes can share out.
struct RankOptions: ParsableArguments {
  @Option(
    help:
      "Processes on this machine that share the work out: every batch of a training, or people and subjects. Under torchrun, srun or mpirun leave it out: they say how many there are."
  )
  var ranks: Int?
  @Option(help: "With several processes: seconds without a sign of life after which one is given up.")
  var patience = 60

  /// Runs `body` on each of the processes: in this one, where it is one of them or alone, else in those that are started.
  /// - Parameter work: what they do, in words that no other work at the same time has.
  /// - Throws: what `body` throws, told of once by all of them together.
  func run(_ work: String, with compute: ComputeOptions, _ body: (ProcessGroup?) throws -> Void) throws {
    let (meeting, count) = try plan()
    if count > 1 { return try start(count, compute) }
    guard let meeting else { return try body(nil) }
    Companions.count = meeting.localSize
    Companions.areBoundTogether = LocalRanks.isOne(ProcessInfo.processInfo.environment)
    if !compute.tellsThreads { LibTorch.threads = Parallel.coreCount }
    let group = try ProcessGroup(joining: meeting, patience: Double(patience), work: work) {
      Console.note("note: rank \(meeting.rank): \($0)")
    }
    if !group.isFirst { Console.isQuiet = true }
    var code: Int32 = 0
    do {
      try body(group)
      // Who ends before rank 0 has written all would be taken for lost.
      try group.assemble()
    } catch {
      let (kind, message) = group.account(for: error)
      if let message { Console.error(message) }
      code = kind.rawValue
      group.leave()
    }
    // As `exit`, which would wait for threads that wait for ranks that are gone.
    guard_remove_all()
    fflush(nil)
    withExtendedLifetime(group) { _exit(code) }
  }

  /// Runs `body` for an estimate of what each of the processes takes: here and alone, with the cores and the memory of one of
  /// them. Of those that a launcher has started, rank 0 does so.
  /// - Parameter body: is told how many they are.
  func estimate(with compute: ComputeOptions, _ body: (Int) throws -> Void) throws {
    let (meeting, count) = try plan()
    guard meeting?.rank ?? 0 == 0 else { return }
    Companions.count = meeting?.localSize ?? count
    if !compute.tellsThreads {
      LibTorch.threads = meeting == nil ? max(1, LibTorch.threads / count) : Parallel.coreCount
    }
    try body(meeting?.size ?? count)
  }

  /// Where this process meets others that were started with it, and how many it is to start where there are none.
  private func plan() throws -> (meeting: Meeting?, count: Int) {
    let environment = ProcessInfo.processInfo.environment
    try check("patience", patience, 3...86_400)
    let (isStarted, meeting) = (LocalRanks.isOne(environment), try Meeting(environment))
    guard let ranks, !isStarted else { return (meeting, 1) }
    try check("ranks", ranks, 1...256)
    guard meeting == nil else {
      throw Failure(
        .usage, "--ranks \(ranks) starts processes, and a launcher has done so already; leave it out")
    }
    return (nil, ranks)
  }

  private func start(_ count: Int, _ compute: ComputeOptions) throws {
    Interruption.watch()
    let ranks = try LocalRanks(
      count, arguments: Array(CommandLine.arguments.dropFirst()),
      threads: compute.tellsThreads ? nil : max(1, LibTorch.threads / count))
    let code = try ranks.wait()
    if code != 0 { throw ExitCode(code) }
  }
}

extension ProcessGroup? {
  /// Whether this process writes and speaks: the first of several, or the only one.
  var isFirst: Bool { self?.isFirst ?? true }

  /// The text of rank 0, or of the only process.
  func shared(_ text: () throws -> String) throws -> String { try self?.shared(text) ?? text() }

  /// Has rank 0, or the only process, look to what is its own, such as the output, before anybody goes on.
  func asFirst(_ body: () throws -> Void) throws {
    _ = try shared {
      try body()
      return ""
    }
  }

  /// What all of them train: what rank 0 is told.
  func experiment(_ told: () throws -> Experiment) throws -> Experiment {
    guard let self else { return try told() }
    var own: Experiment?
    let json = try self.shared {
      let experiment = try told()
      own = experiment
      return try experiment.json
    }
    return try own ?? Experiment(json: json, origin: "rank 0's experiment")
  }
}

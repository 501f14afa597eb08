import Cohorts
import Failures
import Files
import Foundation
import Imaging
import Inference
import Layers
import Methods
import Torch

/// How the learning rate changes in the course of a run.
public enum Schedule: String, Choice {
  case constant
  /// Constant for the first half, then linearly down to 0, as pix2pix was trained.
  case linear
  /// Up by equal steps for 500 iterations, of short runs a twentieth, then down along half a cosine to 1/40.
  case cosine

  /// The factor on the learning rate for the iteration after `iteration`, of `total`.
  public func factor(after iteration: Int, of total: Int) -> Double {
    switch self {
    case .constant: 1
    case .linear: min(1, 2 * Double(total - iteration) / Double(total))
    case .cosine: Schedule.cosine(after: iteration, of: total)
    }
  }

  private static func cosine(after iteration: Int, of total: Int) -> Double {
    let (rise, last) = (min(500, total / 20), 1.0 / 40)
    guard iteration >= rise else { return Double(iteration + 1) / Double(rise) }
    let part = Double(iteration - rise) / Double(max(1, total - rise))
    return last + (1 - last) * (1 + cos(.pi * min(1, part))) / 2
  }
}

/// How long to train and how often to look up.
public struct Plan: Sendable {
  public var iterations: Int
  public var validateEvery: Int
  public var checkpointEvery: Int
  public var seed: UInt64
  public var schedule: Schedule

  public init(
    iterations: Int, validateEvery: Int, checkpointEvery: Int, seed: UInt64, schedule: Schedule = .constant
  ) {
    (self.iterations, self.validateEvery) = (iterations, validateEvery)
    (self.checkpointEvery, self.seed, self.schedule) = (checkpointEvery, seed, schedule)
  }
}

/// The training loop: batches in, better networks out, with everything on disk that continues it exactly.
///
/// A run that was stopped at any moment and resumed from its last checkpoint gives, on the CPU with the same number of
/// threads, the same bytes as one that never stopped: batches and random numbers are functions of the iteration, and the
/// checkpoint holds everything else.
public final class Trainer {
  private let method: any Method
  private let scenario: Scenario
  private let folder: RunFolder
  private let plan: Plan
  private let device: Device
  private let metadata: [String: String]
  private let group: ProcessGroup?
  private var state = Checkpoint()
  /// Whether the file of the best weights is gone, so that those which training goes on from are kept first of all. Rank 0's word,
  /// before `begin`.
  public var lacksModel = false
  /// Whether a batch is fetched and sent to the device while that computes the step before it. A CPU has done the step by then.
  package var fetchesAhead: Bool
  /// The batch that was fetched ahead; what went wrong with it counts when it is asked for.
  private var fetched: Result<Fetched, any Error>?
  private typealias Fetched = (batch: Batch, waited: Double)

  /// - Parameters:
  ///   - metadata: what every checkpoint says of itself, the experiment first of all.
  ///   - group: the processes that train together, each with a share of every batch; rank 0 judges and writes for all.
  public init(
    _ method: any Method, for scenario: Scenario, plan: Plan, folder: RunFolder, device: Device,
    metadata: [String: String], group: ProcessGroup? = nil
  ) {
    (self.method, self.scenario, self.plan) = (method, scenario, plan)
    (self.folder, self.device, self.metadata, self.group) = (folder, device, metadata, group)
    fetchesAhead = device != .cpu
  }

  private var isFirst: Bool { group?.isFirst ?? true }

  /// Iterations done.
  public var iteration: Int { state.iteration }
  /// The best validation so far, and when that was.
  public var best: (score: Score, iteration: Int)? {
    if let score = state.best, let iteration = state.bestIteration { (score, iteration) } else { nil }
  }

  /// Makes sure that a run's last checkpoint holds the networks that `build` makes, before memory is taken for them.
  /// - Throws: `.invalidModel` with what does not fit, and what `build` throws.
  public static func check(_ folder: RunFolder, fits build: () throws -> any Method) throws {
    guard folder.hasCheckpoint else { return }
    let file = try Safetensors(contentsOf: folder.last, verifying: false)
    try Parameters.outlining { try Checkpoint.check(file, fits: build()) }
  }

  /// Takes up a run where its last checkpoint left it.
  public func resume() throws {
    guard folder.hasCheckpoint else {
      throw Failure(
        .notFound,
        "\(folder.path): no checkpoint to resume (\(folder.last) is missing); start over with \(Term.overwrites)"
      )
    }
    state = try Checkpoint(Safetensors(contentsOf: folder.last), into: method)
    guard state.iteration <= plan.iterations else {
      throw Failure(
        .inconsistent,
        "\(folder.path): is at iteration \(state.iteration) already, past the \(plan.iterations) asked for")
    }
  }

  /// Has all ranks of the group begin where rank 0 does, which has resumed, or not.
  /// - Throws: `.unexpected` where a rank is lost.
  public func begin() throws {
    guard let group else { return }
    let numbers = group.broadcast([
      Double(state.iteration), state.owesValidation ? 1 : 0, lacksModel ? 1 : 0,
    ])
    (state.iteration, state.owesValidation) = (Int(numbers[0]), numbers[1] == 1)
    lacksModel = numbers[2] == 1
    group.broadcast(Checkpoint.tensors(of: method))
    try group.check()
  }

  /// How far the run in a folder has come, by its last checkpoint; nil where that says nothing.
  /// - Throws: `.notFound` where there is none, `.invalidModel` for one whose header is damaged: who goes on from it checks the
  ///   rest.
  public static func iteration(of folder: RunFolder) throws -> Int? {
    Checkpoint.iteration(of: try Safetensors(contentsOf: folder.last, verifying: false))
  }

  /// Trains to the plan's end, or until the delegate asks to stop, which saves first.
  /// - Parameters:
  ///   - stream: batches from iteration `iteration` on; of a group's, this rank's share of them.
  ///   - delegate: who looks at the networks and keeps the best ones; without one the latest are the best.
  /// - Throws: `.numerical` naming the iteration where a loss is not finite, the kind of failure that was asked for where
  ///   it was asked to stop, and whatever validation and writing throw.
  public func run(_ stream: any SampleSource, _ delegate: any TrainingDelegate = Unattended()) throws {
    let clock = ContinuousClock()
    try method.prepare()
    // What an optimiser was made with is the schedule's starting point.
    let optimizers = method.networks.compactMap(\.optimizer).map { ($0, $0.rate) }
    for (optimizer, _) in optimizers { optimizer.group = group }
    if isFirst { try RunFolder.make(folder.checkpoints) }
    if lacksModel { (state.best, state.bestIteration) = (nil, nil) }
    if state.owesValidation || lacksModel {
      // What was logged before is not logged again.
      try look(delegate, isNew: state.owesValidation)
      if isCheckpoint || lacksModel { try save(delegate) }
      lacksModel = false
    }
    while state.iteration < plan.iterations {
      let start = clock.now
      let (batch, waited) = try nextBatch(of: stream)
      let random = RandomStream(
        seed: mix(plan.seed, "iteration \(state.iteration)"), device: device, part: group?.rank ?? 0,
        of: group?.size ?? 1)
      let factor = plan.schedule.factor(after: state.iteration, of: plan.iterations)
      for (optimizer, rate) in optimizers { optimizer.rate = rate * factor }
      let pending = method.train(on: batch, random: random)
      state.iteration += 1
      if fetchesAhead, state.iteration < plan.iterations { fetched = Result { try fetch(stream) } }
      var losses = read(pending)
      var asked: Failure.Kind?
      if let group { (losses, asked) = try group.agreed(losses, stop: delegate.stop) }
      try refuseNaN(losses)
      if isFirst {
        try delegate.observe(
          .step(
            iteration: state.iteration, losses: losses, seconds: (clock.now - start).seconds, waited: waited))
      }

      let isLast = state.iteration == plan.iterations
      if isLast || state.iteration % plan.validateEvery == 0 { try look(delegate) }
      if let kind = group == nil ? delegate.stop : asked, !isLast { throw try stopped(kind, delegate) }
      if isCheckpoint { try save(delegate) }
    }
    try assemble()
  }

  private func nextBatch(of stream: any SampleSource) throws -> Fetched {
    defer { fetched = nil }
    return try fetched?.get() ?? fetch(stream)
  }

  private func fetch(_ stream: any SampleSource) throws -> Fetched {
    let (samples, waited) = try stream.next()
    return (Batch(samples, scenario, device: device, group: group), waited)
  }

  /// The losses as numbers. Where the device was still at work while the next batch was waited for, that wait has cost nothing.
  private func read(_ losses: [PendingLoss]) -> [Loss] {
    let start = ContinuousClock.now
    let values = losses.read()
    let isBusy = device != .cpu && (ContinuousClock.now - start).seconds > 1e-3
    if isBusy, case .success(let next)? = fetched { fetched = .success((next.batch, 0)) }
    return values
  }

  /// Returns when all ranks have come here, rank 0 from writing.
  private func assemble() throws {
    group?.wait()
    try group?.check()
  }

  private func stopped(_ kind: Failure.Kind, _ delegate: any TrainingDelegate) throws -> Failure {
    try save(delegate)
    try assemble()
    return Failure(
      kind, "stopped at iteration \(state.iteration), saved; continue with \(Term.resumes) on the same data")
  }

  private func look(_ delegate: any TrainingDelegate, isNew: Bool = true) throws {
    let score: Score?
    try group?.averageBuffers(of: method)
    do { score = try delegate.validate(iteration: state.iteration) } catch let failure as Failure
      where failure.isStop
    {
      // The resumed run validates first of all, and so does what this one would have done.
      state.owesValidation = true
      throw try stopped(failure.kind, delegate)
    } catch let failure as Failure where failure.kind == .numerical {
      throw Failure(.numerical, "iteration \(state.iteration): \(failure.message); \(kept)")
    }
    state.owesValidation = false
    guard isFirst else { return }
    // Where nothing tells, as without a held-out split, the latest weights are the best known.
    let isBest = score.map { $0.beats(state.best) } ?? (state.best == nil)
    if isBest {
      try refuseBrokenWeights()
      (state.best, state.bestIteration) = (score, state.iteration)
      try delegate.writeModel(iteration: state.iteration, score: score)
    }
    if isNew, let score {
      try delegate.observe(.validated(iteration: state.iteration, score: score, isBest: isBest))
    }
    // No model stands without a checkpoint for long: who is started anew before the next one goes on from here.
    if !folder.hasCheckpoint, !isCheckpoint {
      try delegate.observe(.saving(iteration: state.iteration))
      try state.write(method, metadata: metadata, to: folder.last)
    }
  }

  /// Whether this iteration ends with a checkpoint.
  private var isCheckpoint: Bool {
    state.iteration == plan.iterations || state.iteration % plan.checkpointEvery == 0
  }

  private func save(_ delegate: any TrainingDelegate) throws {
    try group?.averageBuffers(of: method)
    guard isFirst else { return }
    try refuseBrokenWeights()
    try delegate.observe(.saving(iteration: state.iteration))
    try state.write(method, metadata: metadata, to: folder.last)
    try delegate.observe(.saved(iteration: state.iteration, path: folder.last))
  }

  private func refuseNaN(_ losses: [Loss]) throws {
    guard let bad = losses.first(where: { !$0.value.isFinite }) else { return }
    throw Failure(.numerical, "iteration \(state.iteration): loss \(bad.name) is \(bad.value); \(kept)")
  }

  /// Losses are those before the step, so weights can be worse than the losses tell: no file may hold such.
  private func refuseBrokenWeights() throws {
    for network in method.networks {
      let saved = network.parameters.saved
      guard let place = Tensor.firstNotFinite(of: saved.map(\.tensor)) else { continue }
      throw Failure(
        .numerical,
        "iteration \(state.iteration): \(network.name).\(saved[place].name) is not finite; \(kept)")
    }
  }

  /// What a run that went wrong leaves, and what to try.
  private var kept: String {
    let remedy = "train anew with a lower learningRate"
    return folder.hasCheckpoint ? "the checkpoint before is kept; \(remedy)" : "no checkpoint yet; \(remedy)"
  }
}

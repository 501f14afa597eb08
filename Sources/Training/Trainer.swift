import Cohorts
import Failures
import Files
import Imaging
import Layers
import Methods
import Torch

/// How the learning rate changes in the course of a run.
public enum Schedule: String, Choice {
  case constant
  /// Constant for the first half, then linearly down to 0, as pix2pix was trained.
  case linear

  /// The factor on the learning rate for the iteration after `iteration`, of `total`.
  public func factor(after iteration: Int, of total: Int) -> Double {
    switch self {
    case .constant: 1
    case .linear: min(1, 2 * Double(total - iteration) / Double(total))
    }
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

/// What happens during training, for logs and progress bars.
public enum TrainingEvent: Sendable {
  /// Iteration `iteration` is done: its losses, and the seconds it took, of which waiting for data.
  case step(iteration: Int, losses: [Loss], seconds: Double, waited: Double)
  /// Mean PSNR in dB over the validation slices after `iteration`, and whether it is the best so far.
  case validated(iteration: Int, psnr: Double, isBest: Bool)
  /// A checkpoint is about to be written; whatever it counts on must reach the disk first.
  case saving(iteration: Int)
  case saved(iteration: Int, path: String)
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
  private var state = Checkpoint()

  /// Mean PSNR in dB over the held-out slices; nil where there are none. May take long, and then throws what
  /// `Interruption.requested` says.
  public var validate: () throws -> Double? = { nil }
  /// Writes the model file for the networks as they are now: (iteration, validation PSNR).
  public var writeModel: (Int, Double?) throws -> Void = { _, _ in }
  public var observe: (TrainingEvent) throws -> Void = { _ in }

  /// - Parameter metadata: what every checkpoint says of itself, the experiment first of all.
  public init(
    _ method: any Method, for scenario: Scenario, plan: Plan, folder: RunFolder, device: Device,
    metadata: [String: String]
  ) {
    (self.method, self.scenario, self.plan) = (method, scenario, plan)
    (self.folder, self.device) = (folder, device)
    self.metadata = metadata
  }

  /// Iterations done.
  public var iteration: Int { state.iteration }
  public var best: (psnr: Double, iteration: Int)? {
    if let psnr = state.bestPSNR, let iteration = state.bestIteration { (psnr, iteration) } else { nil }
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
        "\(folder.path): no checkpoint to resume (\(folder.last) is missing); start over with --force")
    }
    state = try Checkpoint(Safetensors(contentsOf: folder.last), into: method)
    guard state.iteration <= plan.iterations else {
      throw Failure(
        .inconsistent,
        "\(folder.path): is at iteration \(state.iteration) already, past the \(plan.iterations) asked for")
    }
  }

  /// Trains to the plan's end, or until a signal asks to stop, which saves first.
  /// - Parameter stream: batches from iteration `iteration` on.
  /// - Throws: `.numerical` naming the iteration where a loss is not finite, `.interrupted` or `.terminated` after a
  ///   signal, and whatever validation and writing throw.
  public func run(_ stream: SampleStream) throws {
    let clock = ContinuousClock()
    try method.prepare()
    // What an optimiser was made with is the schedule's starting point.
    let optimizers = method.networks.compactMap(\.optimizer).map { ($0, $0.rate) }
    try RunFolder.make(folder.checkpoints)
    if state.owesValidation {
      try look()
      let isLast = state.iteration == plan.iterations
      if isLast || state.iteration % plan.checkpointEvery == 0 { try save() }
    }
    while state.iteration < plan.iterations {
      let start = clock.now
      let (samples, waited) = try stream.next()
      let random = RandomStream(seed: mix(plan.seed, "iteration \(state.iteration)"), device: device)
      let factor = plan.schedule.factor(after: state.iteration, of: plan.iterations)
      for (optimizer, rate) in optimizers { optimizer.rate = rate * factor }
      let losses = method.step(Batch(samples, scenario, device: device), random: random)
      state.iteration += 1
      try refuseNaN(losses)
      try observe(
        .step(
          iteration: state.iteration, losses: losses, seconds: (clock.now - start).seconds, waited: waited))

      let isLast = state.iteration == plan.iterations
      if isLast || state.iteration % plan.validateEvery == 0 { try look() }
      if let signal = Interruption.requested, !isLast { throw try stopped(signal) }
      if isLast || state.iteration % plan.checkpointEvery == 0 { try save() }
    }
  }

  /// Saves, and says so.
  private func stopped(_ signal: Failure.Kind) throws -> Failure {
    try save()
    return Failure(signal, "stopped at iteration \(state.iteration), saved; continue with --resume")
  }

  private func look() throws {
    let psnr: Double?
    do { psnr = try validate() } catch let failure as Failure where failure.isStop {
      // The resumed run validates first of all, and so does what this one would have done.
      state.owesValidation = true
      throw try stopped(failure.kind)
    }
    state.owesValidation = false
    // Without a held-out split the latest weights are the best known.
    let isBest = psnr.map { $0 > state.bestPSNR ?? -.infinity } ?? true
    if isBest {
      try refuseBrokenWeights()
      state.bestPSNR = psnr
      state.bestIteration = state.iteration
      try state.write(method, optimizers: false, metadata: metadata, to: folder.best)
      try writeModel(state.iteration, psnr)
    }
    if let psnr { try observe(.validated(iteration: state.iteration, psnr: psnr, isBest: isBest)) }
  }

  private func save() throws {
    try refuseBrokenWeights()
    try observe(.saving(iteration: state.iteration))
    try state.write(method, optimizers: true, metadata: metadata, to: folder.last)
    try observe(.saved(iteration: state.iteration, path: folder.last))
  }

  private func refuseNaN(_ losses: [Loss]) throws {
    guard let bad = losses.first(where: { !$0.value.isFinite }) else { return }
    throw Failure(.numerical, "iteration \(state.iteration): loss \(bad.name) is \(bad.value); \(kept)")
  }

  /// Losses are those before the step, so weights can be worse than the losses tell: no file may hold such.
  private func refuseBrokenWeights() throws {
    for network in method.networks {
      for (name, tensor) in network.parameters.saved {
        // Nought times infinity, or times NaN, is NaN.
        let isFinite = withoutGradient { (tensor * 0).sum().item == 0 }
        if isFinite { continue }
        throw Failure(
          .numerical, "iteration \(state.iteration): \(network.name).\(name) is not finite; \(kept)")
      }
    }
  }

  /// What a run that went wrong leaves, and what to try.
  private var kept: String {
    let remedy = "train anew with a lower learningRate"
    return folder.hasCheckpoint ? "the checkpoint before is kept; \(remedy)" : "no checkpoint yet; \(remedy)"
  }
}

extension Batch {
  /// Plain numbers become tensors here, on the training thread: sources `[count, sources * depth] + extent`, the target (of
  /// a slab its middle plane) `[count, 1] + extent`.
  public init(_ samples: SampleBatch, _ scenario: Scenario, device: Device) {
    let (sizes, channels) = (samples.extent.sizes, scenario.sources.count * samples.depth)
    self.init(
      sources: Tensor(
        samples.stacked(scenario.sources), shape: [samples.count, channels] + sizes, device: device),
      target: Tensor(samples.target(scenario.target), shape: [samples.count, 1] + sizes, device: device))
  }
}

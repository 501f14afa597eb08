import Cohorts
import Experiments
import Failures
import Files
import Foundation
import Imaging
import Inference
import Layers
import Methods
import Metrics
import Torch
import Training

/// Slices of heads that are computed as they are needed, no two alike; networks are judged on others that are always the same.
final class ComputedHeads: TrainingMaterial {
  let fitted: Experiment
  private let anatomies: Anatomies
  private let judged: PhysicsSampler

  init(_ experiment: Experiment, _ anatomies: Anatomies) throws {
    (fitted, self.anatomies) = (experiment, anatomies)
    judged = try PhysicsSampler(
      anatomies, experiment.physics.options, modalities: experiment.scenario.modalities,
      extent: experiment.physics.extent, batchSize: experiment.batchSize,
      seed: mix(experiment.seed, "validation"))
  }

  /// Refuses what cannot be trained on computed heads.
  /// - Throws: `.usage` for an experiment of another kind, `.inconsistent` for slices that its networks cannot be trained on,
  ///   `.limit` where memory cannot do.
  static func check(_ experiment: Experiment, _ setting: Run.Setting) throws {
    guard experiment.region == .slice else {
      throw Failure(
        .usage,
        "heads are computed as slices, not as \(experiment.region.samples); use \(Term.region("slice"))")
    }
    guard experiment.regions == nil else {
      throw Failure(.usage, "method \(experiment.method) needs label maps, which computed heads come without")
    }
    guard experiment.shift == nil else {
      throw Failure(.usage, "perturbation.radius shifts scans; computed heads are shifted by physics.shift")
    }
    guard try !experiment.endsAtOne else {
      throw Failure(
        .usage,
        "computed heads have intensities above 1, which \(experiment.title) cannot make; choose a network of another kind, such as resunet"
      )
    }
    let extent = experiment.physics.extent
    try MethodCatalog.check(experiment, onSlices: extent)
    try experiment.checkMemory(onSlices: extent, trains: true, device: setting.device)
  }

  static let metric = Metric.overMean
  var metric: Metric { ComputedHeads.metric }
  var held: Int { batchCount * fitted.batchSize }
  let notes: [String] = []

  func stream(startingAt iteration: Int, threads: Int, part: Int, of parts: Int) throws -> any SampleSource {
    try PhysicsStream(
      anatomies, of: fitted, startingAt: iteration, threads: threads, part: part, of: parts)
  }

  private var batchCount: Int { (fitted.validationSlices + fitted.batchSize - 1) / fitted.batchSize }

  /// What is wanted of a batch: the place of its task, the channel of what that makes, and of each sample the voxels that count.
  private struct Question {
    let task: Int, channel: Int, targets: [Float], counted: [[Bool]]
  }

  /// The heads are computed anew each time: all of them in memory would be more than a network.
  func score(_ predictor: Predictor, group: ProcessGroup?, stop: @escaping () -> Failure.Kind?) throws
    -> Score?
  {
    let (scenario, made) = (fitted.scenario, fitted.scenario.made)
    let tasks = Task.all(of: scenario)
    var errors = tasks.map { _ in ErrorsOverMean() }
    func add(_ asked: Question, _ predictions: [Float]) {
      for (sample, counted) in asked.counted.enumerated() {
        errors[asked.task].add(
          predictions, asked.targets, image: sample * made.count + asked.channel, counting: counted)
      }
    }
    var rounds = PredictionRounds<Question>(predictor, group: group, stop: stop)
    for number in 0..<batchCount {
      let batch = judged.batch(number)
      let (targets, counted) = (batch.target(of: scenario), (0..<batch.count).map(batch.weighty))
      for (place, task) in tasks.enumerated() {
        guard let channel = made.firstIndex(of: task.wanted) else {
          preconditionFailure("no channel of a task")
        }
        let question = Question(task: place, channel: channel, targets: targets, counted: counted)
        try rounds.add(batch.keeping(Set(task.given)), question, each: add)
      }
    }
    try rounds.finish(each: add)
    return Score(metric.rawValue, errors.map(\.decibels).reduce(0, +) / Double(tasks.count))
  }

  func card(_ method: any Method, iteration: Int, score: Score?, samples: Int) -> ModelCard {
    var card = ModelCard(
      scenario: fitted.scenario, extent: fitted.physics.extent,
      intensity: ModelCard.foregroundWords,
      rule: .foreground, scales: [:], spacing: [1, 1, 1], sliceRule: "drawn anywhere",
      trainedOn: anatomies.words,
      iterations: iteration, score: score, parameters: method.generator.parameters.count,
      versions: ["aginet": Version.current, "libtorch": LibTorch.version])
    card.planes = fitted.physics.planes
    return card
  }
}

extension PhysicsSettings {
  /// The planes that heads are computed in; nil for axial ones alone.
  var planes: [HeadPlane]? { options.anatomy.otherPlanes > 0 ? HeadPlane.allCases : nil }
}

extension Anatomies {
  /// What is computed of them, for a card.
  var words: String {
    "heads computed by MR physics of \(names.count) label maps (\(names.joined(separator: ", "))) and "
      + "\(lesions.count) masks of lesions"
  }
}

extension PhysicsStream {
  /// What an experiment is trained on.
  convenience init(
    _ anatomies: Anatomies, of experiment: Experiment, startingAt iteration: Int, threads: Int, part: Int,
    of parts: Int
  ) throws {
    try self.init(
      anatomies, experiment.physics.options, modalities: experiment.scenario.modalities,
      extent: experiment.physics.extent, batchSize: experiment.batchSize, seed: experiment.seed,
      startingAt: iteration, threads: threads, part: part, of: parts)
  }
}

extension ComputedHeads {
  /// A contrast that is wanted of others.
  struct Task: Equatable {
    let given: [Modality], wanted: Modality

    /// What users ask most: those of a scenario's contrasts, or, where it has none of them, each contrast of all others.
    static func all(of scenario: Scenario) -> [Task] {
      if let wanted = scenario.target.modality { return [Task(given: scenario.sources, wanted: wanted)] }
      let known: [Task] = [
        Task(given: [.t1, .t2], wanted: .flair), Task(given: [.t1, .flair], wanted: .t2),
        Task(given: [.t2, .flair], wanted: .t1), Task(given: [.t1], wanted: .t2),
        Task(given: [.t2], wanted: .t1), Task(given: [.t1, .t2, .flair], wanted: .t1gd),
        Task(given: [.t1gd], wanted: .t1),
      ].filter { Set($0.given + [$0.wanted]).isSubset(of: scenario.sources) }
      guard known.isEmpty else { return known }
      return scenario.sources.map { wanted in
        Task(given: scenario.sources.filter { $0 != wanted }, wanted: wanted)
      }
    }
  }
}

extension SampleBatch {
  /// The least weight of tissue.
  private static let tissue: Float = 0.5

  /// Where errors of a sample count at least half as much as they do in a brain: with the usual weights (`PhysicsOptions`) all of
  /// a head and none of the air. Where training counts the rim of a brain or what lies outside it for less, validation leaves
  /// it out too, so that figures compare between runs of the same weights alone.
  fileprivate func weighty(_ sample: Int) -> [Bool] {
    guard let weights else { return Array(repeating: true, count: extent.count) }
    return weights[sample * extent.count..<(sample + 1) * extent.count].map { $0 >= Self.tissue }
  }
}

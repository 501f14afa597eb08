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
  /// Made when they are first needed.
  private lazy var batches = (0..<batchCount).map { judged.batch($0) }

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

  let metric = Metric.overMean
  var held: Int { batchCount * fitted.batchSize }
  let notes: [String] = []

  func stream(startingAt iteration: Int, threads: Int, part: Int, of parts: Int) throws -> any SampleSource {
    try PhysicsStream(
      anatomies, fitted.physics.options, modalities: fitted.scenario.modalities,
      extent: fitted.physics.extent, batchSize: fitted.batchSize, seed: fitted.seed, startingAt: iteration,
      threads: threads, part: part, of: parts)
  }

  private var batchCount: Int { (fitted.validationSlices + fitted.batchSize - 1) / fitted.batchSize }

  func score(_ predictor: Predictor, group: ProcessGroup?, stop: @escaping () -> Failure.Kind?) throws
    -> Score?
  {
    let (scenario, made) = (fitted.scenario, fitted.scenario.made)
    let figures = try Task.all(of: scenario).map { task in
      guard let place = made.firstIndex(of: task.wanted) else { preconditionFailure("no channel of a task") }
      var errors = ErrorsOverMean()
      func add(_ batch: SampleBatch, _ predictions: [Float]) {
        errors.add(predictions, batch.target(of: scenario), channel: place, of: made.count, batch)
      }
      var rounds = PredictionRounds<SampleBatch>(predictor, group: group, stop: stop)
      for batch in batches { try rounds.add(batch.keeping(Set(task.given)), batch, each: add) }
      try rounds.finish(each: add)
      return errors.decibels
    }
    return Score(metric.rawValue, figures.reduce(0, +) / Double(figures.count))
  }

  func card(_ method: any Method, iteration: Int, score: Score?, samples: Int) -> ModelCard {
    ModelCard(
      scenario: fitted.scenario, extent: fitted.physics.extent,
      intensity:
        "divided by the foreground's root mean square, which stands for \(ForegroundScale.level); "
        + "clipped to 0 and 4",
      rule: .foreground, scales: [:], spacing: [1, 1, 1], sliceRule: "drawn anywhere",
      trainedOn: "heads computed by MR physics of \(anatomies.names.count) label maps "
        + "(\(anatomies.names.joined(separator: ", "))) and \(anatomies.lesions.count) masks of lesions",
      iterations: iteration, score: score, parameters: method.generator.parameters.count,
      versions: ["aginet": Version.current, "libtorch": LibTorch.version])
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

/// How far an image's squared error is below the variance of what it should be, over all samples that are added.
struct ErrorsOverMean {
  private var variance = 0.0, error = 0.0

  /// - Parameters:
  ///   - predictions: `count x channels x extent`, as `targets`.
  ///   - batch: whose voxels count that weigh at least half.
  mutating func add(
    _ predictions: [Float], _ targets: [Float], channel: Int, of channels: Int, _ batch: SampleBatch
  ) {
    let size = batch.extent.count
    for sample in 0..<batch.count {
      let first = (sample * channels + channel) * size
      var (sum, squares, count) = (0.0, 0.0, 0.0)
      for voxel in 0..<size where (batch.weights?[sample * size + voxel] ?? 1) >= 0.5 {
        let wanted = Double(targets[first + voxel])
        let difference = Double(predictions[first + voxel]) - wanted
        (sum, squares, count) = (sum + wanted, squares + wanted * wanted, count + 1)
        error += difference * difference
      }
      if count > 0 { variance += squares - sum * sum / count }
    }
  }

  var decibels: Double { 10 * log10(variance / error) }
}

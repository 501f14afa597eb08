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
import Runs
import Torch
import Training

/// What one trained run scored on the test split, and what that cost.
public struct Measurement: Codable, Sendable {
  public var scores: Scores
  /// Trained scalars of the network that makes the images.
  public var parameters: Int
  /// For one slice, all steps of sampling included.
  public var multiplyAdds: Double
  /// Seconds that the method takes for a slice, without reading and scoring.
  public var seconds: Double
  /// How images were drawn, in words; nothing where they are made in one pass.
  public var drawing: String?
}

/// A result on disk that answers one question and no other.
private struct Kept<Value: Codable>: Codable {
  var question: String
  var value: Value
  /// SHA-256 of the value as it is encoded; 0.1.0 wrote none. A damaged file is computed anew, not believed.
  var digest: String?

  private static func digest(of value: Value) throws -> String {
    var hash = SHA256()
    Array(try value.json(pretty: false).utf8).withUnsafeBytes { hash.update($0) }
    return hash.hexadecimal()
  }

  /// The value in a file, where that answers the question; else what `make` gives, which is written there.
  static func value(at path: String, for question: String, make: () throws -> Value) throws -> Value {
    if let data = FileManager.default.contents(atPath: path),
      let kept = try? JSONDecoder().decode(Kept<Value>.self, from: data), kept.question == question,
      try kept.digest == nil || kept.digest == digest(of: kept.value)
    {
      return kept.value
    }
    let value = try make()
    let kept = Kept(question: question, value: value, digest: try digest(of: value))
    try RunFolder.make(Path.folder(path))
    try AtomicFile.write(try kept.json(pretty: false) + "\n", to: path)
    return value
  }
}

extension Reproduction {
  /// What distinguishes one look at the test split from another, for a file's name; without an experiment, the
  /// baselines' look.
  private func look(_ condition: Study.Condition, of experiment: Experiment? = nil) -> String {
    var words: [String?] = ["test", settings.slices.map { "\($0)" } ?? "all"]
    if let experiment, experiment.draws {
      let change = settings.sampling
      words += [
        change.steps.map { "steps\($0)" }, change.sampler?.rawValue, change.samples.map { "samples\($0)" },
        change.seed.map { "noise\($0)" },
      ]
    }
    if let shift = condition.shift { words += [shift.modality.rawValue, "shift\(shift.radius)"] }
    if let experiment, condition.scenario != experiment.scenario {
      words += condition.scenario.modalities.map(\.rawValue)
    }
    return words.compactMap { $0 }.joined(separator: "-")
  }

  /// The same and what else decides the answer.
  private func question(_ shift: Perturbation?, _ look: String) -> String {
    "cohort \(cohortDigest), \(look), shifts of seed \(shift?.seed ?? 0), SSIM "
      + Scorer().ssim.variant.rawValue
  }

  private func measurementFile(_ experiment: Experiment, _ condition: Study.Condition) throws -> String {
    "\(try runFolder(of: experiment).path)/evaluation/reproduction/\(look(condition, of: experiment)).json"
  }

  /// The scores of a finished run under a condition, measured now where they are not there.
  func measurement(of experiment: Experiment, under condition: Study.Condition) throws -> Measurement {
    let run = try Run(opening: runFolder(of: experiment).path)
    let hash = try SHA256.ofFile(run.folder.model).digest
    let question = question(condition.shift, look(condition, of: experiment))
    return try Kept.value(at: measurementFile(experiment, condition), for: "model \(hash), \(question)") {
      let model = try run.model(device: settings.device)
      // As far as its way of drawing allows: SelfRDB's bridge has the steps it was trained for.
      if let sampling = model.method.sampling {
        try sampling.change(sampling.admitted(of: settings.sampling))
      }
      let evaluator = try evaluator(condition.scenario, condition.shift, named: run.title)
      let predictor = try model.slicePredictor(
        of: cohort, for: condition.scenario, perturbation: condition.shift)
      let clock = ContinuousClock()
      var (seconds, operations) = (0.0, 0)
      func predict(_ batch: SampleBatch, passed: (Int, Int) throws -> Void) throws -> [Float] {
        let start = clock.now
        let (values, count) = try LibTorch.countingMultiplyAdds { try predictor(batch, passed: passed) }
        (seconds, operations) = (seconds + (clock.now - start).seconds, operations + count)
        return values
      }
      let scores = try evaluator.scores(named: run.title, in: .test, by: predict)
      let slices = Double(max(1, scores.slices.count))
      return Measurement(
        scores: scores, parameters: model.method.generator.parameters.count,
        multiplyAdds: Double(operations) / slices, seconds: seconds / slices,
        drawing: model.method.sampling?.description)
    }
  }

  /// The best single source as it is and the intensity look-up, fitted on images as they are.
  func baselines(for condition: Study.Condition) throws -> [Scores] {
    let scenario = condition.scenario
    let name = scenario.modalities.map(\.rawValue).joined(separator: "-")
    let look = look(condition)
    return try Kept.value(
      at: "\(folder)/baselines/\(name)-\(look).json", for: question(condition.shift, look)
    ) {
      try evaluator(scenario, condition.shift, named: "baselines, \(scenario)")
        .scores(of: Baselines(for: scenario, on: cohort), in: .test)
    }
  }

  /// An evaluator that tells what it does and stops where it is asked to.
  private func evaluator(_ scenario: Scenario, _ shift: Perturbation?, named name: String) throws -> Evaluator
  {
    var evaluator = try Evaluator(cohort, scenario: scenario)
    (evaluator.batchSize, evaluator.sliceLimit) = (settings.batchSize, settings.slices)
    evaluator.perturbation = shift
    let title = shift.map { "\(name), shifted \($0.radius)" } ?? name
    // Nothing is done yet, and the clock starts.
    let slices = try cohort.slices(in: .test).count
    try observe(.scoring(name: title, done: 0, of: min(slices, settings.slices ?? slices)))
    evaluator.progress = { done, total in
      if let kind = shouldStop() { throw Failure(kind, "stopped while scoring; the same command goes on") }
      try observe(.scoring(name: title, done: done, of: total))
    }
    return evaluator
  }

  /// Whether a study can be shown without computing more than a few images.
  public func isMeasured(_ study: Study) throws -> Bool {
    try study.rows.allSatisfy { row in
      try zip(row.experiments, study.conditions).allSatisfy { experiment, condition in
        try seeded(experiment).allSatisfy { seeded in
          switch try state(of: seeded) {
          case .failed: true
          case .missing, .begun: false
          case .finished: FileManager.default.fileExists(atPath: try measurementFile(seeded, condition))
          }
        }
      }
    }
  }

  /// Everything a study says, measuring what has not been measured yet. All that it needs must be trained.
  public func result(of admission: Admission) throws -> StudyResult {
    let study = admission.study
    var failures: [String] = []
    let measurements = try study.rows.map { row in
      try zip(row.experiments, study.conditions).map { experiment, condition in
        try seeded(experiment).compactMap { seeded in
          guard case .failed(let message) = try state(of: seeded) else {
            return try measurement(of: seeded, under: condition)
          }
          failures.append("\(row.title), seed \(seeded.seed): training failed (\(message))")
          return nil
        }
      }
    }
    failures = failures.unique
    let baselines = study.form == .table ? try study.conditions.map(baselines) : []
    let slices = cohort.subjects(in: .test).map(\.slices.count)
    return StudyResult(
      study: study, measurements: measurements, baselines: baselines,
      notes: admission.notes + failures, failures: failures, seeds: settings.seeds,
      slicesPerVolume: Double(slices.reduce(0, +)) / Double(max(1, slices.count)))
  }
}

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
  /// What the network was trained on, where patches may be smaller than was asked for; nothing in earlier files.
  public var region: Region?
  /// Trained scalars of the network that makes the images.
  public var parameters: Int
  /// For one slice, slab or patch, all steps of sampling included.
  public var multiplyAdds: Double
  /// Seconds that the method takes for a slice, without reading and scoring.
  public var seconds: Double
  /// For a subject's whole volume, where it computes that by patches; else nothing.
  public var secondsPerVolume: Double?
  /// The most bytes that the process held while it synthesised, above what it held before the network was loaded; nothing where
  /// that is not measured.
  public var peakMemory: Int?
  /// The device and threads that seconds and memory are of: `cpu, threads: 4`; nothing in earlier files.
  public var machine: String?
  /// How images were drawn, in words; nothing where they are made in one pass.
  public var drawing: String?
}

extension Reproduction {
  /// What distinguishes one look at the test split from another, for a file's name; without an experiment, the
  /// baselines' look.
  func look(_ condition: Study.Condition, of experiment: Experiment? = nil) -> String {
    var words: [String?] = ["test"]
    words +=
      condition.isWhole ? ["subjects", subjectLimit.map(String.init)] : [settings.slices.map(String.init)]
    if settings.slices == nil { words.append("all") }
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
  func question(_ shift: Perturbation?, _ look: String) -> String {
    "cohort \(cohortDigest), \(look), shifts of seed \(shift?.seed ?? 0), SSIM "
      + Scorer().ssim.variant.rawValue
  }

  private func measurementFile(_ experiment: Experiment, _ condition: Study.Condition) throws -> String {
    "\(try runFolder(of: experiment).path)/evaluation/reproduction/\(look(condition, of: experiment)).json"
  }

  private var machine: String { "\(settings.device), threads: \(settings.threads)" }

  /// The scores of a finished run under a condition, measured now where they are not there.
  /// - Parameter asHeld: whether what whole volumes cost may have been measured on another device, or with other threads.
  func measurement(
    of experiment: Experiment, under condition: Study.Condition, asHeld: Bool = false
  ) throws -> Measurement {
    let run = try Run(opening: runFolder(of: experiment).path)
    let hash = try SHA256.ofFile(run.folder.model).digest
    let question = question(condition.shift, look(condition, of: experiment))
    return try Kept.value(
      at: measurementFile(experiment, condition), for: "model \(hash), \(question)",
      detail: condition.isWhole ? ", on \(machine)" : "", takesAny: asHeld
    ) {
      let isTold = PeakMemory.reset()
      let held = PeakMemory.current
      let model = try run.model(device: settings.device)
      // As far as its way of drawing allows: SelfRDB's bridge has the steps it was trained for.
      if let sampling = model.method.sampling {
        try sampling.change(sampling.admitted(of: settings.sampling))
      }
      let evaluator = try evaluator(condition, named: run.title)
      let watch = try Stopwatch(
        model, model.slicePredictor(of: cohort, for: condition.scenario, perturbation: condition.shift),
        memory: isTold && condition.isWhole && settings.device == .cpu ? held : nil)
      let scores = try evaluator.scores(named: run.title, in: .test, by: watch.predict)
      return watch.measurement(of: scores, on: machine)
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
      try evaluator(condition, named: "baselines, \(scenario)")
        .scores(of: Baselines(for: scenario, on: cohort), in: .test)
    }
  }

  /// An evaluator that tells what it does and stops where it is asked to.
  private func evaluator(_ condition: Study.Condition, named name: String) throws -> Evaluator {
    var evaluator = try Evaluator(cohort, scenario: condition.scenario)
    (evaluator.batchSize, evaluator.perturbation) = (settings.batchSize, condition.shift)
    if condition.isWhole {
      evaluator.subjectLimit = subjectLimit
    } else {
      evaluator.sliceLimit = settings.slices
    }
    let title = condition.shift.map { "\(name), shifted \($0.radius)" } ?? name
    // Nothing is done yet, and the clock starts.
    try observe(.scoring(name: title, done: 0, of: evaluator.slices(in: .test).count))
    evaluator.progress = { done, total in
      try goOn()
      try observe(.scoring(name: title, done: done, of: total))
    }
    return evaluator
  }

  /// Ends the work where that is asked for.
  func goOn() throws {
    if let kind = shouldStop() {
      throw Failure(kind, "stopped while scoring; the same command goes on with this row, from its beginning")
    }
  }

  /// Slices of a test subject, on average.
  var slicesPerVolume: Double {
    let slices = cohort.subjects(in: .test).map(\.slices.count)
    return Double(slices.reduce(0, +)) / Double(max(1, slices.count))
  }

  /// Most subjects to score whole: those with about as many slices as are wanted.
  var subjectLimit: Int? {
    settings.slices.map { max(1, Int((Double($0) / max(1, slicesPerVolume)).rounded())) }
  }

  /// Whether a study can be shown without computing more than a few images.
  public func isMeasured(_ study: Study) throws -> Bool {
    if let segmentation = study.segmentation { return try isMeasured(study, by: segmentation) }
    return try study.rows.allSatisfy { row in
      try zip(row.experiments, study.conditions).allSatisfy { experiment, condition in
        try seeded(experiment).allSatisfy { seeded in
          try isThere([seeded]) { try measurementFile(seeded, condition) }
        }
      }
    }
  }

  /// What some run in this folder was trained on, as it was asked for, each once and in one order.
  public var heldRegions: [Region] {
    let runs = (try? FileManager.default.contentsOfDirectory(atPath: "\(folder)/runs")) ?? []
    return runs.sorted().compactMap { try? Run(opening: "\(folder)/runs/\($0)").experiment.region }.unique
  }

  /// Whether a file of what was measured of these runs is there, or never will be, as one of them failed.
  func isThere(_ experiments: [Experiment], _ file: () throws -> String) throws -> Bool {
    let states = try experiments.map(state)
    if states.contains(where: { if case .failed = $0 { true } else { false } }) { return true }
    return try states.allSatisfy { $0 == .finished } && FileManager.default.fileExists(atPath: file())
  }

  /// Everything a study says, measuring what has not been measured yet. All that it needs must be trained.
  /// - Parameter asHeld: whether seconds and memory may be those of another device or number of threads, where they were measured
  ///   there.
  public func result(of admission: Admission, asHeld: Bool = false) throws -> StudyResult {
    let study = admission.study
    if let segmentation = study.segmentation { return try result(of: admission, by: segmentation) }
    var failures: [String] = []
    let measurements = try study.rows.map { row in
      try zip(row.experiments, study.conditions).map { experiment, condition in
        try seeded(experiment).compactMap { seeded in
          guard let failure = try failure(of: seeded, in: row.title) else {
            return try measurement(of: seeded, under: condition, asHeld: asHeld)
          }
          failures.append(failure)
          return nil
        }
      }
    }
    let isTable = study.form == .table || study.form == .volumes
    return StudyResult(
      study: study, measurements: measurements, baselines: isTable ? try study.conditions.map(baselines) : [],
      leftOut: admission.notes, failures: failures.unique, seeds: settings.seeds,
      slicesPerVolume: slicesPerVolume)
  }

  /// That a run's training failed, in a sentence; nil where it did not.
  func failure(of experiment: Experiment, in row: String) throws -> String? {
    guard case .failed(let message) = try state(of: experiment) else { return nil }
    return "\(row), seed \(experiment.seed): training failed (\(message))"
  }
}

/// Counts what a network costs while it is scored.
private final class Stopwatch {
  private let model: TrainedModel
  private let predictor: SlicePredictor
  /// Bytes that were held before the network was loaded; nil where memory is not measured.
  private let held: Int?
  private var seconds = 0.0, operations = 0, passes = 0, volumes = 0
  private var peak: Int?
  private var subject: String?

  init(_ model: TrainedModel, _ predictor: SlicePredictor, memory held: Int?) {
    (self.model, self.predictor, self.held) = (model, predictor, held)
  }

  func predict(_ batch: SampleBatch, passed: (Int, Int) throws -> Void) throws -> [Float] {
    // Once a subject: what scoring needs is not the network's, and memory that was given back takes time to have again.
    // Where the peak cannot begin anew, it is another work's.
    let isWatched = held != nil && batch.references[0].subject != subject && PeakMemory.reset()
    subject = batch.references[0].subject
    let clock = ContinuousClock()
    let start = clock.now
    let (values, count) = try LibTorch.countingMultiplyAdds {
      try predictor(batch) { done, total in
        if done == total { (passes, volumes) = (passes + total, volumes + 1) }
        try passed(done, total)
      }
    }
    (seconds, operations) = (seconds + (clock.now - start).seconds, operations + count)
    if isWatched, let held, let bytes = PeakMemory.bytes { peak = max(peak ?? 0, bytes - held) }
    return values
  }

  func measurement(of scores: Scores, on machine: String) -> Measurement {
    let (slices, sampling) = (Double(max(1, scores.slices.count)), model.method.sampling)
    // By patches, volumes are computed whole whatever is scored of them.
    let isByPatches = model.card.region.dimensions == 3
    let samples = isByPatches ? Double(max(1, passes)) / Double(sampling?.passes ?? 1) : slices
    return Measurement(
      scores: scores, region: model.card.region, parameters: model.method.generator.parameters.count,
      multiplyAdds: Double(operations) / samples, seconds: seconds / slices,
      secondsPerVolume: isByPatches ? seconds / Double(max(1, volumes)) : nil, peakMemory: peak,
      machine: machine, drawing: sampling?.description)
  }
}

import Cohorts
import Experiments
import Failures
import Imaging
import Inference
import Methods
import Metrics
import Torch
import Training

/// What a run is trained on.
public enum TrainingData {
  /// Scans of people.
  case cohort(PreparedCohort)
  /// Heads that are computed of these anatomies, without end.
  case anatomies(Anatomies)
  /// Scans of people, and a share of the batches computed heads (`PhysicsSettings.share`).
  case mixed(PreparedCohort, Anatomies)

  /// Whose scans it has.
  var cohort: PreparedCohort? {
    switch self {
    case .cohort(let cohort), .mixed(let cohort, _): cohort
    case .anatomies: nil
    }
  }

  var anatomies: Anatomies? {
    switch self {
    case .anatomies(let anatomies), .mixed(_, let anatomies): anatomies
    case .cohort: nil
    }
  }

  /// What a checkpoint names it by.
  var digest: String {
    get throws {
      try [cohort.map { try Run.digest(of: $0) }, anatomies?.digest].compactMap { $0 }.joined(separator: "+")
    }
  }

  /// What a message says a run was trained on that was trained on something else, and what to do instead.
  /// - Parameter before: what its folder says of that.
  func others(_ before: TrainedOn?) -> String {
    let known = before.map { ($0.hasScans, $0.isComputed) } ?? (true, false)
    let kinds = ["a prepared cohort", "heads computed of anatomies"]
    func words(_ kind: (scans: Bool, heads: Bool)) -> String {
      [kind.scans ? kinds[0] : nil, kind.heads ? kinds[1] : nil].compactMap { $0 }.joined(separator: " and ")
    }
    let mine = (cohort != nil, anatomies != nil)
    guard known == mine else { return "\(words(known)), not on \(words(mine)); name what it was trained on" }
    switch self {
    case .cohort(let cohort): return "another prepared cohort than \(cohort.folder); name that one"
    case .anatomies: return "others than these anatomies; name those"
    case .mixed(let cohort, _):
      return "another prepared cohort than \(cohort.folder) or others than these anatomies; name those"
    }
  }

  /// Refuses an experiment that cannot be trained on it, before anything is made.
  func check(_ experiment: Experiment, _ setting: Run.Setting) throws {
    if case .mixed = self { try checkMixing(experiment) }
    if let cohort { try Run.check(experiment, on: cohort, setting, besideHeads: anatomies != nil) }
    if anatomies != nil { try ComputedHeads.check(experiment, setting) }
  }

  private func checkMixing(_ experiment: Experiment) throws {
    guard experiment.completes else {
      throw Failure(
        .usage,
        "\(experiment.title) is trained on scans or on computed heads; only what makes whatever is missing, as method "
          + "\(Unified.name), is trained on both: name one of the two"
      )
    }
    guard experiment.rule == .foreground else {
      throw Failure(
        .usage,
        "computed heads lie on the scale of the foreground, and the cohort's images are to be scaled by a percentile; use "
          + "\(Term.setting("\(Unified.name).intensity", IntensityRule.foreground.rawValue))")
    }
  }

  func material(_ experiment: Experiment) throws -> any TrainingMaterial {
    switch self {
    case .cohort(let cohort): try CohortMaterial(experiment, cohort)
    case .anatomies(let anatomies): try ComputedHeads(experiment, anatomies)
    case .mixed(let cohort, let anatomies): try CohortMaterial(experiment, cohort, beside: anatomies)
    }
  }

  /// What a run's folder is to know again: scans, and the names of anatomies.
  var trainedOn: TrainedOn {
    var trainedOn = cohort.map { TrainedOn($0) } ?? TrainedOn()
    trainedOn.anatomies = anatomies?.names
    return trainedOn
  }
}

/// What a session trains and judges its networks on.
protocol TrainingMaterial: AnyObject {
  /// The experiment as it is trained: patches may be smaller than was asked for.
  var fitted: Experiment { get }
  /// By what the best networks are chosen.
  var metric: Metric { get }
  /// Samples that they are judged on.
  var held: Int { get }
  /// What the user should know beforehand.
  var notes: [String] { get }
  /// - Parameter part: which of the equal parts of every batch, of how many.
  func stream(startingAt iteration: Int, threads: Int, part: Int, of parts: Int) throws -> any SampleSource
  /// How good the networks are now; nil where there is nothing to judge them by.
  /// - Parameters:
  ///   - group: the ranks that share out the work; all of them get the score.
  ///   - stop: asked after each pass through the network; where it says a kind of failure, the judgement ends with that.
  func score(_ predictor: Predictor, group: ProcessGroup?, stop: @escaping () -> Failure.Kind?) throws
    -> Score?
  /// - Parameter samples: of an epoch.
  func card(_ method: any Method, iteration: Int, score: Score?, samples: Int) throws -> ModelCard
}

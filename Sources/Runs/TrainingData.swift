import Cohorts
import Experiments
import Failures
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

  /// What a checkpoint names it by.
  var digest: String {
    get throws {
      switch self {
      case .cohort(let cohort): try Run.digest(of: cohort)
      case .anatomies(let anatomies): anatomies.digest
      }
    }
  }

  /// What a message calls all that it is not, and what to do instead.
  var others: String {
    switch self {
    case .cohort(let cohort): "another prepared cohort than \(cohort.folder); name that one"
    case .anatomies: "others than these anatomies; name those"
    }
  }

  /// Refuses an experiment that cannot be trained on it, before anything is made.
  func check(_ experiment: Experiment, _ setting: Run.Setting) throws {
    switch self {
    case .cohort(let cohort): try Run.check(experiment, on: cohort, setting)
    case .anatomies: try ComputedHeads.check(experiment, setting)
    }
  }

  func material(_ experiment: Experiment) throws -> any TrainingMaterial {
    switch self {
    case .cohort(let cohort): try CohortMaterial(experiment, cohort)
    case .anatomies(let anatomies): try ComputedHeads(experiment, anatomies)
    }
  }

  /// The scans that a run's folder is to know again.
  var trainedOn: TrainedOn {
    switch self {
    case .cohort(let cohort): TrainedOn(cohort)
    case .anatomies: TrainedOn()
    }
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
  func card(_ method: any Method, iteration: Int, score: Score?, samples: Int) -> ModelCard
}

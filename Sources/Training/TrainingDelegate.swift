import Failures
import Inference
import Methods

/// What happens during training, for logs and progress bars.
public enum TrainingEvent: Sendable {
  /// Before the first step: parameters by network, samples to train on and to validate on, iterations done before.
  case started(networks: [(name: String, parameters: Int)], training: Int, validation: Int, from: Int)
  /// Iteration `iteration` is done: its losses, and the seconds it took, of which waiting for data.
  case step(iteration: Int, losses: [Loss], seconds: Double, waited: Double)
  /// The score of the held-out samples after `iteration`, and whether it is the best so far.
  case validated(iteration: Int, score: Score, isBest: Bool)
  /// A checkpoint is about to be written; whatever it counts on must reach the disk first.
  case saving(iteration: Int)
  case saved(iteration: Int, path: String)
  /// What training brought over the model that it started from: how good each one's file is at validation.
  case compared([(weights: String, file: String, score: Score)])
  /// What the user should know, in a sentence.
  case note(String)
  /// The run is over; share of the time that training waited for data.
  case finished(seconds: Double, waitedShare: Double, best: Score?)
}

/// Who looks after a training run: judges the networks, keeps the best ones, and may end it.
public protocol TrainingDelegate {
  /// How good the networks are now, asked of all ranks together where there are several; nil where there is nothing to judge them by. May take long, and may throw what `stop`
  /// says meanwhile: the run is then saved, and validates first of all when it is resumed.
  func validate(iteration: Int) throws -> Score?
  /// Keeps the networks, which are the best so far.
  func writeModel(iteration: Int, score: Score?) throws
  func observe(_ event: TrainingEvent) throws
  /// Why the run is to save and end now, or nil while it is not; asked after each step.
  var stop: Failure.Kind? { get }
}

extension TrainingDelegate {
  public func validate(iteration: Int) throws -> Score? { nil }
  public func writeModel(iteration: Int, score: Score?) throws {}
  public func observe(_ event: TrainingEvent) throws {}
  public var stop: Failure.Kind? { nil }
}

/// Looks after nothing: the run goes to its plan's end.
public struct Unattended: TrainingDelegate {
  public init() {}
}

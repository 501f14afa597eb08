import CGuard
import Failures
import Foundation

/// Signals as a request: what works finishes its step, saves, and then stops.
///
/// SIGINT, SIGTERM and SIGHUP are taken so, and what batch systems send when the time is nearly up: SIGUSR1, SIGUSR2 and
/// SIGXCPU. A SIGHUP that is ignored when the program starts, as under `nohup`, stays so.
enum Interruption {
  /// Takes over the signals. A second one ends the program at once, for people in a hurry.
  static func watch() { guard_watch() }

  /// Lets signals end the program again, when what must be saved is saved.
  /// - Parameter words: what became of the work.
  /// - Throws: `.interrupted` and its kind where one has come meanwhile.
  static func release(_ words: String = "stopped; what was trained is saved") throws {
    guard_unwatch()
    if let signal = requested { throw Failure(signal, words) }
  }

  /// What stopped the program, or nil while nothing has.
  static var requested: Failure.Kind? {
    switch guard_requested() {
    case 0: nil
    case SIGINT: .interrupted
    case SIGHUP: .hungUp
    default: .terminated
    }
  }
}

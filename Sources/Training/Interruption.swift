import Failures
import Foundation
import Synchronization

/// SIGINT and SIGTERM as a request: the training loop finishes its step, saves, and then stops.
public enum Interruption {
  private static let signal = Atomic<Int32>(0)

  /// Takes over both signals. A second one of the same kind kills at once, for people in a hurry.
  public static func watch() {
    // A program that starts this one from a thread with blocked signals hands the block down.
    var numbers = sigset_t()
    sigemptyset(&numbers)
    for number in [SIGINT, SIGTERM] { sigaddset(&numbers, number) }
    pthread_sigmask(SIG_UNBLOCK, &numbers, nil)
    for number in [SIGINT, SIGTERM] {
      Foundation.signal(number) { received in
        Interruption.signal.store(received, ordering: .relaxed)
        Foundation.signal(received, SIG_DFL)
      }
    }
  }

  /// What stopped the program, or nil while nothing has.
  public static var requested: Failure.Kind? {
    switch signal.load(ordering: .relaxed) {
    case SIGINT: .interrupted
    case SIGTERM: .terminated
    default: nil
    }
  }
}

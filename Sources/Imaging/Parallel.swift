import Dispatch
import Foundation
import Synchronization

/// Work on plain numbers spread over threads. The result must not depend on how many there are.
public enum Parallel {
  /// Processor cores this process may use.
  public static var coreCount: Int { max(1, ProcessInfo.processInfo.activeProcessorCount) }

  /// Calls `body` once for each index in 0 ..< count, on up to `threads` threads, and returns when all are done.
  ///
  /// Thread t takes the indices t, t + threads, …; `body` must write only where no other index writes. A thread
  /// stops at its first error; of those, the error of the lowest index is rethrown after all have ended.
  public static func forEach<E: Error>(
    count: Int, threads: Int = coreCount, _ body: @Sendable (Int) throws(E) -> Void
  ) throws(E) {
    let threads = min(max(1, threads), count)
    if threads <= 1 {
      for index in 0..<max(0, count) { try body(index) }
      return
    }
    let first = FirstError<E>()
    DispatchQueue.concurrentPerform(iterations: threads) { thread in
      var index = thread
      while index < count {
        do throws(E) { try body(index) } catch {
          first.keep(error, index)
          return
        }
        index += threads
      }
    }
    if let error = first.error { throw error }
  }

  private final class FirstError<E: Error>: Sendable {
    private let slot = Mutex<(index: Int, error: E)?>(nil)

    var error: E? { slot.withLock { $0?.error } }

    func keep(_ error: E, _ index: Int) {
      slot.withLock { if $0.map({ index < $0.index }) ?? true { $0 = (index, error) } }
    }
  }
}

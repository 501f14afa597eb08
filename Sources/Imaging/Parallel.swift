import Dispatch
import Files
import Synchronization

/// Work on plain numbers spread over threads. The result must not depend on how many there are.
public enum Parallel {
  /// Processor cores this process may use, beside its companions.
  public static var coreCount: Int {
    CoreLimit.own.share(of: Companions.count, boundTogether: Companions.areBoundTogether)
  }

  /// Calls `body` once for each index in 0 ..< count, on up to `threads` threads, and returns when all are done.
  ///
  /// Thread t takes the indices t, t + threads, …; `body` must write only where no other index writes. What comes after
  /// an error is not begun; the error of the lowest index is rethrown after all have ended.
  public static func forEach<E: Error>(
    count: Int, threads: Int = coreCount, _ body: @Sendable (Int) throws(E) -> Void
  ) throws(E) {
    let threads = min(max(1, threads), count)
    if threads <= 1 {
      for index in 0..<max(0, count) { try body(index) }
      return
    }
    // Where the first error lies; without one, the number of indices.
    let first = Mutex<(index: Int, error: E?)>((count, nil))
    DispatchQueue.concurrentPerform(iterations: threads) { thread in
      var index = thread
      while index < first.withLock({ $0.index }) {
        do throws(E) { try body(index) } catch {
          first.withLock { if index < $0.index { $0 = (index, error) } }
          return
        }
        index += threads
      }
    }
    if let error = first.withLock({ $0.error }) { throw error }
  }

  /// What `body` gives for each index in 0 ..< count, in their order; threads and errors as in `forEach`.
  public static func map<Value: Sendable, E: Error>(
    count: Int, threads: Int = coreCount, _ body: @Sendable (Int) throws(E) -> Value
  ) throws(E) -> [Value] {
    let values = Mutex([Value?](repeating: nil, count: count))
    try forEach(count: count, threads: threads) { (index) throws(E) in
      let value = try body(index)
      values.withLock { $0[index] = value }
    }
    return values.withLock { $0 }.compactMap { $0 }
  }
}

import Failures
import Files
import Foundation

/// Threads that make batches ahead of time and hand them over in order; at most `prefetch` wait.
///
/// Unchecked: `condition` guards everything that varies.
final class BatchLoader: @unchecked Sendable {
  /// Makes the batch of an iteration. Each thread has one of its own, with the memory that it works in.
  typealias Maker = (Int) throws -> SampleBatch

  private let maker: @Sendable () -> Maker
  private let prefetch: Int
  private let condition = NSCondition()
  private var claimed: Int
  private var delivered: Int
  private var ready: [Int: Result<SampleBatch, any Error>] = [:]
  private var running = 0
  private var stopped = false
  /// The caller's own, for batches that no thread makes.
  private lazy var ownMaker = maker()

  /// Starts the threads.
  ///
  /// - Parameters:
  ///   - batchSize: what a batch will hold, to be checked.
  ///   - iteration: the first batch's.
  ///   - threads: 0 makes each batch on the calling thread.
  ///   - prefetch: most batches made ahead; by default two a thread.
  /// - Throws: `.usage` for numbers that make no sense.
  init(
    batchSize: Int, startingAt iteration: Int, threads: Int, prefetch: Int?,
    _ maker: @escaping @Sendable () -> Maker
  ) throws {
    try Self.check(batchSize: batchSize, startingAt: iteration, threads: threads, prefetch: prefetch)
    (self.maker, self.prefetch) = (maker, prefetch ?? 2 * max(threads, 1))
    (claimed, delivered, running) = (iteration, iteration, threads)
    for number in 0..<threads {
      let thread = Thread { [self] in work() }
      thread.name = "samples-\(number)"
      thread.start()
    }
    if threads == 0 { stopped = true }
  }

  static func check(batchSize: Int, startingAt iteration: Int, threads: Int, prefetch: Int?) throws {
    guard batchSize > 0, iteration >= 0, threads >= 0, prefetch ?? 1 > 0 else {
      let what = "batch \(batchSize), iteration \(iteration), \(threads) loader threads"
      throw Failure(.usage, "\(what): batch must be 1 or more")
    }
  }

  var iteration: Int { condition.withLock { delivered } }

  var runningThreads: Int { condition.withLock { running } }

  private func work() {
    let make = maker()
    condition.lock()
    while true {
      while !stopped && claimed >= delivered + prefetch { condition.wait() }
      if stopped { break }
      let iteration = claimed
      claimed += 1
      condition.unlock()
      let batch = Result { try make(iteration) }
      condition.lock()
      ready[iteration] = batch
      condition.broadcast()
    }
    running -= 1
    condition.broadcast()
    condition.unlock()
  }

  /// The next batch in order, and the seconds that the caller had to wait for it.
  func next() throws -> (batch: SampleBatch, waited: Double) {
    let start = ContinuousClock.now
    let batch = try wait()
    return (batch, (.now - start).seconds)
  }

  private func wait() throws -> SampleBatch {
    condition.lock()
    let wanted = delivered
    while ready[wanted] == nil && !stopped { condition.wait() }
    let batch = ready.removeValue(forKey: wanted)
    delivered += 1
    condition.broadcast()
    condition.unlock()
    return try batch?.get() ?? ownMaker(wanted)
  }

  func stop() {
    condition.lock()
    stopped = true
    condition.broadcast()
    while running > 0 { condition.wait() }
    condition.unlock()
  }
}

import Failures
import Foundation
import Imaging

/// Endless shuffled batches for training, made ahead of time by loader threads.
///
/// The batch of iteration t depends on (seed, t, batch size, slices) alone: the number of threads changes
/// nothing, and a stream that starts at iteration t continues exactly. Batches may cross an epoch's end.
/// Loader threads hand over plain numbers; at most `prefetch` batches wait. Use it from one thread.
public final class SliceStream {
  private let loader: Loader

  /// Starts the loader threads.
  ///
  /// - Parameters:
  ///   - iteration: The iteration of the first batch: 0, or where a resumed run goes on.
  ///   - threads: Loader threads; 0 makes each batch on the calling thread.
  ///   - prefetch: Most batches made ahead; by default two a thread.
  ///   - perturbation: A random translation of one source, drawn anew every epoch.
  /// - Throws: what `PreparedCohort.batches` throws.
  public init(
    _ cohort: PreparedCohort, split: Split = .train, scenario: Scenario, batchSize: Int, seed: UInt64,
    startingAt iteration: Int = 0, threads: Int = 1, prefetch: Int? = nil, perturbation: Perturbation? = nil
  ) throws {
    guard batchSize > 0, iteration >= 0, threads >= 0, prefetch ?? 1 > 0 else {
      throw Failure(
        .usage,
        "batch \(batchSize), iteration \(iteration), \(threads) loader threads: batch must be 1 or more")
    }
    let reader = try SliceReader(
      cohort, references: cohort.slices(in: split), scenario: scenario, perturbation: perturbation)
    loader = Loader(
      reader: reader, batchSize: batchSize, seed: seed, first: iteration,
      prefetch: prefetch ?? 2 * max(threads, 1))
    loader.start(threads)
  }

  deinit { loader.stop() }

  /// Slices an epoch has.
  public var sliceCount: Int { loader.reader.references.count }
  /// The iteration of the batch that `next()` gives.
  public var iteration: Int { loader.iteration }

  package var runningThreads: Int { loader.runningThreads }
  /// What the threads hold as long as they run.
  package var shared: AnyObject { loader }

  /// The next batch in order, and the seconds that the caller had to wait for it.
  ///
  /// Throws `.malformed` for a store that is damaged or was cut short meanwhile.
  public func next() throws -> (batch: SliceBatch, waited: Double) {
    let clock = ContinuousClock()
    let start = clock.now
    let batch = try loader.next()
    let (seconds, attoseconds) = (clock.now - start).components
    return (batch, Double(seconds) + Double(attoseconds) * 1e-18)
  }

  /// Ends the loader threads and returns when they have ended; batches made from then on are made by `next()`.
  public func stop() { loader.stop() }
}

/// What the threads share. Unchecked: `condition` guards everything that varies.
private final class Loader: @unchecked Sendable {
  let reader: SliceReader
  private let batchSize: Int
  private let prefetch: Int
  private let shuffle: Shuffle
  private let condition = NSCondition()
  private var claimed: Int
  private var delivered: Int
  private var ready: [Int: Result<SliceBatch, any Error>] = [:]
  private var running = 0
  private var stopped = false
  /// The caller's own place in the order, for batches that no thread makes.
  private var ownShuffle: Shuffle

  init(reader: SliceReader, batchSize: Int, seed: UInt64, first: Int, prefetch: Int) {
    self.reader = reader
    self.batchSize = batchSize
    self.prefetch = prefetch
    shuffle = Shuffle(count: reader.references.count, seed: seed)
    ownShuffle = shuffle
    claimed = first
    delivered = first
  }

  var iteration: Int { condition.withLock { delivered } }

  var runningThreads: Int { condition.withLock { running } }

  func start(_ threads: Int) {
    running = threads
    for number in 0..<threads {
      let thread = Thread { [self] in work() }
      thread.name = "slices-\(number)"
      thread.start()
    }
    if threads == 0 { stopped = true }
  }

  private func work() {
    var shuffle = shuffle
    condition.lock()
    while true {
      while !stopped && claimed >= delivered + prefetch { condition.wait() }
      if stopped { break }
      let iteration = claimed
      claimed += 1
      condition.unlock()
      let batch = Result { try make(iteration, &shuffle) }
      condition.lock()
      ready[iteration] = batch
      condition.broadcast()
    }
    running -= 1
    condition.broadcast()
    condition.unlock()
  }

  private func make(_ iteration: Int, _ shuffle: inout Shuffle) throws -> SliceBatch {
    var indices: [Int] = []
    var epochs: [Int] = []
    for place in iteration * batchSize..<(iteration + 1) * batchSize {
      let (index, epoch) = shuffle.draw(place)
      indices.append(index)
      epochs.append(epoch)
    }
    return try reader.batch(indices, epochs: epochs)
  }

  func next() throws -> SliceBatch {
    condition.lock()
    let wanted = delivered
    while ready[wanted] == nil && !stopped { condition.wait() }
    let batch = ready.removeValue(forKey: wanted)
    delivered += 1
    condition.broadcast()
    condition.unlock()
    return try batch?.get() ?? make(wanted, &ownShuffle)
  }

  func stop() {
    condition.lock()
    stopped = true
    condition.broadcast()
    while running > 0 { condition.wait() }
    condition.unlock()
  }
}

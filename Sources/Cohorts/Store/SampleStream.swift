import Failures
import Files
import Foundation
import Imaging

/// Endless shuffled batches for training, made ahead of time by loader threads.
///
/// The batch of iteration t depends on (seed, t, batch size, samples) alone: the number of threads changes nothing, and a
/// stream that starts at iteration t continues exactly. Batches may cross an epoch's end. An epoch shows every slice once,
/// or one patch of every subject, whose place is drawn anew each time.
/// Loader threads hand over plain numbers; at most `prefetch` batches wait. Use it from one thread.
public final class SampleStream {
  private let loader: Loader

  /// Starts the loader threads.
  ///
  /// - Parameters:
  ///   - iteration: The iteration of the first batch: 0, or where a resumed run goes on.
  ///   - threads: Loader threads; 0 makes each batch on the calling thread.
  ///   - prefetch: Most batches made ahead; by default two a thread.
  /// - Throws: what `PreparedCohort.batches` throws.
  public init(
    _ cohort: PreparedCohort, split: Split = .train, _ contents: SampleContents, batchSize: Int, seed: UInt64,
    startingAt iteration: Int = 0, threads: Int = 1, prefetch: Int? = nil
  ) throws {
    guard batchSize > 0, iteration >= 0, threads >= 0, prefetch ?? 1 > 0 else {
      let what = "batch \(batchSize), iteration \(iteration), \(threads) loader threads"
      throw Failure(.usage, "\(what): batch must be 1 or more")
    }
    // Of patches one a subject, wherever in it.
    var list = try cohort.samples(in: split, contents)
    if contents.region.dimensions == 3 {
      list = list.indices.filter { $0 == 0 || list[$0].subject != list[$0 - 1].subject }.map { list[$0] }
    }
    let reader = try SampleReader(cohort, references: list, contents)
    loader = Loader(
      reader: reader, batchSize: batchSize, seed: seed, first: iteration,
      prefetch: prefetch ?? 2 * max(threads, 1))
    loader.start(threads)
  }

  /// The slices of a scenario; a translation of one source is drawn anew every epoch.
  public convenience init(
    _ cohort: PreparedCohort, split: Split = .train, scenario: Scenario, batchSize: Int, seed: UInt64,
    startingAt iteration: Int = 0, threads: Int = 1, prefetch: Int? = nil, perturbation: Perturbation? = nil
  ) throws {
    try self.init(
      cohort, split: split, SampleContents(scenario, perturbation: perturbation), batchSize: batchSize,
      seed: seed, startingAt: iteration, threads: threads, prefetch: prefetch)
  }

  deinit { loader.stop() }

  /// Samples an epoch has.
  public var sampleCount: Int { loader.reader.references.count }
  /// The iteration of the batch that `next()` gives.
  public var iteration: Int { loader.iteration }

  package var runningThreads: Int { loader.runningThreads }
  /// What the threads hold as long as they run.
  package var shared: AnyObject { loader }

  /// The next batch in order, and the seconds that the caller had to wait for it.
  ///
  /// Throws `.malformed` for a store that is damaged or was cut short meanwhile.
  public func next() throws -> (batch: SampleBatch, waited: Double) {
    let start = ContinuousClock.now
    let batch = try loader.next()
    return (batch, (.now - start).seconds)
  }

  /// Ends the loader threads and returns when they have ended; batches made from then on are made by `next()`.
  public func stop() { loader.stop() }
}

/// What the threads share. Unchecked: `condition` guards everything that varies.
private final class Loader: @unchecked Sendable {
  let reader: SampleReader
  private let batchSize: Int
  private let prefetch: Int
  private let shuffle: Shuffle
  private let condition = NSCondition()
  private var claimed: Int
  private var delivered: Int
  private var ready: [Int: Result<SampleBatch, any Error>] = [:]
  private var running = 0
  private var stopped = false
  /// The caller's own place in the order, for batches that no thread makes.
  private var ownShuffle: Shuffle

  init(reader: SampleReader, batchSize: Int, seed: UInt64, first: Int, prefetch: Int) {
    (self.reader, self.batchSize, self.prefetch) = (reader, batchSize, prefetch)
    shuffle = Shuffle(count: reader.references.count, seed: seed)
    (ownShuffle, claimed, delivered) = (shuffle, first, first)
  }

  var iteration: Int { condition.withLock { delivered } }

  var runningThreads: Int { condition.withLock { running } }

  func start(_ threads: Int) {
    running = threads
    for number in 0..<threads {
      let thread = Thread { [self] in work() }
      thread.name = "samples-\(number)"
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

  private func make(_ iteration: Int, _ shuffle: inout Shuffle) throws -> SampleBatch {
    try reader.batch(
      (iteration * batchSize..<(iteration + 1) * batchSize).map { number in
        let (index, epoch) = shuffle.draw(number)
        return SampleReader.Request(
          reference: reader.sample(index, seed: shuffle.seed, number: number), epoch: epoch,
          change: reader.contents.augmentation?.draw(seed: shuffle.seed, number: number))
      })
  }

  func next() throws -> SampleBatch {
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

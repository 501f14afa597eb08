import Imaging

/// Endless shuffled batches for training, made ahead of time by loader threads.
///
/// The batch of iteration t depends on (seed, t, batch size, samples) alone: the number of threads changes nothing, and a
/// stream that starts at iteration t continues exactly. Batches may cross an epoch's end. An epoch shows every slice once,
/// or one patch of every subject, whose place is drawn anew each time.
/// Loader threads hand over plain numbers; at most `prefetch` batches wait. Use it from one thread.
public final class SampleStream: SampleSource {
  private let loader: BatchLoader
  /// Samples an epoch has.
  public let sampleCount: Int

  /// Starts the loader threads.
  ///
  /// - Parameters:
  ///   - iteration: The iteration of the first batch: 0, or where a resumed run goes on.
  ///   - threads: Loader threads; 0 makes each batch on the calling thread.
  ///   - prefetch: Most batches made ahead; by default two a thread.
  ///   - part: Which of the equal parts of every batch is wanted, of how many; `batchSize` is the whole's.
  /// - Throws: what `PreparedCohort.batches` throws.
  public init(
    _ cohort: PreparedCohort, split: Split = .train, _ contents: SampleContents, batchSize: Int, seed: UInt64,
    startingAt iteration: Int = 0, threads: Int = 1, prefetch: Int? = nil, part: Int = 0, of parts: Int = 1
  ) throws {
    precondition(batchSize % parts == 0, "\(batchSize) samples in \(parts) equal parts")
    // Before a folder is looked at: the plainer mistake comes first.
    try BatchLoader.check(batchSize: batchSize, startingAt: iteration, threads: threads, prefetch: prefetch)
    // Of patches one a subject, wherever in it.
    var list = try cohort.samples(in: split, contents)
    if contents.region.dimensions == 3 {
      list = list.indices.filter { $0 == 0 || list[$0].subject != list[$0 - 1].subject }.map { list[$0] }
    }
    let reader = try SampleReader(cohort, references: list, contents)
    sampleCount = list.count
    let order = Shuffle(count: list.count, seed: seed)
    let own = batchSize / parts
    loader = try BatchLoader(
      batchSize: own, startingAt: iteration, threads: threads, prefetch: prefetch
    ) {
      var shuffle = order
      return { iteration in
        try reader.batch(
          ((iteration * parts + part) * own..<(iteration * parts + part + 1) * own).map { number in
            let (index, epoch) = shuffle.draw(number)
            return SampleReader.Request(
              reference: reader.sample(index, seed: seed, number: number), epoch: epoch,
              change: reader.contents.augmentation?.draw(seed: seed, number: number))
          })
      }
    }
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

  /// The iteration of the batch that `next()` gives.
  public var iteration: Int { loader.iteration }

  package var runningThreads: Int { loader.runningThreads }
  /// What the threads hold as long as they run.
  package var shared: AnyObject { loader }

  /// The next batch in order, and the seconds that the caller had to wait for it.
  ///
  /// Throws `.malformed` for a store that is damaged or was cut short meanwhile.
  public func next() throws -> (batch: SampleBatch, waited: Double) { try loader.next() }

  /// Ends the loader threads and returns when they have ended; batches made from then on are made by `next()`.
  public func stop() { loader.stop() }
}

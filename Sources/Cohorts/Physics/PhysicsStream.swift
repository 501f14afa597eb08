import Imaging

/// Endless batches of computed heads for training, made ahead of time by loader threads, whose number changes nothing.
///
/// A stream that starts at iteration t continues exactly. Use it from one thread.
public final class PhysicsStream: SampleSource {
  private let loader: BatchLoader
  /// Heads that are drawn from: an epoch by courtesy, as no two samples are alike.
  public let sampleCount: Int

  /// Starts the loader threads.
  ///
  /// - Parameters:
  ///   - modalities: the contrasts that every sample has, in the order of channels.
  ///   - extent: rows and columns of a slice.
  ///   - iteration: the first batch's: 0, or where a resumed run goes on.
  ///   - threads: 0 makes each batch on the calling thread.
  ///   - prefetch: most batches made ahead; by default two a thread.
  ///   - part: which of the equal parts of every batch is wanted, of how many; `batchSize` is the whole's.
  /// - Throws: as `PhysicsSampler`.
  public init(
    _ anatomies: Anatomies, _ options: PhysicsOptions, modalities: [Modality], extent: Extent, batchSize: Int,
    seed: UInt64, startingAt iteration: Int = 0, threads: Int = 1, prefetch: Int? = nil, part: Int = 0,
    of parts: Int = 1
  ) throws {
    precondition(batchSize % parts == 0, "\(batchSize) samples in \(parts) equal parts")
    try BatchLoader.check(batchSize: batchSize, startingAt: iteration, threads: threads, prefetch: prefetch)
    let sampler = try PhysicsSampler(
      anatomies, options, modalities: modalities, extent: extent, batchSize: batchSize / parts, seed: seed)
    sampleCount = anatomies.names.count
    loader = try BatchLoader(
      batchSize: batchSize, startingAt: iteration, threads: threads, prefetch: prefetch
    ) {
      let memory = SlabImages(extent)
      return { sampler.batch($0 * parts + part, in: memory) }
    }
  }

  deinit { loader.stop() }

  public var iteration: Int { loader.iteration }

  public func next() throws -> (batch: SampleBatch, waited: Double) { try loader.next() }

  public func stop() { loader.stop() }
}

/// Two endless streams as one: a share of the batches is the second's, spread evenly.
///
/// Which one gives the batch of an iteration, and which of its own batches that is, follows from the iteration and the share
/// alone, so a mixed stream that starts at iteration t continues exactly. Use it from one thread.
public final class MixedStream: SampleSource {
  private let first: any SampleSource, second: any SampleSource
  private let share: Double
  public private(set) var iteration: Int

  /// - Parameters:
  ///   - share: of the second, 0 ... 1.
  ///   - iteration: the first batch's: 0, or where a resumed run goes on.
  ///   - first: makes that stream, starting at an iteration of its own.
  public init(
    share: Double, startingAt iteration: Int, _ first: (Int) throws -> any SampleSource,
    _ second: (Int) throws -> any SampleSource
  ) rethrows {
    (self.share, self.iteration) = (share, iteration)
    let before = (0..<iteration).count { Self.isSecond($0, share) }
    self.first = try first(iteration - before)
    self.second = try second(before)
  }

  /// Whether the batch of an iteration is the second stream's: where a share of all up to it comes to one more.
  private static func isSecond(_ iteration: Int, _ share: Double) -> Bool {
    Int(Double(iteration + 1) * share) > Int(Double(iteration) * share)
  }

  /// Samples an epoch of the first stream has.
  public var sampleCount: Int { first.sampleCount }

  public func next() throws -> (batch: SampleBatch, waited: Double) {
    let next = try Self.isSecond(iteration, share) ? second.next() : first.next()
    iteration += 1
    return next
  }

  public func stop() {
    first.stop()
    second.stop()
  }
}

/// An endless stream of training batches, whatever they are made of. Use it from one thread.
public protocol SampleSource: AnyObject {
  /// Samples an epoch has.
  var sampleCount: Int { get }
  /// The iteration of the batch that `next()` gives.
  var iteration: Int { get }
  /// The next batch in order, and the seconds that the caller had to wait for it.
  func next() throws -> (batch: SampleBatch, waited: Double)
  /// Ends the threads that make batches and returns when they have ended; batches from then on are made by `next()`.
  func stop()
}

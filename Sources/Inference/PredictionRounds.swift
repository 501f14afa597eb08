import Cohorts
import Failures
import Imaging
import Methods
import Torch

/// Batches that are predicted one on each rank at a time: each waits until there is one for every rank. Where there are no
/// other ranks it does not wait.
///
/// All ranks must add the same batches in the same order, and get the predictions of all of them: to the bit those that one
/// process makes.
public struct PredictionRounds<Item> {
  private let predictor: Predictor
  private let group: ProcessGroup?
  private let stop: () -> Failure.Kind?
  private var waiting: [(batch: SampleBatch, item: Item)] = []

  /// - Parameter stop: asked after each pass through the network; where it says a kind of failure on any rank, all throw that.
  public init(_ predictor: Predictor, group: ProcessGroup?, stop: @escaping () -> Failure.Kind?) {
    (self.predictor, self.group, self.stop) = (predictor, group, stop)
  }

  /// - Parameter each: takes the predictions of a batch, and what it was added with; in the order of adding.
  public mutating func add(_ batch: SampleBatch, _ item: Item, each: (Item, [Float]) -> Void) throws {
    waiting.append((batch, item))
    if waiting.count == group?.size ?? 1 { try finish(each: each) }
  }

  /// To be called when the last has been added.
  public mutating func finish(each: (Item, [Float]) -> Void) throws {
    defer { waiting = [] }
    guard let group else {
      for (batch, item) in waiting { each(item, try predictions(of: batch)) }
      return
    }
    let counts = waiting.map { $0.batch.count * predictor.method.outputs * $0.batch.extent.count }
    var values = [Float](repeating: 0, count: counts.reduce(0, +))
    var asked: Failure.Kind?
    if group.rank < waiting.count {
      do {
        let own = try predictions(of: waiting[group.rank].batch)
        let start = counts.prefix(group.rank).reduce(0, +)
        values.replaceSubrange(start..<start + own.count, with: own)
      } catch let failure as Failure where failure.isStop { asked = failure.kind }
    }
    if let kind = try group.agreed(stop: asked) { throw Failure(kind, "stopped while predicting") }
    guard !values.isEmpty else { return }
    // Each is computed by one and is zero everywhere else.
    var rest = group.sum(values)[...]
    try group.check()
    for (waiting, count) in zip(waiting, counts) {
      each(waiting.item, Array(rest.prefix(count)))
      rest = rest.dropFirst(count)
    }
  }

  private func predictions(of batch: SampleBatch) throws -> [Float] {
    try predictor(batch) { _, _ in if let kind = stop() { throw Failure(kind, "stopped while predicting") } }
  }
}

import Torch

/// An exponential moving average of a network's parameters, in a store of its own.
///
/// Both stores hold the same network from the same seed, so the average starts where training starts. It has no state
/// but the averaged parameters: how far it is told by the number of steps, which the optimiser knows after a resume too.
public struct MovingAverage {
  private let average: Parameters, trained: Parameters
  private let decay: Double

  /// - Parameters:
  ///   - average: follows `trained`; its parameters get no gradients.
  ///   - decay: the share of the average that a late step keeps: 0.9999 looks back about 10,000 steps.
  public init(_ average: Parameters, of trained: Parameters, decay: Double) {
    precondition(average.entries.map(\.name) == trained.entries.map(\.name), "an average of another network")
    average.freeze()
    (self.average, self.trained, self.decay) = (average, trained, decay)
  }

  /// The share that step `step` (from 1 on) keeps: less at the beginning, (1 + t) / (10 + t), so that the average is not
  /// held back by where training started and short runs have a use of it.
  public static func decay(_ decay: Double, at step: Int) -> Double {
    min(decay, Double(1 + step) / Double(10 + step))
  }

  /// Follows step number `step`. Buffers, such as running statistics, are averages already and are copied.
  public func follow(step: Int) {
    let weight = 1 - MovingAverage.decay(decay, at: step)
    Tensor.move(average.entries.map(\.tensor), towards: trained.entries.map(\.tensor.detached), by: weight)
    for (kept, new) in zip(average.buffers, trained.buffers) { kept.tensor.assign(new.tensor) }
  }
}

import Files
import Imaging
import Methods
import Torch

/// What one batch takes on its way through the networks, measured by sending one through.
public struct Trial: Sendable {
  /// Bytes that the process held before, and at the most beyond that; nil where the system does not tell.
  public let before: Int?, beyond: Int?
  public let seconds: Double

  /// Runs `body`, and once more where that took a moment: the first time pays for memory and for what a library sets up.
  /// - Parameter body: one batch; returns seconds.
  public init(_ body: () throws -> Double) rethrows {
    let before = PeakMemory.current
    PeakMemory.reset()
    let first = try body()
    seconds = first < 5 ? min(first, try body()) : first
    // Of what is freed and taken again, gaps remain: after many batches about a tenth more is held than after one.
    beyond = before.flatMap { before in PeakMemory.bytes.map { max(0, $0 - before) * 9 / 8 } }
    self.before = before
  }
}

extension Predictor {
  /// Sends a batch of this shape through the network; where images are drawn step by step, one step tells of all.
  package func trial(of shape: [Int]) throws -> Trial {
    struct Enough: Error {}
    return try Trial {
      let clock = ContinuousClock()
      // As a volume's boxes come: numbers first, then a tensor.
      let values = [Float](repeating: 0.5, count: shape.reduce(1, *))
      let sources = Tensor(values, shape: shape, device: device)
      let start = clock.now
      var evaluations = 1
      do {
        _ = try self(sources) { done, total in
          evaluations = total
          if total > 1 { throw Enough() }
        }
      } catch is Enough {}
      return (clock.now - start).seconds * Double(evaluations)
    }
  }
}

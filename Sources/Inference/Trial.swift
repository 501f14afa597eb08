import Files
import Imaging
import Methods
import Torch

/// What one batch takes on its way through the networks, measured by sending one through.
public struct Trial: Sendable {
  /// Bytes that the process held before, and at the most beyond that; nil where the system does not tell.
  public let before: Int?, beyond: Int?
  public let seconds: Double

  /// Runs `body`, and once more where that took less than a minute: the first time pays for memory and for what a library sets
  /// up, and the second finds what the first has left.
  /// - Parameter body: one batch; returns seconds.
  public init(_ body: () throws -> Double) rethrows {
    PeakMemory.reset()
    let before = PeakMemory.current
    let first = try body()
    seconds = first < 60 ? min(first, try body()) : first
    // Of what is freed and taken again, gaps remain: the C library's heap does not put an aligned block where one of its size
    // was. After some batches 0.7 to 2.8 times as much was held as after two: between these, so that what is told holds within
    // a factor of one and a half.
    beyond = before.flatMap { before in PeakMemory.bytes.map { max(0, $0 - before) * 7 / 4 } }
    self.before = before
  }

  /// The same for a batch of this shape, which is made only where two that are smaller tell that there is room for it: a process
  /// that takes more than there is would be ended before it can say so.
  /// - Parameters:
  ///   - shape: of the batch.
  ///   - sample: the spatial sides of a sample that may stand for it, the smaller the better.
  ///   - images: bytes that are needed beside.
  ///   - limit: the memory that there is; where nothing is known, the batch is made.
  ///   - lacks: makes what is thrown where it lacks so many bytes.
  ///   - body: a batch of a shape; returns seconds.
  public init(
    of shape: [Int], sample: [Int], beside images: Int, limit: MemoryLimit?,
    lacks: (Double, MemoryLimit) -> any Error, _ body: ([Int]) throws -> Double
  ) throws {
    func smaller(_ count: Int) -> [Int] { [count, shape[1]] + sample }
    let samples = Double(shape.reduce(1, *)) / Double(smaller(1).reduce(1, *))
    // By two of them what every sample takes is told from what any batch does.
    if samples > 2, let limit, let one = try Trial({ try body(smaller(1)) }).most,
      let two = try Trial({ try body(smaller(2)) }).most
    {
      let all = Double(one + images) + Double(max(0, two - one)) * (samples - 1)
      if all > Double(limit.bytes) { throw lacks(all, limit) }
    }
    try self.init { try body(shape) }
  }

  /// Bytes that the process held at the most; nil where the system does not tell.
  private var most: Int? { before.flatMap { before in beyond.map { before + $0 } } }
}

extension Predictor {
  /// Sends a batch of this shape through the network; where images are drawn step by step, one step tells of all.
  /// - Parameters: as `Trial`'s.
  package func trial(
    of shape: [Int], beside images: Int = 0, limit: MemoryLimit? = .own,
    lacks: (Double, MemoryLimit) -> any Error
  ) throws -> Trial {
    try Trial(
      of: shape, sample: Array(shape.dropFirst(2)), beside: images, limit: device == .cpu ? limit : nil,
      lacks: lacks, seconds)
  }

  private func seconds(of shape: [Int]) throws -> Double {
    struct Enough: Error {}
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

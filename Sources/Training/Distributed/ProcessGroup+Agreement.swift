import Failures
import Layers
import Methods
import Torch

/// What ranks must be of one mind about, so that all of them do the same next.
extension ProcessGroup {
  /// The means of all ranks' losses, and why all are to stop, where any of them was asked to.
  /// - Throws: `.unexpected` where a rank is lost.
  func agreed(_ losses: [Loss], stop: Failure.Kind?) throws -> (losses: [Loss], stop: Failure.Kind?) {
    let (sums, asked) = try sum(losses.map(\.value), stop: stop)
    return (zip(losses, sums).map { Loss($0.name, $1 / Double(size)) }, asked)
  }

  /// Replaces what layers gather of the samples that they see, such as running statistics, by the means over ranks: each has
  /// seen its own share. Moving averages of means are means of moving averages, so it is enough to do so before they are used.
  func averageBuffers(of method: any Method) throws {
    average(method.networks.flatMap { $0.parameters.buffers.map(\.tensor) })
    try check()
  }
}

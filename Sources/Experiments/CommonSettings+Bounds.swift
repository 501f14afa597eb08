import Cohorts
import Failures
import Imaging
import Networks

extension CommonSettings {
  /// Refuses numbers that no machine can serve or no training has a use for.
  func checkBounds() throws {
    // So many iterations take years; a number of them beyond is a slip, and so is one of anything else.
    let ages = 1_000_000_000
    for (name, value, most) in [
      ("network.width", network.width, 1024), ("network.blocks", network.blocks, 64),
      ("network.groups", network.groups, 1024), ("network.kernels", network.kernels, 64),
      ("iterations", iterations, ages), ("batchSize", batchSize, 65_536),
      ("validateEvery", validateEvery, ages),
      ("validationSlices", validationSlices, ages), ("checkpointEvery", checkpointEvery, ages),
    ] where !(1...most).contains(value) {
      let bounds = most == ages && value < 1 ? "1 or more" : "from 1 to \(most)"
      throw Failure(.usage, "\(name) is \(value); it must be \(bounds)")
    }
    // Weights are in single precision.
    guard Float(learningRate).isFinite, Float(learningRate) > 0 else {
      throw Failure(
        .usage, "learningRate is \(learningRate); it must be above 0, and a number of single precision")
    }
    guard (0...1024).contains(perturbation.radius) else {
      throw Failure(.usage, "perturbation.radius is \(perturbation.radius); it must be from 0 to 1024 pixels")
    }
    guard Set(network.stages).count == network.stages.count else {
      throw Failure(.usage, "network.stages: a stage is named twice")
    }
    guard perturbation.radius == 0 || scenario.sources.contains(perturbation.modality) else {
      throw Failure(.usage, "perturbation.modality \(perturbation.modality.rawValue) is none of the sources")
    }
  }
}

import Failures
import Imaging
import Layers
import Methods
import Torch

/// What an experiment's images cost, whatever its weights are.
public struct Cost: Sendable {
  /// Trained scalars of the network that makes the images.
  public let parameters: Int
  /// Of one evaluation of the network on one slice or patch; see `LibTorch.countingMultiplyAdds`.
  public let multiplyAdds: Int
  /// How often the network is evaluated for an image.
  public let evaluations: Int

  /// Builds the networks and makes one empty image.
  /// - Parameter slice: rows and columns of the cohort's slices.
  /// - Throws: `.inconsistent` where the method cannot take images of this size, `.limit` where memory cannot do.
  public init(of experiment: Experiment, onSlices slice: Extent, device: Device = .cpu) throws {
    try MethodCatalog.check(experiment, onSlices: slice)
    try experiment.checkMemory(onSlices: slice, trains: false, device: device)
    var whole = experiment
    // Nothing is left out because an empty image changes little.
    for framework in frameworks { whole.options[framework] = whole.options[framework].thorough }
    let method = try MethodCatalog.build(whole, device: device)
    evaluations = method.sampling?.passes ?? 1
    // One step tells the cost of all, where there may be one.
    method.sampling?.options = SamplingOptions(steps: 1)
    let network = method.generator.parameters
    let sources = Tensor.zeros(
      [1, experiment.task().inputs] + experiment.extent(ofSlices: slice).sizes, device: device)
    let count = network.evaluating { LibTorch.countingMultiplyAdds { method.synthesize(sources) } }.count
    multiplyAdds = count / (method.sampling?.passes ?? 1)
    parameters = network.count
  }
}

import Failures
import Imaging
import Layers
import Methods
import Torch

/// What an experiment's images cost, whatever its weights are.
public struct Cost: Sendable {
  /// Trained scalars of the network that makes the images.
  public let parameters: Int
  /// For one slice, all steps of sampling included; see `LibTorch.countingMultiplyAdds`.
  public let multiplyAdds: Int
  /// How often the network is evaluated for an image.
  public let evaluations: Int

  /// Builds the networks and makes one empty slice.
  /// - Throws: `.inconsistent` where the method cannot take slices of this size.
  public init(of experiment: Experiment, height: Int, width: Int, device: Device = .cpu) throws {
    try MethodCatalog.check(experiment, height: height, width: width)
    let method = try MethodCatalog.build(experiment, device: device)
    let network = method.generator.parameters
    let sources = Tensor.zeros([1, experiment.scenario.sources.count, height, width], device: device)
    multiplyAdds = network.evaluating { LibTorch.countingMultiplyAdds { method.synthesize(sources) } }.count
    parameters = network.count
    evaluations = (method as? any StepwiseMethod)?.stepsPerImage ?? 1
  }
}

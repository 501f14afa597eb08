import Imaging
import Networks

/// Options of a denoising diffusion: its network is told the time, and sees the noised target before the sources.
public protocol DiffusionOptions: MethodOptions {
  /// T: steps from an image to noise.
  var steps: Int { get set }
  var betas: BetaSchedule { get }
  /// What the network is asked for.
  var target: DenoisingTarget { get }
  /// Decay of the moving average of the weights that makes the images.
  var averageDecay: Double { get }
  var unet: DiffusionUnet.Architecture { get set }
  var sampling: SamplingOptions { get set }
  /// DDIM steps by which validation during training makes its images; full sampling would take longer than training.
  var validationSteps: Int { get set }
  /// Channels that the network gives.
  var outputs: Int { get }
}

extension DiffusionOptions {
  public func ownGenerator(_ task: SynthesisTask) -> GeneratorKind {
    .diffusionUnet(unet, option: "unet.multipliers")
  }

  public func shape(_ task: SynthesisTask) -> GeneratorShape {
    GeneratorShape(1 + task.inputs, outputs, dimensions: task.dimensions, told: .time)
  }

  public var draws: Bool { true }
  public var processSteps: Int? { steps }

  public static var tiny: Self {
    Self().changed {
      ($0.steps, $0.sampling.steps, $0.validationSteps) = (20, 2, 2)
      ($0.unet.multipliers, $0.unet.attention) = ([1, 2], [2])
    }
  }

  public var refusal: String? { diffusionRefusal }

  var diffusionRefusal: String? {
    if let refusal = outOfBounds([("steps", steps, 2...100_000)]) { return refusal }
    guard (0..<1).contains(averageDecay) else {
      return "averageDecay is \(averageDecay); it must be at least 0 and below 1"
    }
    if let refusal = unet.refusal { return "unet.\(refusal)" }
    if let refusal = sampling.refusal(of: steps) { return "sampling.\(refusal)" }
    return (1...steps).contains(validationSteps)
      ? nil : "validationSteps is \(validationSteps); it must be from 1 to the process's \(steps)"
  }
}

import Imaging
import Networks

/// Options that denoising diffusions share.
public protocol DiffusionOptions: MethodOptions {
  /// T: steps from an image to noise.
  var steps: Int { get set }
  var unet: DiffusionUnet.Architecture { get set }
  var sampling: SamplingOptions { get set }
  /// DDIM steps by which validation during training makes its images.
  var validationSteps: Int { get set }
}

/// A denoising diffusion: its network is told the time, and sees the noised target before the sources.
public protocol DiffusionFramework: Framework where Options: DiffusionOptions {
  /// Channels that the network gives.
  static var outputs: Int { get }
}

extension DiffusionFramework {
  public static func generator(_ options: Options, _ task: SynthesisTask) -> GeneratorKind {
    .diffusionUnet(options.unet, option: "unet.multipliers")
  }

  public static func shape(_ task: SynthesisTask) -> GeneratorShape {
    GeneratorShape(1 + task.inputs, outputs, dimensions: task.dimensions, told: .time)
  }

  public static func dimensions(_ options: Options) -> ClosedRange<Int> { 2...3 }
  public static var draws: Bool { true }
  public static func processSteps(_ options: Options) -> Int? { options.steps }

  public static var tiny: Options {
    var options = Options()
    (options.steps, options.sampling.steps, options.validationSteps) = (20, 2, 2)
    (options.unet.multipliers, options.unet.attention) = ([1, 2], [2])
    return options
  }
}

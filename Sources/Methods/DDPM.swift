import Layers
import Networks
import Torch

/// Denoising diffusion (Ho et al. 2020) as conditional translation: a network tells the noise in a noised target, shown
/// the sources clean beside it.
///
/// T = 1000 steps, β linear, mean squared error of the noise, Adam, images made by the moving average of the weights. The
/// variance of a step back is fixed. The conditioning by concatenation is ours, where the paper is silent.
public final class DDPM: DiffusionMethod {
  public struct Options: MethodOptions {
    /// T: steps from an image to noise.
    public var steps = 1000
    public var betas = BetaSchedule.linear
    /// What the network is asked for.
    public var target = DenoisingTarget.noise
    /// Variance of the steps back: β_t (large) or the posterior's (small).
    public var variance = ReverseVariance.large
    /// Decay of the moving average of the weights that makes the images.
    public var averageDecay = 0.9999
    public var unet = DiffusionUnet.Architecture()
    public var sampling = SamplingOptions()
    /// DDIM steps by which validation during training makes its images; full sampling would take longer than training.
    public var validationSteps = 10
    public init() {}

    public var refusal: String? {
      ConditionalDiffusion.refusal(
        steps: steps, averageDecay: averageDecay, unet: unet, sampling: sampling,
        validationSteps: validationSteps)
    }
  }

  public let diffusion: ConditionalDiffusion
  public let options: Options
  public let losses = ["mse"]

  /// - Parameters:
  ///   - store: of the averaged network.
  ///   - build: makes the network, 1 + S channels in and 1 out; called again for training.
  public init(
    _ store: Parameters, options: Options = Options(), rate: Double = 1e-4,
    build: @escaping (Parameters) -> any TimedNetwork
  ) {
    self.options = options
    let network = AveragedNetwork(store, rate: rate, decay: options.averageDecay, build: build)
    diffusion = ConditionalDiffusion(
      network, options.betas(options.steps), options.sampling, validationSteps: options.validationSteps,
      target: options.target, variance: options.variance)
  }

  public func step(_ batch: Batch, random: RandomStream) -> [Loss] {
    let loss = loss(diffusion.noised(batch, from: random))
    diffusion.network.improve(loss)
    return [Loss("mse", loss.item)]
  }

  /// With noise and steps given: what `step` lowers.
  package func loss(_ batch: Batch, noise: Tensor, at steps: [Int]) -> Tensor {
    loss(diffusion.noised(batch, with: noise, at: steps))
  }

  private func loss(_ noised: ConditionalDiffusion.Noised) -> Tensor {
    diffusion.network.trained(noised.input, at: noised.times).meanSquaredError(noised.answer)
  }
}

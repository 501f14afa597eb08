import Layers
import Networks
import Torch

/// Denoising diffusion (Ho et al. 2020) as conditional translation: a network tells the noise in a noised target, shown
/// the sources clean beside it.
///
/// T = 1000 steps, β linear, mean squared error of the noise, Adam, images made by the moving average of the weights. The
/// variance of a step back is fixed. The conditioning by concatenation is ours, where the paper is silent.
public final class DDPM: DiffusionMethod, Framework {
  public static let name = "ddpm"

  public struct Options: DiffusionOptions {
    public var steps = 1000
    public var betas = BetaSchedule.linear
    public var target = DenoisingTarget.noise
    /// Variance of the steps back: β_t (large) or the posterior's (small).
    public var variance = ReverseVariance.large
    public var averageDecay = 0.9999
    public var unet = DiffusionUnet.Architecture()
    public var sampling = SamplingOptions()
    public var validationSteps = 10
    public init() {}
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
    diffusion = ConditionalDiffusion(store, options, rate: rate, variance: options.variance, build: build)
  }

  public func train(on batch: Batch, random: RandomStream) -> [PendingLoss] {
    let loss = loss(diffusion.noised(batch, from: random))
    diffusion.improve(loss)
    return [PendingLoss("mse", loss)]
  }

  /// With noise and steps given: what `step` lowers.
  package func loss(_ batch: Batch, noise: Tensor, at steps: [Int]) -> Tensor {
    loss(diffusion.noised(batch, with: noise, at: steps))
  }

  private func loss(_ noised: ConditionalDiffusion.Noised) -> Tensor {
    diffusion.trained(noised).meanSquaredError(noised.answer)
  }
}

extension DDPM.Options {
  public var title: String { "DDPM" + target.suffix }
  public var outputs: Int { 1 }

  public func make(_ task: SynthesisTask, _ generator: GeneratorKind) -> any Method {
    DDPM(task.store(), options: self, rate: task.rate) {
      generator.timed($0.root, shape(task), task.network)
    }
  }
}

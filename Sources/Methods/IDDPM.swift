import Foundation
import Layers
import Networks
import Torch

/// Improved DDPM (Nichol and Dhariwal 2021) as conditional translation: a cosine schedule, and a network that tells beside
/// the noise how far each step back may vary.
///
/// The noise is learned by its mean squared error, the variance by the variational bound in bits per pixel, weighted
/// T/1000, with the mean held fixed (L_hybrid). AdamW; images are made by the moving average of the weights, in fewer steps
/// than training knows.
public final class IDDPM: DiffusionMethod, Framework {
  public static let name = "iddpm"

  public struct Options: DiffusionOptions {
    public var steps = 1000
    public var betas = BetaSchedule.cosine
    public var target = DenoisingTarget.noise
    public var averageDecay = 0.9999
    /// Decoupled weight decay of AdamW.
    public var weightDecay = 0.0
    public var unet: DiffusionUnet.Architecture = {
      var unet = DiffusionUnet.Architecture()
      (unet.attention, unet.heads, unet.injection) = ([16, 32], 4, .scaleShift)
      return unet
    }()
    public var sampling = SamplingOptions(steps: 250)
    public var validationSteps = 10
    public init() {}

    public var refusal: String? {
      diffusionRefusal ?? refusal(ofWeights: [("weightDecay", weightDecay)])
    }
  }

  public let diffusion: ConditionalDiffusion
  public let options: Options
  public let losses = ["mse", "vlb"]

  /// - Parameters:
  ///   - store: of the averaged network.
  ///   - build: makes the network, 1 + S channels in and 2 out; called again for training.
  public init(
    _ store: Parameters, options: Options = Options(), rate: Double = 1e-4,
    build: @escaping (Parameters) -> any TimedNetwork
  ) {
    self.options = options
    diffusion = ConditionalDiffusion(
      store, options, rate: rate, weightDecay: options.weightDecay, build: build)
  }

  public func train(on batch: Batch, random: RandomStream) -> [PendingLoss] {
    let losses = losses(diffusion.noised(batch, from: random))
    diffusion.improve(losses.noise + losses.bound)
    return [PendingLoss("mse", losses.noise), PendingLoss("vlb", losses.bound)]
  }

  /// With noise and steps given: the terms whose sum `step` lowers.
  package func losses(_ batch: Batch, noise: Tensor, at steps: [Int]) -> (noise: Tensor, bound: Tensor) {
    losses(diffusion.noised(batch, with: noise, at: steps))
  }

  private func losses(_ noised: ConditionalDiffusion.Noised) -> (noise: Tensor, bound: Tensor) {
    let prediction = NoisePrediction(diffusion.trained(noised))
    guard let range = prediction.range else {
      preconditionFailure("improved DDPM's network gives noise and variance")
    }
    let noise = diffusion.schedule.noise(
      of: prediction.noise.detached, options.target, in: noised.noised, at: noised.steps)
    let bits = diffusion.schedule.boundInBits(noised, noise: noise, range: range)
    return (
      prediction.noise.meanSquaredError(noised.answer), bits.mean() * (Double(options.steps) / 1000)
    )
  }
}

extension NoiseSchedule {
  /// Each sample's term of the variational bound in bits per pixel, `[B]`: at step 0 what the image costs under the last
  /// step back, later the divergence of that step from the posterior.
  func boundInBits(_ noised: ConditionalDiffusion.Noised, noise: Tensor, range: Tensor) -> Tensor {
    let (x, steps) = (noised.noised, noised.steps)
    let learned = Gaussian(
      mean: posteriorMean(image(in: x, without: noise, at: steps), x, at: steps),
      logVariance: logVariance(range, at: steps))
    let posterior = Gaussian(
      mean: posteriorMean(noised.image, x, at: steps),
      logVariance: column(positivePosteriorVariances, at: steps, like: x).log())
    let pixels = Array(1..<x.rank)
    let divergence = learned.divergence(of: posterior).mean(over: pixels)
    let cost = -learned.logLikelihood(of: noised.image).mean(over: pixels)
    // A step is a whole number: below a half is the first.
    let whole = Tensor(steps.map(Double.init), shape: [steps.count], device: x.device)
    return whole.below(0.5, cost, else: divergence) / log(2)
  }
}

extension IDDPM.Options {
  public var title: String { "IDDPM" + target.suffix }
  public var outputs: Int { 2 }

  public func make(_ task: SynthesisTask, _ generator: GeneratorKind) -> any Method {
    IDDPM(task.store(), options: self, rate: task.rate) {
      generator.timed($0.root, shape(task), task.network)
    }
  }
}

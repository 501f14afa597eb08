import Layers
import Networks
import Torch

/// pix2pix (Isola et al. 2017): a generator trained by L1 and by a conditional patch discriminator.
///
/// As the paper uses it ("pixel2pixel", §4.1.2), with the original's L1 weight of 100 where the paper is silent:
/// least-squares GAN, Adam 1e-4 with betas (0.5, 0.999) for both networks, the discriminator sees sources and target
/// together.
public final class Pix2Pix: Method {
  public struct Options: Codable, Sendable, Equatable {
    /// Weight of the mean absolute error beside the adversarial term.
    public var weightL1 = 100.0
    /// Weight of the adversarial term; 0 trains by L1 alone, without a discriminator step.
    public var weightAdversarial = 1.0
    public var discriminator = PatchGANVariant.codebrain
    /// Channels of the discriminator's first layer.
    public var discriminatorWidth = 64
    public init() {}
  }

  private let generator: any Layer, discriminator: PatchGAN
  private let generatorStore: Parameters, discriminatorStore: Parameters
  private let generatorAdam: Adam, discriminatorAdam: Adam
  public let options: Options

  public init(
    generator: any Layer, _ generatorStore: Parameters, sources: Int, options: Options = Options(),
    rate: Double = 1e-4
  ) {
    self.generator = generator
    self.generatorStore = generatorStore
    discriminatorStore = Parameters(
      seed: generatorStore.seed &+ 1, device: generatorStore.device, type: generatorStore.type)
    discriminator = PatchGAN(
      discriminatorStore.root, channels: sources + 1, width: options.discriminatorWidth,
      variant: options.discriminator)
    generatorAdam = Adam(generatorStore, rate: rate, betas: (0.5, 0.999))
    discriminatorAdam = Adam(discriminatorStore, rate: rate, betas: (0.5, 0.999))
    self.options = options
  }

  public var networks: [TrainedNetwork] {
    [
      TrainedNetwork("generator", generatorStore, generatorAdam),
      TrainedNetwork("discriminator", discriminatorStore, discriminatorAdam),
    ]
  }

  public var losses: [String] {
    options.weightAdversarial > 0 ? ["discriminator", "l1", "adversarial"] : ["l1"]
  }

  /// Forward of G; D on real and detached fake; D frozen, then G, in this order as in the original.
  public func step(_ batch: Batch) -> [Loss] {
    let fake = generator(batch.sources)
    var losses: [Loss] = []
    if options.weightAdversarial > 0 { losses.append(improveDiscriminator(batch, fake.detached)) }
    return losses + improveGenerator(batch, fake)
  }

  private func improveDiscriminator(_ batch: Batch, _ fake: Tensor) -> Loss {
    discriminatorStore.freeze(false)
    let real = judge(batch.sources, batch.target)
    let made = judge(batch.sources, fake)
    let loss = (leastSquares(made, 0) + leastSquares(real, 1)) * 0.5
    loss.backward()
    discriminatorAdam.step()
    return Loss("discriminator", loss.item)
  }

  private func improveGenerator(_ batch: Batch, _ fake: Tensor) -> [Loss] {
    let distance = fake.meanAbsoluteError(batch.target)
    guard options.weightAdversarial > 0 else {
      distance.backward()
      generatorAdam.step()
      return [Loss("l1", distance.item)]
    }
    // Frozen, the discriminator passes the gradient on and keeps none for itself.
    discriminatorStore.freeze()
    let adversarial = leastSquares(judge(batch.sources, fake), 1)
    (distance * options.weightL1 + adversarial * options.weightAdversarial).backward()
    generatorAdam.step()
    return [Loss("l1", distance.item), Loss("adversarial", adversarial.item)]
  }

  private func judge(_ sources: Tensor, _ image: Tensor) -> Tensor {
    discriminator(.concatenated([sources, image], axis: 1))
  }

  private func leastSquares(_ scores: Tensor, _ wanted: Double) -> Tensor {
    (scores - wanted).squared().mean()
  }

  public func synthesize(_ sources: Tensor) -> Tensor { generator(sources) }
}

import Layers
import Networks
import Torch

/// pix2pix (Isola et al. 2017): a generator trained by L1 and by a conditional patch discriminator.
///
/// As the paper uses it ("pixel2pixel", §4.1.2), with the original's L1 weight of 100 where the paper is silent:
/// least-squares GAN, Adam 1e-4 with betas (0.5, 0.999) for both networks, the discriminator sees sources and target
/// together.
public final class Pix2Pix: Method {
  public struct Options: MethodOptions {
    /// Weight of the mean absolute error beside the adversarial term.
    public var weightL1 = 100.0
    /// Weight of the adversarial term; 0 trains by L1 alone, without a discriminator step.
    public var weightAdversarial = 1.0
    public var discriminator = PatchGANVariant.codebrain
    /// Channels of the discriminator's first layer.
    public var discriminatorWidth = 64
    public init() {}

    public var refusal: String? {
      guard (1...1024).contains(discriminatorWidth) else {
        return "discriminatorWidth is \(discriminatorWidth); it must be from 1 to 1024"
      }
      return refusal(ofWeights: [("weightL1", weightL1), ("weightAdversarial", weightAdversarial)])
    }
  }

  private let network: any Layer
  private let store: Parameters
  private let sources: Int, rate: Double
  public let options: Options
  /// The discriminator and what trains the generator.
  private lazy var adversary = Adversary(
    store, discriminating: sources + 1, width: options.discriminatorWidth, variant: options.discriminator,
    rate: rate)
  private lazy var optimizer = Adam(store, rate: rate, betas: (0.5, 0.999))

  public init(
    generator: any Layer, _ store: Parameters, sources: Int, options: Options = Options(),
    rate: Double = 1e-4
  ) {
    (network, self.store, self.sources) = (generator, store, sources)
    (self.options, self.rate) = (options, rate)
  }

  public var generator: TrainedNetwork { TrainedNetwork("generator", store) }

  public var networks: [TrainedNetwork] {
    [TrainedNetwork("generator", store, optimizer), adversary.network]
  }

  public var losses: [String] {
    options.weightAdversarial > 0 ? ["discriminator", "l1", "adversarial"] : ["l1"]
  }

  /// Forward of G; D on real and detached fake; D frozen, then G, in this order as in the original.
  public func step(_ batch: Batch) -> [Loss] {
    let fake = network(batch.sources)
    var losses: [Loss] = []
    if options.weightAdversarial > 0 { losses.append(improveDiscriminator(batch, fake.detached)) }
    return losses + improveGenerator(batch, fake)
  }

  private func improveDiscriminator(_ batch: Batch, _ fake: Tensor) -> Loss {
    adversary.parameters.freeze(false)
    let real = judge(batch.sources, batch.target)
    let made = judge(batch.sources, fake)
    let loss = (made.leastSquares(0) + real.leastSquares(1)) * 0.5
    loss.backward()
    adversary.optimizer.step()
    return Loss("discriminator", loss.item)
  }

  private func improveGenerator(_ batch: Batch, _ fake: Tensor) -> [Loss] {
    let distance = fake.meanAbsoluteError(batch.target)
    guard options.weightAdversarial > 0 else {
      distance.backward()
      optimizer.step()
      return [Loss("l1", distance.item)]
    }
    // Frozen, the discriminator passes the gradient on and keeps none for itself.
    adversary.parameters.freeze()
    let adversarial = judge(batch.sources, fake).leastSquares(1)
    (distance * options.weightL1 + adversarial * options.weightAdversarial).backward()
    optimizer.step()
    return [Loss("l1", distance.item), Loss("adversarial", adversarial.item)]
  }

  private func judge(_ sources: Tensor, _ image: Tensor) -> Tensor {
    adversary(.concatenated([sources, image], axis: 1))
  }

  public func synthesize(_ sources: Tensor) -> Tensor { network(sources) }
}

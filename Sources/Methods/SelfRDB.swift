import Layers
import Networks
import Torch

/// SelfRDB (Arslan et al. 2024): a diffusion bridge from the sources to the target in a few long steps, each made by a
/// generator that refines its own estimate, trained against a discriminator of neighbouring states.
///
/// The published system has one source. With several the bridge begins at their mean, or at one of them, and all of them
/// are shown to the generator. Works on [-1, 1] inside. A backbone takes the published generator's place without its
/// random latent.
public final class SelfRDB: Method {
  let estimator: any TimedNetwork
  private let training: AdversarialTraining<TimedDiscriminator>
  /// The channels of the sources whose mean is where the bridge begins; nil for all.
  let origin: [Int]?
  let bridge: Bridge
  public let options: Options
  let drawing: Sampling

  /// - Parameters:
  ///   - generator: takes 2 + S channels: its last estimate, the state, the sources.
  ///   - origin: the channels of the sources whose mean is where the bridge begins; nil for all.
  public init(
    generator: any TimedNetwork, _ store: Parameters, origin: [Int]? = nil, options: Options = Options(),
    rate: Double = 1.6e-4
  ) {
    (estimator, self.origin, self.options) = (generator, origin, options)
    training = AdversarialTraining(
      store, rate: rate, judgingRate: options.discriminatorRate, betas: (0.5, 0.9)
    ) { TimedDiscriminator($0, options.discriminator) }
    bridge = Bridge(
      steps: options.steps, gamma: options.gamma, start: options.betaStart, end: options.betaEnd)
    let sampling = SamplingOptions(samples: options.samples, seed: options.samplingSeed)
    drawing = Sampling(
      sampling, validation: sampling, processSteps: options.steps, estimates: options.recursions)
  }

  /// Channels that the generator takes for so many sources.
  public static func inputs(sources: Int) -> Int { 2 + sources }

  public var generator: TrainedNetwork { training.generator }
  public var networks: [TrainedNetwork] { training.networks }
  public var sampling: Sampling? { drawing }

  /// `l1` is the mean on [0, 1], as other methods report it; `discriminator` has the penalty in it.
  public let losses = ["discriminator", "l1", "adversarial"]

  /// The discriminator first, then the generator, each at steps of its own.
  public func train(on batch: Batch, random: RandomStream) -> [PendingLoss] {
    training.begin(random)
    let images = ends(of: batch)
    let first = draw(like: images.target, from: random)
    return step(images, first, draw(like: images.target, from: random))
  }

  /// One improvement with given random numbers, for comparison with other programs.
  package func step(_ batch: Batch, _ discriminator: Draw, _ generator: Draw) -> [Loss] {
    step(ends(of: batch), discriminator, generator).read()
  }

  private func step(_ images: Ends, _ first: Draw, _ second: Draw) -> [PendingLoss] {
    let discriminator = training.learn {
      discriminatorLoss(images, first, isPenalized: training.judgingSteps % options.penaltyEvery == 0)
    }
    let (total, distance, adversarial) = generatorLosses(images, second)
    training.improve(total)
    return [
      discriminator,
      PendingLoss("l1", distance, by: Double(2 * images.target.count)),
      PendingLoss("adversarial", adversarial),
    ]
  }

  // MARK: - Losses

  private func discriminatorLoss(_ images: Ends, _ draw: Draw, isPenalized: Bool) -> Tensor {
    let state = bridge.state(
      at: draw.steps, target: images.target, source: images.origin, noise: draw.stateNoise)
    let before = bridge.state(
      at: draw.steps.map { $0 - 1 }, target: images.target, source: images.origin, noise: draw.earlierNoise)
    let made = withoutGradient {
      bridge.earlier(
        than: draw.steps, state: state, target: estimate(images, state, draw), source: images.origin,
        noise: draw.transitionNoise)
    }
    let fake = judge(made, state, at: draw.steps).softplus().mean()
    guard isPenalized, options.weightPenalty > 0 else {
      return (-judge(before, state, at: draw.steps)).softplus().mean() + fake
    }
    state.requiresGradient = true
    let real = judge(before, state, at: draw.steps)
    let slope = real.sum().derivative(by: state)
    let penalty = slope.squared().sum() * (options.weightPenalty / Double(state.size(0)))
    return (-real).softplus().mean() + fake + penalty
  }

  private func generatorLosses(_ images: Ends, _ draw: Draw) -> (
    total: Tensor, distance: Tensor, adversarial: Tensor
  ) {
    let state = bridge.state(
      at: draw.steps, target: images.target, source: images.origin, noise: draw.stateNoise)
    let guess = estimate(images, state, draw)
    let made = bridge.earlier(
      than: draw.steps, state: state, target: guess, source: images.origin, noise: draw.transitionNoise)
    let distance = (guess - images.target).abs().sum()
    let adversarial = (-judge(made, state, at: draw.steps)).softplus().mean()
    // A sum over samples, where gradients are averaged over shares of them.
    return (distance * (options.weightL1 * images.shares) + adversarial, distance, adversarial)
  }

  /// The gradients of both losses, left in the networks, for comparison with other programs.
  package func differentiate(_ batch: Batch, _ discriminator: Draw, _ generator: Draw) {
    let images = ends(of: batch)
    _ = training.differentiate { discriminatorLoss(images, discriminator, isPenalized: true) }
    generatorLosses(images, generator).total.backward()
  }

  /// The last of all recursions' estimates of the target; a gradient goes back through all of them.
  private func estimate(_ images: Ends, _ state: Tensor, _ draw: Draw) -> Tensor {
    var guess = Tensor.zeros(state.shape, type: state.type, device: state.device)
    for recursion in 0..<options.recursions {
      guess = estimate(
        guess, state, images.sources, at: draw.steps,
        latent: draw.latents.isEmpty ? nil : draw.latents[recursion])
    }
    return guess
  }

  /// The generator's estimate of the target, told the one before.
  func estimate(_ before: Tensor, _ state: Tensor, _ sources: Tensor, at steps: [Int], latent: Tensor?)
    -> Tensor
  {
    let x = Tensor.concatenated([before, state, sources], axis: 1)
    // A backbone is made for times up to 1000.
    let times = steps.map { latent == nil ? Double($0) * 1000 / Double(bridge.steps) : Double($0) }
    return estimator(x, at: .perSample(times, like: x).reshaped([-1]), latent: latent)
  }

  /// What the discriminator says of the states at `steps` and of those one step before.
  private func judge(_ earlier: Tensor, _ later: Tensor, at steps: [Int]) -> Tensor {
    LibTorch.autocasting(on: later.device) {
      training.discriminator(
        earlier, later, at: .perSample(steps.map(Double.init), like: later).reshaped([-1]))
    }
  }
}

// MARK: - What a step is made of

extension SelfRDB {
  /// Images on [-1, 1], padded.
  struct Ends {
    let sources: Tensor, target: Tensor
    /// Where the bridge begins.
    let origin: Tensor
    /// Equal shares of a batch of which this is one.
    let shares: Double
  }

  /// The random numbers of one network's improvement.
  package struct Draw {
    /// Of the bridge, 1 … T, one a sample.
    package let steps: [Int]
    /// Standard normal, in the target's shape, for: the state, the real state before it, the made state before it.
    package let stateNoise: Tensor, earlierNoise: Tensor, transitionNoise: Tensor
    /// `[B, latent]`, one a recursion; none for a backbone.
    package let latents: [Tensor]

    package init(
      steps: [Int], stateNoise: Tensor, earlierNoise: Tensor, transitionNoise: Tensor, latents: [Tensor]
    ) {
      (self.steps, self.latents) = (steps, latents)
      (self.stateNoise, self.earlierNoise, self.transitionNoise) = (stateNoise, earlierNoise, transitionNoise)
    }
  }

  func ends(of batch: Batch) -> Ends {
    let fitting = Fitting(of: batch.sources, multiple: multiple)
    let sources = fitting.padded(batch.sources).signed
    return Ends(
      sources: sources, target: fitting.padded(batch.target).signed, origin: beginning(of: sources),
      shares: Double(batch.group?.size ?? 1))
  }

  /// Where the bridge begins: one source, or the mean of several.
  package func beginning(of sources: Tensor) -> Tensor {
    guard let origin else { return sources.mean(over: [1], keeping: true) }
    let chosen = origin.map { sources.narrowed(1, from: $0, length: 1) }
    return chosen.count == 1 ? chosen[0] : .concatenated(chosen, axis: 1).mean(over: [1], keeping: true)
  }

  func draw(like target: Tensor, from random: RandomStream) -> Draw {
    let batch = target.size(0)
    let latents = estimator.latent.map { length in
      (0..<options.recursions).map { _ in
        random.normal(like: .zeros([batch, length], type: target.type, device: target.device))
      }
    }
    return Draw(
      steps: random.integers(below: bridge.steps, count: batch).map { $0 + 1 },
      stateNoise: random.normal(like: target), earlierNoise: random.normal(like: target),
      transitionNoise: random.normal(like: target), latents: latents ?? [])
  }

  /// What the images' sides are padded to multiples of: both networks must be able to halve them.
  var multiple: Int { max(options.discriminator.multiple, estimator.multiple) }
}

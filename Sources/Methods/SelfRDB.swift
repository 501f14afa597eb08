import Layers
import Networks
import Torch

/// SelfRDB (Arslan et al. 2024): a diffusion bridge from the sources to the target in a few long steps, each made by a
/// generator that refines its own estimate, trained against a discriminator of neighbouring states.
///
/// The published system has one source. With several the bridge begins at their mean, or at one of them, and all of them
/// are shown to the generator. Works on [-1, 1] inside. A backbone takes the published generator's place without its
/// random latent.
public final class SelfRDB: StepwiseMethod {
  /// What estimates the target.
  public enum Estimator {
    case published(NCSNpp)
    case backbone(any TimedNetwork)
  }

  let estimator: Estimator
  private let store: Parameters
  private let rate: Double
  /// The position of the source at which the bridge begins; nil for the mean of all.
  let origin: Int?
  let bridge: Bridge
  public internal(set) var options: Options
  public var stepObserver: ((Int) -> Void)?
  private lazy var optimizer = Adam(store, rate: rate, betas: SelfRDB.betas)
  private lazy var judge = Judge(store, options, rate: rate * options.discriminatorRate)

  /// Adam's, of both networks.
  static let betas = (0.5, 0.9)

  /// - Parameters:
  ///   - generator: takes 2 + S channels: its last estimate, the state, the sources.
  ///   - origin: the position of the source at which the bridge begins; nil for the mean of all.
  public init(
    generator: Estimator, _ store: Parameters, origin: Int? = nil, options: Options = Options(),
    rate: Double = 1.6e-4
  ) {
    (estimator, self.store, self.origin) = (generator, store, origin)
    (self.options, self.rate) = (options, rate)
    bridge = Bridge(
      steps: options.steps, gamma: options.gamma, start: options.betaStart, end: options.betaEnd)
  }

  /// Channels that the generator takes for so many sources.
  public static func inputs(sources: Int) -> Int { 2 + sources }

  public var generator: TrainedNetwork { TrainedNetwork("generator", store) }

  public var networks: [TrainedNetwork] {
    [
      TrainedNetwork("generator", store, optimizer),
      TrainedNetwork("discriminator", judge.parameters, judge.optimizer),
    ]
  }

  /// `l1` is the mean on [0, 1], as other methods report it; `discriminator` has the penalty in it.
  public let losses = ["discriminator", "l1", "adversarial"]

  /// The discriminator first, then the generator, each at steps of its own.
  public func step(_ batch: Batch) -> [Loss] {
    let images = ends(of: batch)
    let first = draw(like: images.target)
    return step(images, first, draw(like: images.target))
  }

  /// One improvement with given random numbers, for comparison with other programs.
  package func step(_ batch: Batch, _ discriminator: Draw, _ generator: Draw) -> [Loss] {
    step(ends(of: batch), discriminator, generator)
  }

  private func step(_ images: Ends, _ first: Draw, _ second: Draw) -> [Loss] {
    judge.parameters.freeze(false)
    let discriminator = discriminatorLoss(
      images, first, isPenalized: judge.optimizer.steps % options.penaltyEvery == 0)
    discriminator.backward()
    judge.optimizer.step()
    // Frozen, the discriminator passes the gradient on and keeps none for itself.
    judge.parameters.freeze()
    let (total, distance, adversarial) = generatorLosses(images, second)
    total.backward()
    optimizer.step()
    return [
      Loss("discriminator", discriminator.item),
      Loss("l1", distance.item / Double(2 * images.target.count)),
      Loss("adversarial", adversarial.item),
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
    return (distance * options.weightL1 + adversarial, distance, adversarial)
  }

  /// The gradients of both losses, left in the networks, for comparison with other programs.
  package func differentiate(_ batch: Batch, _ discriminator: Draw, _ generator: Draw) {
    let images = ends(of: batch)
    discriminatorLoss(images, discriminator, isPenalized: true).backward()
    judge.parameters.freeze()
    generatorLosses(images, generator).total.backward()
    judge.parameters.freeze(false)
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
    switch estimator {
    case .published(let network):
      guard let latent else { preconditionFailure("the published generator needs a latent") }
      return network(x, at: .steps(steps.map(Double.init), like: x), latent: latent)
    case .backbone(let network):
      // Those are made for times up to 1000.
      let times = steps.map { Double($0) * 1000 / Double(bridge.steps) }
      return network(x, at: .steps(times, like: x))
    }
  }
}

/// The discriminator with its optimiser.
private final class Judge {
  let parameters: Parameters
  let optimizer: Adam
  private let network: TimedDiscriminator

  /// - Parameter generator: gives seed, device and element type.
  init(_ generator: Parameters, _ options: SelfRDB.Options, rate: Double) {
    parameters = Parameters(seed: generator.seed &+ 1, device: generator.device, type: generator.type)
    network = TimedDiscriminator(parameters.root, options.discriminator)
    optimizer = Adam(parameters, rate: rate, betas: SelfRDB.betas)
  }

  func callAsFunction(_ earlier: Tensor, _ later: Tensor, at steps: [Int]) -> Tensor {
    network(earlier, later, at: .steps(steps.map(Double.init), like: later))
  }
}

extension Tensor {
  /// One number a sample, `[B]`, in the type and place of `x`.
  fileprivate static func steps(_ values: [Double], like x: Tensor) -> Tensor {
    Tensor(values, shape: [values.count]).to(x.type).to(x.device)
  }
}

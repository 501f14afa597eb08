import Layers
import Networks
import Torch

extension SelfRDB {
  /// Images on [-1, 1], padded.
  struct Ends {
    let sources: Tensor, target: Tensor
    /// Where the bridge begins.
    let origin: Tensor
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
      sources: sources, target: fitting.padded(batch.target).signed, origin: beginning(of: sources))
  }

  /// Where the bridge begins: one source, or the mean of all.
  func beginning(of sources: Tensor) -> Tensor {
    origin.map { sources.narrowed(1, from: $0, length: 1) } ?? sources.mean(over: [1], keeping: true)
  }

  func draw(like target: Tensor, from random: RandomStream) -> Draw {
    let batch = target.size(0)
    let latents = latentLength.map { length in
      (0..<options.recursions).map { _ in
        random.normal(like: .zeros([batch, length], type: target.type, device: target.device))
      }
    }
    return Draw(
      steps: random.integers(below: bridge.steps, count: batch).map { $0 + 1 },
      stateNoise: random.normal(like: target), earlierNoise: random.normal(like: target),
      transitionNoise: random.normal(like: target), latents: latents ?? [])
  }

  /// Of the published generator's latent.
  var latentLength: Int? {
    if case .published(let network) = estimator { network.architecture.latent } else { nil }
  }

  /// What the images' sides are padded to multiples of: both networks must be able to halve them.
  var multiple: Int {
    let judged = options.discriminator.multiple
    if case .published(let network) = estimator { return max(judged, network.architecture.multiple) }
    return judged
  }
}

import Layers
import Networks
import Torch

extension SelfRDB {
  public func synthesize(_ sources: Tensor, present: Tensor?, passed: Passed) rethrows -> Tensor {
    let fitting = Fitting(of: sources, multiple: multiple)
    let padded = fitting.padded(sources).signed
    let samples = drawing.options.samples
    var sum = try sampled(padded, 0, passed)
    for sample in 1..<max(1, samples) { sum = sum + (try sampled(padded, sample, passed)) }
    return fitting.cropped((sum / Double(samples)).unsigned)
  }

  /// One way down the bridge, on [-1, 1].
  private func sampled(_ sources: Tensor, _ sample: Int, _ passed: Passed) rethrows -> Tensor {
    let source = beginning(of: sources)
    let noise = SamplingNoise(seed: drawing.options.seed, sample: sample)
    let batch = source.size(0)
    func all(_ step: Int) -> [Int] { Array(repeating: step, count: batch) }

    // At the source's end the target has no share.
    var state = bridge.state(
      at: all(bridge.steps), target: source, source: source,
      noise: noise(like: source, step: bridge.steps))
    var guess = state
    for step in stride(from: bridge.steps, to: 0, by: -1) {
      guess = refined(state, sources, at: all(step), sample)
      let done = sample * bridge.steps + bridge.steps - step + 1
      // Where every recursion runs to its end.
      try passed(done * options.recursions, drawing.passes)
      if step == 1 { break }
      state = bridge.earlier(
        than: all(step), state: state, target: guess, source: source,
        noise: noise(like: source, step: step - 1))
    }
    return guess
  }

  /// Estimates of the target until they agree with the one before. Where they do, that one counts, as published.
  ///
  /// Published is a look at the mean over the batch; here every slice looks at itself, so that its image is its own.
  private func refined(_ state: Tensor, _ sources: Tensor, at steps: [Int], _ sample: Int) -> Tensor {
    let batch = state.size(0)
    let latents = SamplingNoise(seed: mix(drawing.options.seed, "latent"), sample: sample)
    var guess = Tensor.zeros(state.shape, type: state.type, device: state.device)
    var open = Tensor.ones([batch, 1], type: state.type, device: state.device)
    for recursion in 0..<options.recursions {
      let latent = estimator.latent.map { length in
        latents(
          like: .zeros([batch, length], type: state.type, device: state.device),
          step: steps[0] * options.recursions + recursion)
      }
      let next = estimate(guess, state, sources, at: steps, latent: latent)
      // A slice that has settled changes by nothing from then on.
      let change = (next - guess).abs().reshaped([batch, -1]).max(over: 1, keeping: true) * open
      guess = change.aligned(with: next).below(options.consistency, guess, else: next)
      open = change.below(options.consistency, open * 0, else: open)
      if recursion + 1 < options.recursions, open.sum().item == 0 { break }
    }
    return guess
  }
}

import Failures
import Layers
import Torch

extension SelfRDB {
  /// Where every recursion runs to its end.
  public var stepsPerImage: Int { options.samples * bridge.steps * options.recursions }

  public var drawing: String {
    "a bridge of \(bridge.steps) steps, \(options.samples) sample\(options.samples == 1 ? "" : "s"), "
      + "seed \(options.samplingSeed)"
  }

  public func redraw(_ change: SamplingChange) throws {
    guard change.steps == nil, change.sampler == nil else {
      throw Failure(
        .usage, "SelfRDB goes the \(bridge.steps) steps it was trained for: leave out --steps and --sampler")
    }
    var options = options
    if let samples = change.samples { options.samples = samples }
    if let seed = change.seed { options.samplingSeed = seed }
    if let refusal = options.refusal { throw Failure(.usage, refusal) }
    self.options = options
  }

  public func synthesize(_ sources: Tensor) -> Tensor {
    let frame = Frame(of: sources, multiple: multiple)
    let padded = frame.padded(sources) * 2 - 1
    var sum = sampled(padded, 0)
    for sample in 1..<max(1, options.samples) { sum = sum + sampled(padded, sample) }
    return frame.cropped((sum / Double(options.samples) + 1) * 0.5)
  }

  /// One way down the bridge, on [-1, 1].
  private func sampled(_ sources: Tensor, _ sample: Int) -> Tensor {
    let source = beginning(of: sources)
    let noise = SamplingNoise(seed: options.samplingSeed, sample: sample)
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
      stepObserver?(done * options.recursions)
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
    let latents = SamplingNoise(seed: mix(options.samplingSeed, "latent"), sample: sample)
    var guess = Tensor.zeros(state.shape, type: state.type, device: state.device)
    var open = Tensor.ones([batch, 1], type: state.type, device: state.device)
    for recursion in 0..<options.recursions {
      let latent = latentLength.map { length in
        latents(
          like: .zeros([batch, length], type: state.type, device: state.device),
          step: steps[0] * options.recursions + recursion)
      }
      let next = estimate(guess, state, sources, at: steps, latent: latent)
      // A slice that has settled changes by nothing from then on.
      let change = (next - guess).abs().reshaped([batch, -1]).max(over: 1, keeping: true) * open
      guess = change.reshaped([batch, 1, 1, 1]).below(options.consistency, guess, else: next)
      open = change.below(options.consistency, open * 0, else: open)
      if recursion + 1 < options.recursions, open.sum().item == 0 { break }
    }
    return guess
  }
}

/// Zeros around images, as many on both sides, up to multiples of what networks can halve.
struct Frame {
  private let height: Int, width: Int
  private let rows: Int, columns: Int

  /// - Parameter images: `[B, C, H, W]`.
  init(of images: Tensor, multiple: Int) {
    (height, width) = (images.size(2), images.size(3))
    (rows, columns) = ((multiple - height % multiple) % multiple, (multiple - width % multiple) % multiple)
  }

  func padded(_ x: Tensor) -> Tensor {
    guard rows + columns > 0 else { return x }
    return x.padded([columns / 2, columns - columns / 2, rows / 2, rows - rows / 2])
  }

  func cropped(_ x: Tensor) -> Tensor {
    guard rows + columns > 0 else { return x }
    return x.narrowed(2, from: rows / 2, length: height).narrowed(3, from: columns / 2, length: width)
  }
}

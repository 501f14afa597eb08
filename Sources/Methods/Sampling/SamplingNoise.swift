import Layers
import Torch

/// A method that makes an image in many steps, starting from noise.
public protocol StepwiseMethod: Method {
  /// Network evaluations that one call of `synthesize` makes.
  var stepsPerImage: Int { get }
  /// Called with the evaluations done after each of them.
  var stepObserver: ((Int) -> Void)? { get set }
  /// How images are drawn, in words: `DDIM, 50 of 1000 steps, 1 sample, seed 1`.
  var drawing: String { get }
  /// Draws otherwise from here on.
  /// - Throws: `.usage` for what this method cannot change.
  func redraw(_ change: SamplingChange) throws
}

/// The noise of sampling: a function of seed, sample and step alone and the same for all slices, so that an image does not
/// depend on how slices are put into batches, and neighbouring slices do not flicker.
struct SamplingNoise {
  let seed: UInt64
  /// Which of several samples that are averaged.
  let sample: Int

  /// Standard normal, in the shape of `x` `[B, C, H, W]`.
  func callAsFunction(like x: Tensor, step: Int) -> Tensor {
    let one = Tensor.normal(
      [1] + x.shape.dropFirst(), seed: mix(seed, "sample \(sample) step \(step)"), type: x.type,
      device: x.device)
    return one.expanded(x.shape)
  }
}

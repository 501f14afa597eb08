import Layers
import Torch

/// The noise of sampling: a function of seed, sample and step alone and the same for all slices, so that an image does not
/// depend on how slices are put into batches, and neighbouring slices do not flicker.
struct SamplingNoise {
  let seed: UInt64
  /// Which of several samples that are averaged.
  let sample: Int

  /// Standard normal, in the shape of `x` `[B, C, spatial…]`.
  func callAsFunction(like x: Tensor, step: Int) -> Tensor {
    let one = Tensor.normal(
      [1] + x.shape.dropFirst(), seed: mix(seed, "sample \(sample) step \(step)"), type: x.type,
      device: x.device)
    return one.expanded(x.shape)
  }
}

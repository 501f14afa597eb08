import Torch

extension Tensor {
  /// Whether this library's own operators serve this map: on the CPU, in float32 or float64, where bfloat16 is not asked for.
  var runsFused: Bool {
    device == .cpu && (type == .float32 || type == .float64) && !LibTorch.isAutocasting(on: .cpu)
  }

  /// Convolves every sample of `[B, C, spatial…]` with a kernel of its own, of `[B, O, C, k…]`.
  func convolved(withOwn kernels: Tensor, padding: Int) -> Tensor {
    let (batch, output) = (kernels.size(0), kernels.size(1))
    let kernel = Array(kernels.shape.dropFirst(2))
    // A GPU is kept busy by one grouped convolution; the CPU's kernels for groups are slower than sample by sample.
    guard device == .cpu else {
      let space = Array(shape.dropFirst(2))
      let y = reshaped([1, batch * size(1)] + space).convolved(
        with: kernels.reshaped([batch * output] + kernel), padding: padding, groups: batch)
      return y.reshaped([batch, output] + Array(y.shape.dropFirst(2)))
    }
    let samples = (0..<batch).map { sample in
      narrowed(0, from: sample, length: 1).convolved(
        with: kernels.narrowed(0, from: sample, length: 1).reshaped([output] + kernel), padding: padding)
    }
    return samples.count == 1 ? samples[0] : .concatenated(samples, axis: 0)
  }
}

import Layers
import TestSupport
import Testing
import Torch

/// FloatRoll (Eq. 4) against its known values and its properties.
@Suite struct FloatRollTests {
  /// Rolls kernels `[B, k, k]` or `[B, k, k, k]` by offsets `[B, d]`.
  private func rolled(_ kernels: Tensor, by offsets: Tensor) -> Tensor {
    let batch = offsets.size(0)
    let size = kernels.size(-1)
    let mixing = FloatRoll.mixing(offsets.reshaped([batch, 1, offsets.size(1)]), size: size)
    let taps = mixing.size(-1)
    return mixing.reshaped([batch, taps, taps]).matmul(kernels.reshaped([batch, taps, 1])).reshaped(
      kernels.shape)
  }

  private func rolled(_ kernel: Tensor, by offsets: [Double]) -> Tensor {
    rolled(kernel.reshaped([1] + kernel.shape), by: Tensor(offsets, shape: [1, offsets.count]))
      .reshaped(kernel.shape)
  }

  private let counting = Tensor((0..<9).map(Double.init), shape: [3, 3])
  private let random = Tensor.normal([3, 3, 3], seed: 3, type: .float64)

  @Test func knownValues() {
    expectClose(
      rolled(counting, by: [0.25, 0]), [0.5, 0.75, 1.75, 3.5, 3.75, 4.75, 6.5, 6.75, 7.75], within: 1e-14)
    expectClose(
      rolled(counting, by: [0, 0.25]), [1.5, 2.5, 3.5, 2.25, 3.25, 4.25, 5.25, 6.25, 7.25], within: 1e-14)
    expectClose(
      rolled(counting, by: [-1.3, 2.4]), [3.1, 3.2, 2.1, 6.1, 6.2, 5.1, 3.7, 3.8, 2.7], within: 1e-14)
  }

  @Test func agreesWithPyTorch() throws {
    let golden = try Golden("float_roll")
    let known = try golden("known/offsets")
    let repeated = try golden("known/kernel").reshaped([1, 3, 3]).expanded([3, 3, 3]).contiguous()
    expectClose(rolled(repeated, by: known), try golden("known/output"), within: 1e-14)

    let kernels = try golden("random/kernel")
    let offsets = try golden("random/offsets")
    kernels.requiresGradient = true
    offsets.requiresGradient = true
    // Two kernels share each pair of offsets; whole offsets are among them.
    let mixing = FloatRoll.mixing(offsets.reshaped([8, 1, 2]), size: 3).reshaped([8, 9, 9])
    let output = Tensor.einsum("bij,bkj->bki", mixing, kernels.reshaped([8, 2, 9])).reshaped([8, 2, 3, 3])
    expectClose(output, try golden("random/output"), within: 1e-13)
    (output * (try golden("random/probe"))).sum().backward()
    expectClose(try #require(kernels.gradient), try golden("random/gradient/kernel"), within: 1e-13, "kernel")
    expectClose(
      try #require(offsets.gradient), try golden("random/gradient/offsets"), within: 1e-13, "offsets")
  }

  @Test(arguments: [[0, 0, 0], [1, -2, 3], [0.3, -1.7, 2.2], [5.5, 0.01, -8.99]])
  func threePeriods(_ offsets: [Double]) {
    for axis in 0..<3 {
      var further = offsets
      further[axis] += 3
      expectClose(rolled(random, by: further), rolled(random, by: offsets), within: 1e-13, "axis \(axis)")
    }
  }

  @Test(arguments: [[1, 0, 0], [0, 1, 0], [0, 0, 1], [-1, 2, 4]])
  func wholeOffsetsRollAsTheTensorDoes(_ offsets: [Double]) {
    // The offset that comes first belongs to the axis that runs fastest.
    let whole = random.rolled(by: offsets.reversed().map { Int($0) }, axes: [0, 1, 2])
    expectClose(rolled(random, by: offsets), whole, within: 0)
  }

  @Test func theKernelKeepsItsSum() {
    for seed in 0..<8 {
      let offsets = Tensor.normal([3], deviation: 4, seed: UInt64(seed), type: .float64).values(Double.self)
      let sum = rolled(random, by: offsets).sum().item
      #expect(abs(sum - random.sum().item) < 1e-12)
    }
  }

  @Test(arguments: [2, 3, 4, 5])
  func kernelsOfOtherSizes(_ size: Int) {
    let kernel = Tensor.normal([size, size], seed: 1, type: .float64)
    let half = rolled(kernel, by: [0.5, 0])
    expectClose(half, (kernel + kernel.rolled(by: [1], axes: [1])) * 0.5, within: 1e-14)
    expectClose(rolled(kernel, by: [Double(size), Double(-size)]), kernel, within: 0)
  }

  @Test func anOffsetHasAGradientAtWholeNumbers() throws {
    let offsets = Tensor([0.0, 0], shape: [1, 2])
    offsets.requiresGradient = true
    (rolled(counting.reshaped([1, 3, 3]), by: offsets) * random.narrowed(0, from: 0, length: 1)).sum()
      .backward()
    let expected = [1, 0].map { axis in
      // The slope to the right: from the kernel to the kernel rolled by one.
      ((counting.rolled(by: [1], axes: [axis]) - counting)
        * random.narrowed(0, from: 0, length: 1).reshaped([3, 3])).sum().item
    }
    expectClose(try #require(offsets.gradient), expected, within: 1e-13)
    #expect(expected.allSatisfy { abs($0) > 0.1 })
  }
}

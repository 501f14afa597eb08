import TestSupport
import Testing
import Torch

@Suite struct NormalisationTests {
  private let x = Tensor.normal([3, 4, 5, 6], mean: 2, deviation: 3, seed: 1, type: .float64)

  /// Mean 0 and variance 1 over the axes that are normalised together.
  private func standardised(_ x: Tensor, over axes: [Int], epsilon: Double) -> Tensor {
    let centred = x - x.mean(over: axes, keeping: true)
    return centred / (centred.squared().mean(over: axes, keeping: true) + epsilon).sqrt()
  }

  @Test func layer() {
    expectClose(
      x.layerNormalized(axes: 2, epsilon: 0.1), standardised(x, over: [2, 3], epsilon: 0.1), within: 1e-13)
    let weight = Tensor.range(1, 7, type: .float64)
    let bias = Tensor.full(0.5, [6], type: .float64)
    expectClose(
      x.layerNormalized(weight: weight, bias: bias), standardised(x, over: [3], epsilon: 1e-5) * weight + 0.5,
      within: 1e-13)
  }

  @Test func group() {
    let weight = Tensor.range(1, 5, type: .float64)
    let bias = Tensor.range(0, 4, type: .float64)
    let grouped = standardised(x.reshaped([3, 2, 2, 5, 6]), over: [2, 3, 4], epsilon: 1e-5).reshaped(x.shape)
    expectClose(
      x.groupNormalized(groups: 2, weight: weight, bias: bias),
      grouped * weight.reshaped([4, 1, 1]) + bias.reshaped([4, 1, 1]), within: 1e-13)
  }

  @Test func instance() {
    expectClose(
      x.instanceNormalized(epsilon: 0.1), standardised(x, over: [2, 3], epsilon: 0.1), within: 1e-13)
    let weight = Tensor.range(1, 5, type: .float64)
    let bias = Tensor.range(0, 4, type: .float64)
    expectClose(
      x.instanceNormalized(weight: weight, bias: bias),
      standardised(x, over: [2, 3], epsilon: 1e-5) * weight.reshaped([4, 1, 1]) + bias.reshaped([4, 1, 1]),
      within: 1e-13)
  }

  /// Single precision must carry the variance of a whole volume whose mean is not zero, in either layout.
  @Test func volumesAreNormalisedToTheLastDigits() {
    let volume = Tensor.normal([1, 16, 48, 48, 48], mean: 5, seed: 2)
    let weight = Tensor.ones([16])
    let bias = Tensor.zeros([16])
    let wanted = volume.to(.float64).instanceNormalized()
    for image in [volume, volume.channelsLast()] {
      expectClose(image.instanceNormalized(weight: weight, bias: bias), wanted, within: 1e-6)
    }
  }

  @Test func batch() {
    let mean = Tensor.zeros([4], type: .float64)
    let variance = Tensor.ones([4], type: .float64)
    let trained = x.batchNormalized(weight: nil, bias: nil, mean: mean, variance: variance, training: true)
    expectClose(trained, standardised(x, over: [0, 2, 3], epsilon: 1e-5), within: 1e-13)
    // A tenth of the way from (0, 1) to the batch's mean and its unbiased variance.
    let centre = x.mean(over: [0, 2, 3], keeping: true)
    expectClose(mean, (centre * 0.1).values(Double.self), within: 1e-13)
    let spread = (x - centre).squared().sum(over: [0, 2, 3]) / 89
    expectClose(variance, spread * 0.1 + 0.9, within: 1e-13)
    let before = mean.values(Double.self)
    let tested = x.batchNormalized(weight: nil, bias: nil, mean: mean, variance: variance, training: false)
    let (m, v) = (mean.reshaped([4, 1, 1]), variance.reshaped([4, 1, 1]))
    expectClose(tested, (x - m) / (v + 1e-5).sqrt(), within: 1e-13)
    #expect(mean.values(Double.self) == before)
  }
}

@Suite struct ResamplingTests {
  private let image = Tensor((0..<16).map(Double.init), shape: [1, 1, 4, 4])
  private let volume = Tensor((0..<8).map(Double.init), shape: [1, 1, 2, 2, 2])

  @Test func pooling() {
    expectClose(image.maxPooled(2), [5, 7, 13, 15], within: 0)
    expectClose(image.maxPooled(2, stride: 1), [5, 6, 7, 9, 10, 11, 13, 14, 15], within: 0)
    expectClose(volume.maxPooled(2), [7], within: 0)
  }

  @Test func nearest() {
    let small = Tensor([1.0, 2], shape: [1, 1, 1, 2])
    expectClose(small.upsampledNearest(2), [1, 1, 2, 2, 1, 1, 2, 2], within: 0)
    #expect(volume.upsampledNearest(3).shape == [1, 1, 6, 6, 6])
  }

  @Test func bilinear() {
    // Corners of the corner pixels' centres, half a pixel to the right of the first, and one far outside.
    let grid = Tensor([-1.0, -1, 1, 1, -1 + 1 / 3.0, -1, 5, 5], shape: [1, 1, 4, 2])
    expectClose(image.sampled(at: grid, alignCorners: true), [0, 15, 0.5, 0], within: 1e-12)
    // Without aligned corners, -1 is the image's edge: a quarter of the corner pixel is inside.
    let edge = Tensor([1.0, 1], shape: [1, 1, 1, 2])
    expectClose(image.sampled(at: edge), [15 / 4.0], within: 1e-12)
    let middle = Tensor([0.0, 0, 0], shape: [1, 1, 1, 1, 3])
    expectClose(volume.sampled(at: middle, alignCorners: true), [3.5], within: 1e-12)
  }

  @Test func dilationAndOutputPadding() {
    let ones = Tensor.ones([1, 1, 3, 3], type: .float64)
    expectClose(
      image.convolved(with: ones, padding: 2, dilation: 2).narrowed(2, from: 0, length: 1),
      [20.0, 24, 20, 24], within: 0)
    let kernel = Tensor.ones([1, 1, 3, 3], type: .float64)
    let small = Tensor([1.0, 2, 3, 4], shape: [1, 1, 2, 2])
    let doubled = small.convolvedTransposed(with: kernel, stride: 2, padding: 1, outputPadding: 1)
    #expect(doubled.shape == [1, 1, 4, 4])
    expectClose(doubled, [1, 3, 2, 2, 4, 10, 6, 6, 3, 7, 4, 4, 3, 7, 4, 4], within: 0)
  }
}

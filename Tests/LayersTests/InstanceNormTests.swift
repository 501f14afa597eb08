import Layers
import TestSupport
import Testing
import Torch

@Suite struct InstanceNormTests {
  /// Slices and volumes, laid out either way.
  @Test(arguments: [[2, 3, 5, 4], [2, 3, 3, 4, 2]], [false, true])
  func everyGradientIsASlope(_ shape: [Int], _ isChannelsLast: Bool) {
    let store = Parameters(type: .float64)
    let norm = InstanceNorm(store.root, 3)
    for (name, tensor) in store.entries { tensor.assign(known(name, tensor.shape) + 1.5) }
    #expect(store.entries.map(\.name) == ["weight", "bias"])
    let image = Tensor.normal(shape, mean: 1, deviation: 2, seed: 1, type: .float64)
    let x = isChannelsLast ? image.channelsLast() : image
    let probe = known("probe", shape)
    expectGradientIsSlope(of: [("x", x)] + store.entries.map { ($0.name, $0.tensor) }, within: 1e-6) {
      (norm(x) * probe).sum()
    }
  }

  /// A batch is its samples, in training as afterwards.
  @Test func samplesDoNotMeet() {
    let store = Parameters()
    let norm = InstanceNorm(store.root, 4)
    let x = Tensor.uniform([3, 4, 6, 5, 7], seed: 1)
    let alone = (0..<3).map { norm(x.narrowed(0, from: $0, length: 1)) }
    expectClose(norm(x), .concatenated(alone, axis: 0), within: 1e-6)
    #expect(store.buffers.isEmpty)
    #expect(store.evaluating { norm(x) }.values(Float.self) == norm(x).values(Float.self))
  }

  @Test func aSinglePixelGivesTheBias() {
    let store = Parameters()
    let norm = InstanceNorm(store.root, 2)
    store["bias"]?.assign(Tensor([3.0, -1], shape: [2]))
    expectClose(norm(.uniform([1, 2, 1, 1, 1], seed: 1)), [3, -1], within: 1e-4)
  }
}

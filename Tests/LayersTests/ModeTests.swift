import Layers
import TestSupport
import Testing
import Torch

/// Layers that are not the same in training and at test time.
@Suite struct ModeTests {
  @Test func batchNormGathersInTrainingOnly() throws {
    let store = Parameters(type: .float64)
    let norm = BatchNorm(store.root / "norm", 3)
    let x = Tensor.normal([4, 3, 5, 2], mean: 2, deviation: 3, seed: 1, type: .float64)
    let y = norm(x)
    #expect(abs(y.mean().item) < 1e-12 && abs(y.squared().mean().item - 1) < 1e-5)
    #expect(store.buffers.map(\.name) == ["norm.running_mean", "norm.running_var"])
    let mean = try #require(store["norm.running_mean"])
    expectClose(mean, x.mean(over: [0, 2, 3]) * 0.1, within: 1e-12)
    let before = mean.values(Double.self)
    let first = store.evaluating { norm(x.narrowed(0, from: 0, length: 1)) }
    expectClose(first, store.evaluating { norm(x) }.narrowed(0, from: 0, length: 1), within: 1e-14)
    #expect(mean.values(Double.self) == before)
  }

  @Test func dropoutKeepsTheMean() {
    let store = Parameters()
    let dropout = Dropout(store.root / "dropout", 0.25)
    let ones = Tensor.ones([4, 8, 64, 64])
    let kept = dropout(ones)
    #expect(Set(kept.values(Float.self)).count == 2)
    #expect(abs(kept.mean().item - 1) < 0.01)
    #expect(store.evaluating { dropout(ones) }.values(Float.self) == ones.values(Float.self))
  }

  @Test func dropoutAtTestDependsOnSeedAndPlace() {
    func kept(_ seed: UInt64, _ place: String) -> [Float] {
      let store = Parameters(seed: seed)
      let dropout = Dropout(store.root / place, 0.25, atTest: true)
      return store.evaluating { dropout(.ones([2, 8, 64, 64])) }.values()
    }
    let one = kept(1, "a")
    #expect(one == kept(1, "a") && one != kept(2, "a") && one != kept(1, "b"))
    #expect(one.prefix(one.count / 2) == one.suffix(one.count / 2), "all slices lose the same")
    #expect(abs(one.reduce(0, +) / Float(one.count) - 1) < 0.01 && Set(one).count == 2)
  }

  /// Before any step from the store's own seed, in a step from the stream that it is given.
  @Test func dropoutDrawsFromTheStoresStream() {
    func kept(_ seed: UInt64, _ stream: UInt64?) -> [Float] {
      let store = Parameters(seed: seed)
      let dropout = Dropout(store.root / "dropout", 0.25)
      if let stream { store.random = RandomStream(seed: stream) }
      return dropout(.ones([4, 8])).values() + dropout(.ones([4, 8])).values()
    }
    #expect(kept(1, nil) == kept(1, nil) && kept(1, nil) != kept(2, nil))
    #expect(kept(1, 5) == kept(2, 5) && kept(1, 5) != kept(1, 6))
  }
}

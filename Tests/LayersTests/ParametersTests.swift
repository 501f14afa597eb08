import Layers
import TestSupport
import Testing
import Torch

@Suite struct ParametersTests {
  @Test func makingIsRegisteringInOrder() {
    let store = Parameters()
    let inner = store.root / "b" / "inner"
    let second = inner.parameter("weight", [2, 3], .zeros)
    let first = (store.root / "a").parameter("bias", [4], .ones)
    let running = (store.root / "a").buffer("mean", [4], .zeros)
    #expect(store.entries.map(\.name) == ["b.inner.weight", "a.bias"])
    #expect(store.buffers.map(\.name) == ["a.mean"])
    #expect(store.count == 10)
    #expect(second.requiresGradient && first.requiresGradient && !running.requiresGradient)
    #expect(store["a.bias"]?.shape == [4] && store["a.mean"]?.shape == [4] && store["c"] == nil)
    first.fill(7)
    #expect(store["a.bias"]?.values(Double.self) == [7, 7, 7, 7])
  }

  @Test func aStartDependsOnSeedAndPathOnly() {
    func draw(_ seed: UInt64, _ path: String, after others: Int = 0) -> [Float] {
      let store = Parameters(seed: seed)
      for other in 0..<others { _ = store.root.parameter("other\(other)", [5], .normal(1)) }
      return (store.root / path).parameter("weight", [8, 4, 3, 3], .kaiming).values(Float.self)
    }
    let numbers = draw(1, "a")
    #expect(draw(1, "a", after: 3) == numbers)
    #expect(draw(2, "a") != numbers && draw(1, "b") != numbers)
  }

  @Test func theStartsAreThoseNamed() {
    let scope = Parameters(type: .float64).root
    #expect(scope.parameter("zeros", [3], .zeros).values(Double.self) == [0, 0, 0])
    #expect(scope.parameter("ones", [2], .ones).values(Double.self) == [1, 1])
    #expect(scope.parameter("constant", [2], .constant(0.3)).values(Double.self) == [0.3, 0.3])
    let uniform = scope.parameter("uniform", [5000], .uniform(0.2)).values(Double.self)
    #expect(
      uniform.allSatisfy { abs($0) <= 0.2 } && uniform.contains { $0 > 0.19 }
        && uniform.contains { $0 < -0.19 })
    let normal = scope.parameter("normal", [5000], .normal(0.02))
    #expect(abs(normal.detached.squared().mean().sqrt().item - 0.02) < 0.001)
    // 16 channels x 3 x 3: within ±1/12.
    let kaiming = scope.parameter("kaiming", [40, 16, 3, 3], .kaiming).values(Double.self)
    #expect(kaiming.allSatisfy { abs($0) <= 1 / 12.0 })
    #expect(kaiming.contains { $0 > 0.99 / 12 } && kaiming.contains { $0 < -0.99 / 12 })
  }

  @Test func kernelsLieChannelsLast() {
    let scope = Parameters(type: .float64).root
    #expect(scope.parameter("slice", [4, 3, 3, 3], .kaiming).isChannelsLast)
    #expect(scope.parameter("volume", [4, 3, 3, 3, 3], .kaiming).isChannelsLast)
    #expect(scope.parameter("double", [2], .ones).type == .float64)
  }

  @Test func frozenParametersPassGradientsOnAndKeepNone() throws {
    let store = Parameters()
    let layer = Convolution(store.root, .init(2, 2, bias: true))
    let x = Tensor.ones([1, 2, 4, 4])
    x.requiresGradient = true
    store.freeze()
    layer(x).sum().backward()
    #expect(store.entries.allSatisfy { $0.tensor.gradient == nil })
    #expect(x.gradient != nil)
    store.freeze(false)
    layer(x).sum().backward()
    #expect(store.entries.allSatisfy { $0.tensor.gradient != nil })
    store.clearGradients()
    #expect(store.entries.allSatisfy { $0.tensor.gradient == nil })
  }

  @Test func evaluatingEndsAsItBegan() {
    struct Stop: Error {}
    let store = Parameters()
    let weight = store.root.parameter("weight", [2], .ones)
    let recorded = store.evaluating { !store.isTraining && !(weight * 2).requiresGradient }
    #expect(recorded)
    #expect(store.isTraining && (weight * 2).requiresGradient)
    #expect(throws: Stop.self) { try store.evaluating { throw Stop() } }
    #expect(store.isTraining && (weight * 2).requiresGradient)
  }

  @Test func nothingIsShownUnlessSomeoneLooks() {
    let store = Parameters()
    let scope = store.root / "stage"
    var computed = 0
    var seen: [String] = []
    func tensor() -> Tensor {
      computed += 1
      return .ones([1])
    }
    scope.show("map", tensor())
    #expect(computed == 0)
    store.observer = { name, _ in seen.append(name) }
    scope.show("map", tensor())
    #expect(computed == 1 && seen == ["stage.map"])
  }

  @Test func aNameIsGivenOnce() async {
    await #expect(processExitsWith: .failure) {
      let scope = Parameters().root / "a"
      _ = scope.parameter("weight", [1], .zeros)
      _ = scope.buffer("weight", [1], .zeros)
    }
  }
}

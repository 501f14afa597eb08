import Layers
import TestSupport
import Testing
import Torch

@Suite struct AdamTests {
  @Test func agreesWithPyTorch() throws {
    let golden = try Golden("adam")
    let store = Parameters(type: .float64)
    let parameter = store.root.parameter("p", [6], .zeros)
    parameter.assign(try golden("initial"))
    let adam = Adam(store, rate: 1e-2, betas: (0.5, 0.999))
    for step in 0..<3 {
      let gradient = try golden("gradients").narrowed(0, from: step, length: 1).reshaped([6])
      (parameter * gradient).sum().backward()
      adam.step()
      #expect(parameter.gradient == nil)
      let expected = try golden("parameter").narrowed(0, from: step, length: 1).reshaped([6])
      expectClose(parameter, expected, within: 1e-13, "after step \(step + 1)")
    }
    let state = Dictionary(uniqueKeysWithValues: adam.state.map { ($0.name, $0.tensor) })
    #expect(state.keys.sorted() == ["p.count", "p.first", "p.second"])
    expectClose(try #require(state["p.first"]), try golden("first_moment"), within: 1e-13)
    expectClose(try #require(state["p.second"]), try golden("second_moment"), within: 1e-13)
    #expect(state["p.count"]?.item == 3)
  }

  @Test func withADecayItIsAdamW() throws {
    let golden = try Golden("adamw")
    let store = Parameters(type: .float64)
    let parameter = store.root.parameter("p", [6], .zeros)
    parameter.assign(try golden("initial"))
    let adam = Adam(store, rate: 1e-2, decay: 0.3)
    for step in 0..<3 {
      #expect(adam.steps == step)
      let gradient = try golden("gradients").narrowed(0, from: step, length: 1).reshaped([6])
      (parameter * gradient).sum().backward()
      adam.step()
      let expected = try golden("parameter").narrowed(0, from: step, length: 1).reshaped([6])
      expectClose(parameter, expected, within: 1e-13, "after step \(step + 1)")
    }
  }

  /// The fused kernel walks through memory: layouts that differed would pair the wrong elements.
  @Test(arguments: [[4, 3, 3, 2], [4, 1, 3, 3], [4, 3, 1, 1], [3, 2, 3, 2, 3]])
  func everyLayoutOfAKernelMovesAlike(_ shape: [Int]) throws {
    let store = Parameters(type: .float64)
    let kernel = store.root.parameter("kernel", shape, .normal(1))
    let flat = store.root.parameter("flat", [kernel.count], .zeros)
    flat.assign(Tensor(kernel.values(Double.self), shape: flat.shape))
    let adam = Adam(store, rate: 0.1)
    for step in 0..<3 {
      let slope = Tensor.normal(shape, seed: UInt64(step), type: .float64)
      (kernel * slope).sum().backward()
      (flat * slope.reshaped(flat.shape)).sum().backward()
      adam.step()
    }
    expectClose(kernel, flat.values(Double.self), within: 1e-15)
  }

  /// `torch.nn.utils.clip_grad_norm_` of (3, 4) and 12 to 1: the norm is 13, the factor 1 / (13 + 1e-6).
  @Test func gradientsAreClippedTogether() throws {
    func gradients(clippedTo largest: Double) throws -> [Double] {
      let store = Parameters(type: .float64)
      let (a, b) = (store.root.parameter("a", [2], .zeros), store.root.parameter("b", [1], .zeros))
      let still = store.root.parameter("c", [1], .zeros)
      ((a * Tensor([3.0, 4], shape: [2])).sum() + (b * 12).sum()).backward()
      Tensor.clipGradients(store.entries.map(\.tensor), to: largest)
      #expect(still.gradient == nil)
      return try #require(a.gradient).values(Double.self) + #require(b.gradient).values()
    }
    let factor = 1 / 13.000_001
    expectClose(try gradients(clippedTo: 1), [3 * factor, 4 * factor, 12 * factor], within: 1e-15)
    #expect(try gradients(clippedTo: 13.1) == [3, 4, 12])
    // And in a step, which looks at their ratio alone, but for the moments.
    let store = Parameters(type: .float64)
    let parameter = store.root.parameter("p", [2], .zeros)
    let adam = Adam(store, rate: 0.1)
    (parameter * Tensor([3.0, 4], shape: [2])).sum().backward()
    adam.step(clippingTo: 1)
    let first = try #require(adam.state.first { $0.name == "p.first" }).tensor
    expectClose(first, [0.06, 0.08], within: 1e-6)
  }

  /// The number of steps is kept at hand, and read anew where a checkpoint may have changed it.
  @Test func stepsAreThoseOfTheState() throws {
    let store = Parameters()
    let parameter = store.root.parameter("p", [1], .zeros)
    let adam = Adam(store)
    for step in 0..<3 {
      #expect(adam.steps == step)
      parameter.sum().backward()
      adam.step()
    }
    try #require(adam.state.first { $0.name == "p.count" }).tensor.fill(7)
    #expect(adam.steps == 7)
    adam.step()
    #expect(adam.steps == 7, "without a gradient nothing is a step")
  }

  @Test func frozenParametersStayWhereTheyAre() {
    let store = Parameters()
    let parameter = store.root.parameter("p", [3], .normal(1))
    let before = parameter.values(Float.self)
    let adam = Adam(store, rate: 0.1)
    adam.step()
    #expect(parameter.values(Float.self) == before)
    #expect(adam.state.allSatisfy { $0.tensor.values(Double.self).allSatisfy { $0 == 0 } })
  }

  @Test func itFindsAMinimum() {
    let store = Parameters()
    let parameter = store.root.parameter("p", [8], .normal(1))
    let adam = Adam(store, rate: 0.05)
    for _ in 0..<300 {
      (parameter - 2).squared().sum().backward()
      adam.step()
    }
    expectClose(parameter, Array(repeating: 2, count: 8), within: 1e-2)
  }
}

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

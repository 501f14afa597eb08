import Layers
import TestSupport
import Testing
import Torch

/// Layers in bfloat16 as autocast runs them, here on the CPU; the precision is a process's, so each has one of its own.
@Suite(.enabled(if: triesBfloat16)) struct AutocastTests {
  /// A loss and the gradients of a module at the paper's groups and a width and side of use.
  private static func gradients(_ module: (Tensor) -> Tensor, _ store: Parameters) throws -> [String: Tensor]
  {
    let x = Tensor.normal([2, 32, 96, 96], seed: 1).channelsLast()
    let output = LibTorch.autocasting(on: .cpu) { module(x) }
    (output * Tensor.uniform(output.shape, seed: 2)).sum().backward()
    defer { store.clearGradients() }
    var gradients = ["output": output.detached]
    for (name, tensor) in store.entries {
      let gradient: Tensor = try #require(tensor.gradient)
      gradients[name] = gradient
    }
    return gradients
  }

  /// What reads offsets and scales off a map is a sum over all its pixels, and small beside them.
  @Test func routingKeepsItsGradients() async {
    await #expect(processExitsWith: .success) {
      let store = Parameters()
      let module = CAGR(store.root, .init(32, 32), groups: 8)
      for (index, entry) in store.entries.enumerated() {
        entry.tensor.assign(
          entry.tensor.detached + .normal(entry.tensor.shape, deviation: 0.1, seed: UInt64(40 + index)))
      }
      let expected = try AutocastTests.gradients(module.reference, store)
      LibTorch.precision = .bf16
      let found = try AutocastTests.gradients({ module($0) }, store)
      for (name, expected) in expected {
        let found = try #require(found[name])
        #expect(found.type == .float32)
        let (error, size) = ((found - expected).squared().sum().item, expected.squared().sum().item)
        #expect(error > 0 && error < 0.05 * 0.05 * size, "\(name): \((error / size).squareRoot())")
      }
    }
  }
}

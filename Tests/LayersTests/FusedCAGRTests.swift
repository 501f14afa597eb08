import Layers
import TestSupport
import Testing
import Torch

/// The one-operator form against the module written step by step: the same numbers, output and every gradient.
struct FusedCAGRTests {
  struct Case: Sendable, CustomStringConvertible {
    var attends = true
    var rolls = true
    var groups = 4
    var batch = 3
    var output = 16
    var description: String {
      "attends \(attends), rolls \(rolls), n = \(groups), B = \(batch), O = \(output)"
    }
  }

  static let cases = [
    Case(), Case(groups: 8, batch: 1), Case(groups: 1, batch: 2), Case(output: 8), Case(rolls: false),
    Case(rolls: false, batch: 1), Case(attends: false), Case(attends: false, groups: 2, batch: 1),
  ]

  @Test(arguments: cases) func equalsTheComposition(_ test: Case) throws {
    func run(_ form: (CAGR, Tensor) -> Tensor) throws -> [(name: String, values: [Double])] {
      let store = Parameters(seed: 3, type: .float64)
      let module = CAGR(
        store.root, ConvolutionShape(16, test.output), groups: test.groups, attends: test.attends,
        rolls: test.rolls)
      // The offsets and scales start from zero weights; here they roll far, to both sides.
      for (index, entry) in store.entries.enumerated() where entry.name.hasPrefix("routing.") {
        let spread = entry.name.contains("offset") ? 8.0 : 0.5
        let noise = Tensor.normal(entry.tensor.shape, deviation: spread, seed: UInt64(index), type: .float64)
        entry.tensor.assign(entry.tensor.detached + noise)
      }
      let x = Tensor.normal([test.batch, 16, 9, 7], seed: 5, type: .float64)
      x.requiresGradient = true
      let y = form(module, x)
      let probe = Tensor.normal(y.shape, seed: 6, type: .float64)
      (y * probe).sum().backward()
      let gradients = try store.entries.map {
        ($0.name, try #require($0.tensor.gradient).values(Double.self))
      }
      return [("output", y.values()), ("input", try #require(x.gradient).values())] + gradients
    }
    let fused = try run { $0.fused($1) }
    let reference = try run { $0.reference($1) }
    #expect(fused.map(\.name) == reference.map(\.name))
    for (a, b) in zip(fused, reference) { expectClose(a.values, b.values, within: 1e-11, a.name) }
  }
}

import TestSupport
import Testing
import Torch

/// Convolutions of float32 maps with many channels go another way: held to the direct one in double precision.
@Suite struct WinogradTests {
  struct Case: Sendable, CustomStringConvertible {
    var batch: Int, input: Int, output: Int, height: Int, width: Int
    var bias = false
    var description: String { "\(batch) x \(input) x \(height) x \(width) to \(output), bias \(bias)" }
  }

  static let cases = [
    Case(batch: 1, input: 32, output: 32, height: 28, width: 28),
    Case(batch: 2, input: 48, output: 32, height: 19, width: 21),
    Case(batch: 1, input: 32, output: 80, height: 33, width: 40),
    Case(batch: 3, input: 32, output: 64, height: 30, width: 17, bias: true),
    // Few tiles and many kernels: threads share the products.
    Case(batch: 1, input: 256, output: 336, height: 26, width: 25),
    Case(batch: 1, input: 64, output: 64, height: 67, width: 64),
    // Too few tiles: the direct one.
    Case(batch: 1, input: 32, output: 32, height: 8, width: 8),
  ]

  private func run(_ test: Case, _ type: ElementType) throws -> [(name: String, values: Tensor)] {
    let x = Tensor.normal([test.batch, test.input, test.height, test.width], seed: 1).to(type)
    let weight = Tensor.normal([test.output, test.input, 3, 3], deviation: 0.1, seed: 2).to(type)
    let bias = Tensor.normal([test.output], seed: 3).to(type)
    let leaves = test.bias ? [x, weight, bias] : [x, weight]
    for leaf in leaves { leaf.requiresGradient = true }
    let y = x.convolved(with: weight, bias: test.bias ? bias : nil, padding: 1)
    (y * .normal(y.shape, seed: 4).to(type)).sum().backward()
    let gradients = try leaves.map { try #require($0.gradient) }
    return [(name: "output", values: y.detached)]
      + zip(["input", "weight", "bias"], gradients).map { (name: $0, values: $1) }
  }

  @Test(arguments: cases) func agreesWithTheDirectOne(_ test: Case) throws {
    let (found, exact) = (try run(test, .float32), try run(test, .float64))
    #expect(found.map(\.name) == exact.map(\.name))
    for (a, b) in zip(found, exact) {
      #expect(a.values.shape == b.values.shape)
      expectClose(a.values.values(Double.self), b.values.values(Double.self), within: 2e-5, a.name)
    }
  }

  @Test func theNumberOfThreadsDoesNotMatter() {
    let x = Tensor.normal([2, 64, 40, 40], seed: 1)
    let weight = Tensor.normal([64, 64, 3, 3], seed: 2)
    let before = LibTorch.threads
    defer { LibTorch.threads = before }
    let results = [1, 2, 3].map { threads in
      LibTorch.threads = threads
      return x.convolved(with: weight, padding: 1).values(Float.self)
    }
    #expect(results[0] == results[1] && results[1] == results[2])
  }

  @Test func whatIsNotANumberPassesThrough() {
    let x = Tensor.normal([1, 32, 28, 28], seed: 1)
    let weight = Tensor.full(.nan, [32, 32, 3, 3])
    let values = x.convolved(with: weight, padding: 1).values(Float.self)
    #expect(values.allSatisfy { $0.isNaN })
  }
}

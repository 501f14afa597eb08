import TestSupport
import Testing
import Torch

/// Convolutions of float32 maps with many channels go another way: held to the direct one in double precision.
@Suite struct WinogradTests {
  struct Case: Sendable, CustomStringConvertible {
    var batch: Int, input: Int, output: Int, side: [Int]
    var bias = false
    var description: String { "\(batch) x \(input) x \(side) to \(output), bias \(bias)" }
  }

  static let cases = [
    Case(batch: 1, input: 32, output: 32, side: [28, 28]),
    Case(batch: 2, input: 48, output: 32, side: [19, 21]),
    Case(batch: 1, input: 32, output: 80, side: [33, 40]),
    Case(batch: 3, input: 32, output: 64, side: [30, 17], bias: true),
    // Few tiles and many kernels: threads share the products.
    Case(batch: 1, input: 256, output: 336, side: [26, 25]),
    Case(batch: 1, input: 64, output: 64, side: [67, 64]),
    // As users train.
    Case(batch: 4, input: 32, output: 32, side: [128, 128], bias: true),
    // Too few tiles: the direct one.
    Case(batch: 1, input: 32, output: 32, side: [8, 8]),
    // Volumes: sides that no tile divides, one plane, narrow ones, bands, shared products.
    Case(batch: 1, input: 32, output: 32, side: [7, 9, 13]),
    Case(batch: 2, input: 16, output: 48, side: [1, 16, 18], bias: true),
    Case(batch: 2, input: 64, output: 32, side: [12, 3, 21], bias: true),
    Case(batch: 1, input: 64, output: 64, side: [16, 24, 20]),
    Case(batch: 1, input: 128, output: 144, side: [9, 12, 13]),
    // So small that kernels outweigh them.
    Case(batch: 3, input: 32, output: 16, side: [2, 5, 4], bias: true),
    Case(batch: 1, input: 256, output: 256, side: [4, 4, 4]),
  ]

  private func run(_ test: Case, _ type: ElementType) throws -> [(name: String, values: Tensor)] {
    let x = Tensor.normal([test.batch, test.input] + test.side, seed: 1).to(type)
    let kernel = test.side.map { _ in 3 }
    let weight = Tensor.normal([test.output, test.input] + kernel, deviation: 0.1, seed: 2).to(type)
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

  @Test(arguments: [Case(batch: 2, input: 64, output: 64, side: [40, 40]), volume])
  func theNumberOfThreadsDoesNotMatter(_ test: Case) throws {
    let before = LibTorch.threads
    defer { LibTorch.threads = before }
    let results = try [1, 2, 3].map { threads in
      LibTorch.threads = threads
      return try run(test, .float32).map { $0.values.values(Float.self) }
    }
    #expect(results[0] == results[1] && results[1] == results[2])
  }

  private static let volume = Case(batch: 2, input: 64, output: 32, side: [10, 20, 24])

  /// Kernels may lie in memory either way, and so do their gradients.
  @Test(arguments: [[30, 29], [8, 12, 9]]) func theLayoutOfKernelsDoesNotMatter(_ side: [Int]) throws {
    let x = Tensor.normal([1, 32] + side, seed: 1)
    let weight = Tensor.normal([48, 32] + side.map { _ in 3 }, deviation: 0.1, seed: 2)
    let results = try [weight, weight.channelsLast()].map { weight in
      weight.requiresGradient = true
      let y = x.convolved(with: weight, padding: 1)
      (y * .normal(y.shape, seed: 3)).sum().backward()
      return [y.values(Float.self), try #require(weight.gradient).values()]
    }
    #expect(results[0] == results[1])
  }

  @Test(arguments: [[28, 28], [6, 16, 16], [2, 4, 4]]) func whatIsNotANumberPassesThrough(_ side: [Int]) {
    let x = Tensor.normal([1, 32] + side, seed: 1)
    let weight = Tensor.full(.nan, [32, 32] + side.map { _ in 3 })
    let values = x.convolved(with: weight, padding: 1).values(Float.self)
    #expect(values.allSatisfy { $0.isNaN })
  }
}

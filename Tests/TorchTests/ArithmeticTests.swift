import Foundation
import TestSupport
import Testing
import Torch

/// Every operator against numbers worked out by other means.
@Suite struct ArithmeticTests {
  private let a = Tensor([1.0, -2, 3, 0.5], shape: [2, 2])
  private let b = Tensor([4.0, 5, -1, 2], shape: [2, 2])

  @Test func twoTensors() {
    expectClose(a + b, [5, 3, 2, 2.5], within: 0)
    expectClose(a - b, [-3, -7, 4, -1.5], within: 0)
    expectClose(a * b, [4, -10, -3, 1], within: 0)
    expectClose(a / b, [0.25, -0.4, -3, 0.25], within: 1e-15)
    expectClose(a.matmul(b), [6, 1, 11.5, 16], within: 0)
    expectClose(Tensor.einsum("ij,kj->ik", a, b), [-6, -5, 14.5, -2], within: 0)
    expectClose(a.copied().addingInPlace(b), [5, 3, 2, 2.5], within: 0)
  }

  @Test func tensorAndNumber() {
    expectClose(a + 1, [2, -1, 4, 1.5], within: 0)
    expectClose(1 + a, [2, -1, 4, 1.5], within: 0)
    expectClose(a - 1, [0, -3, 2, -0.5], within: 0)
    expectClose(1 - a, [0, 3, -2, 0.5], within: 0)
    expectClose(a * 2, [2, -4, 6, 1], within: 0)
    expectClose(2 * a, [2, -4, 6, 1], within: 0)
    expectClose(a / 2, [0.5, -1, 1.5, 0.25], within: 0)
    expectClose(-a, [-1, 2, -3, -0.5], within: 0)
  }

  /// Where the threshold is met exactly, the tensor is not below it.
  @Test func aChoiceByThreshold() {
    expectClose(a.below(0.5, b, else: a * 10), [10, 5, 30, 5], within: 0)
    expectClose(a.below(.infinity, Tensor([7.0], shape: [1]), else: b), [7, 7, 7, 7], within: 0)
  }

  @Test func broadcasting() {
    let row = Tensor([10.0, 20], shape: [2])
    let column = Tensor([10.0, 20], shape: [2, 1])
    expectClose(a + row, [11, 18, 13, 20.5], within: 0)
    expectClose(a + column, [11, 8, 23, 20.5], within: 0)
    #expect((row + column).shape == [2, 2])
  }

  @Test(arguments: [-2.0, -0.75, 0, 0.25, 1.5])
  func oneNumber(_ x: Double) {
    let t = Tensor([x], shape: [1])
    func expect(_ result: Tensor, _ value: Double, _ name: String) {
      expectClose(result, [value], within: 1e-14, orAbsolutely: 1e-14, "\(name)(\(x))")
    }
    expect(t.relu(), max(x, 0), "relu")
    expect(t.copied().reluInPlace(), max(x, 0), "relu in place")
    expect(t.leakyRelu(0.1), x > 0 ? x : 0.1 * x, "leaky relu")
    expect(t.gelu(), x * 0.5 * (1 + erf(x / 2.0.squareRoot())), "gelu")
    expect(t.silu(), x / (1 + exp(-x)), "silu")
    expect(t.sigmoid(), 1 / (1 + exp(-x)), "sigmoid")
    expect(t.tanh(), tanh(x), "tanh")
    expect(t.exp(), exp(x), "exp")
    expect(t.squared(), x * x, "square")
    expect(t.abs(), abs(x), "abs")
    expect(t.floor(), x.rounded(.down), "floor")
    expect(t.cos(), cos(x), "cos")
    expect(t.sin(), sin(x), "sin")
    expect(t.clamped(-0.5, 1), min(max(x, -0.5), 1), "clamp")
    expect(t.remainder(3), x < 0 ? x + 3 : x, "remainder")
    expect(t.abs().sqrt(), abs(x).squareRoot(), "sqrt")
    expect((t.abs() + 1).log(), log(abs(x) + 1), "log")
  }

  @Test func softmax() {
    let rows = a.softmax(over: 1)
    let one = 1 / (1 + exp(-3.0))
    let two = 1 / (1 + exp(-2.5))
    expectClose(rows, [one, 1 - one, two, 1 - two], within: 1e-14)
    expectClose(a.softmax(over: 0).sum(over: [0]), [1, 1], within: 1e-14)
  }

  @Test func reductions() {
    let t = Tensor((0..<24).map(Double.init), shape: [2, 3, 4])
    #expect(t.sum().item == 276 && t.mean().item == 11.5 && t.sum().shape == [])
    expectClose(t.sum(over: [0, 2]), [60, 92, 124], within: 0)
    #expect(t.sum(over: [0, 2], keeping: true).shape == [1, 3, 1])
    expectClose(t.mean(over: [1]), [4, 5, 6, 7, 16, 17, 18, 19], within: 0)
    #expect(t.mean(over: [1], keeping: true).shape == [2, 1, 4])
    expectClose(t.max(over: 2), [3, 7, 11, 15, 19, 23], within: 0)
    #expect(t.max(over: 2, keeping: true).shape == [2, 3, 1])
  }

  @Test func losses() {
    #expect(abs(a.meanSquaredError(b).item - (9 + 49 + 16 + 2.25) / 4) < 1e-14)
    #expect(abs(a.meanAbsoluteError(b).item - (3 + 7 + 4 + 1.5) / 4) < 1e-14)
    let target = Tensor([1.0, 0, 1, 0], shape: [2, 2])
    // -log sigmoid(x) where 1 is wanted, -log sigmoid(-x) where 0 is.
    let expected = [-1.0, -2, -3, 0.5].map { log(1 + exp($0)) }.reduce(0, +) / 4
    #expect(abs(a.crossEntropyWithLogits(target).item - expected) < 1e-14)
  }
}

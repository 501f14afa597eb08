import Testing
import Torch

@Suite struct RandomTests {
  @Test func aSeedFixesTheNumbers() {
    let shape = [1000]
    let a = Tensor.normal(shape, seed: 7).values(Float.self)
    _ = Tensor.uniform(shape, seed: 3)
    #expect(Tensor.normal(shape, seed: 7).values(Float.self) == a)
    #expect(Tensor.normal(shape, seed: 8).values(Float.self) != a)
    let b = Tensor.uniform(shape, seed: 7, type: .float64).values(Double.self)
    #expect(Tensor.uniform(shape, seed: 7, type: .float64).values(Double.self) == b)
    #expect(Set(b).count == 1000)
  }

  @Test func theBoundsAndTheMomentsAreThoseAsked() {
    let uniform = Tensor.uniform([20_000], low: -1, high: 3, seed: 5, type: .float64)
    #expect(uniform.values(Double.self).allSatisfy { $0 >= -1 && $0 < 3 })
    #expect(abs(uniform.mean().item - 1) < 0.05)
    let normal = Tensor.normal([20_000], mean: 2, deviation: 0.5, seed: 5, type: .float64)
    #expect(abs(normal.mean().item - 2) < 0.02)
    #expect(abs((normal - 2).squared().mean().sqrt().item - 0.5) < 0.02)
  }

  @Test func wholeNumbersFillTheirRange() {
    let values = Tensor.randomIntegers(below: 5, count: 5000)
    #expect(Set(values) == [0, 1, 2, 3, 4])
    #expect((0..<5).allSatisfy { value in abs(values.count { $0 == value } - 1000) < 150 })
    #expect(Tensor.randomIntegers(below: 1, count: 3) == [0, 0, 0])
  }
}

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

  @Test func wholeNumbersCoverTheirRange() {
    let drawn = Tensor.randomIntegers(below: 5, count: 2000)
    #expect(Set(drawn) == [0, 1, 2, 3, 4])
    for number in 0..<5 { #expect(abs(drawn.count { $0 == number } - 400) < 120) }
  }

  @Test func noiseLikeATensorHasItsShapeAndType() {
    let noise = Tensor.normal(like: .zeros([50, 400], type: .float64))
    #expect(noise.shape == [50, 400] && noise.type == .float64 && !noise.requiresGradient)
    #expect(abs(noise.mean().item) < 0.05 && abs(noise.squared().mean().item - 1) < 0.1)
  }

  /// The process-wide stream is for one test at a time, hence a process of its own.
  @Test func theProcessStreamStartsAnewWithItsSeed() async {
    await #expect(processExitsWith: .success) {
      func draw(_ seed: UInt64) -> ([Int], [Float]) {
        LibTorch.seed(seed)
        return (Tensor.randomIntegers(below: 1000, count: 8), Tensor.normal(like: .zeros([8])).values())
      }
      let first = draw(3)
      #expect(draw(3) == first)
      #expect(draw(4).0 != first.0 && draw(4).1 != first.1)
    }
  }
}

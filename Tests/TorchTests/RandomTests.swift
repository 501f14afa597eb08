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
    let drawn = RandomStream(seed: 1).integers(below: 5, count: 2000)
    #expect(Set(drawn) == [0, 1, 2, 3, 4])
    for number in 0..<5 { #expect(abs(drawn.count { $0 == number } - 400) < 120) }
  }

  @Test func noiseLikeATensorHasItsShapeAndType() {
    let noise = RandomStream(seed: 1).normal(like: .zeros([50, 400], type: .float64))
    #expect(noise.shape == [50, 400] && noise.type == .float64 && !noise.requiresGradient)
    #expect(abs(noise.mean().item) < 0.05 && abs(noise.squared().mean().item - 1) < 0.1)
  }

  @Test func aStreamFollowsItsSeedAndNoOther() {
    func draw(_ stream: RandomStream) -> ([Int], [Float], [Float]) {
      (
        stream.integers(below: 1000, count: 8), stream.normal(like: .zeros([8])).values(),
        Tensor.ones([64]).dropout(0.5, from: stream).values()
      )
    }
    let (one, same, other) = (RandomStream(seed: 3), RandomStream(seed: 3), RandomStream(seed: 4))
    let first = draw(one)
    _ = draw(other)
    // What is drawn from another stream in between changes nothing; what is drawn next is something else.
    #expect(draw(same) == first)
    #expect(draw(RandomStream(seed: 4)).0 != first.0 && draw(other).1 != first.1)
    let next = draw(one)
    #expect(next.0 != first.0 && next.1 != first.1 && next.2 != first.2)
    #expect(draw(same) == next)
  }

  @Test func dropoutIsAMaskOfTheStream() {
    let x = Tensor.normal([4, 6, 5, 5], seed: 2, type: .float64)
    x.requiresGradient = true
    let kept = x.dropout(0.25, from: RandomStream(seed: 7))
    let shares = (kept / x).values(Double.self)
    #expect(shares.allSatisfy { $0 == 0 || abs($0 - 4 / 3) < 1e-12 })
    #expect(abs(shares.reduce(0, +) / Double(x.count) - 1) < 0.1)
    kept.sum().backward()
    #expect(x.gradient?.values(Double.self).map { $0 > 0 } == shares.map { $0 > 0 })
    let channels = Tensor.ones([8, 8, 3, 2, 2]).channelDropout(0.5, from: RandomStream(seed: 7))
    #expect(Set(channels.sum(over: [2, 3, 4]).values(Float.self)) == [0, 24])
    #expect(x.dropout(0, from: RandomStream(seed: 7)).values(Double.self) == x.values())
  }
}

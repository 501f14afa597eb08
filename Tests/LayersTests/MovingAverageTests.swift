import Layers
import TestSupport
import Testing
import Torch

@Suite struct MovingAverageTests {
  private func store(_ value: Double) -> Parameters {
    let store = Parameters(type: .float64)
    _ = store.root.parameter("weight", [2], .constant(value))
    _ = store.root.buffer("mean", [1], .constant(value))
    return store
  }

  /// Slow from the start would be mostly the start after a short run: (1 + t) / (10 + t) bounds the decay.
  @Test func earlyStepsKeepLess() {
    let decays = [(1, 2 / 11.0), (2, 3 / 12.0), (90, 91 / 100.0), (1_000_000, 0.9999)]
    for (step, decay) in decays { #expect(MovingAverage.decay(0.9999, at: step) == decay) }
    #expect(MovingAverage.decay(0.1, at: 1) == 0.1)
  }

  @Test func itFollowsByTheFormula() {
    let (average, trained) = (store(1), store(5))
    let moving = MovingAverage(average, of: trained, decay: 0.3)
    var expected = 1.0
    for (step, value) in [(1, 5.0), (2, -2), (3, 8), (50, 0.5)] {
      trained["weight"]?.fill(value)
      trained["mean"]?.fill(value)
      moving.follow(step: step)
      let decay = min(0.3, Double(1 + step) / Double(10 + step))
      expected = decay * expected + (1 - decay) * value
      #expect(average["weight"]?.values(Double.self).allSatisfy { abs($0 - expected) < 1e-14 } == true)
      #expect(average["mean"]?.item == value)
    }
  }

  @Test func theAverageGetsNoGradientAndTheTrainedKeepsIts() throws {
    let (average, trained) = (store(1), store(1))
    let moving = MovingAverage(average, of: trained, decay: 0.9)
    let weight = try #require(trained["weight"])
    (weight * 2).sum().backward()
    moving.follow(step: 1)
    #expect(average["weight"]?.requiresGradient == false && average["weight"]?.gradient == nil)
    #expect(weight.requiresGradient && weight.gradient?.values(Double.self) == [2, 2])
  }
}

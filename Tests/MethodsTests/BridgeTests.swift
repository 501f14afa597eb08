import Methods
import TestSupport
import Testing

/// SelfRDB's bridge in numbers.
@Suite struct BridgeTests {
  private let bridge = Bridge()

  @Test func theScheduleIsThePublishedOne() {
    func expect(_ values: [Double], _ published: [Double], _ what: String) {
      #expect(values.count == published.count)
      for (index, (value, expected)) in zip(values, published).enumerated() {
        #expect(abs(value - expected) < 0.50001e-5, "\(what) at \(index): \(value)")
      }
    }
    let rise = [0, 0.1, 0.11518, 0.13143, 0.14875]
    expect(bridge.betas, rise + [0.16714] + rise.reversed(), "beta")
    expect([bridge.betas.reduce(0, +)], [1.15784], "sum of betas")
    let shares = [1, 0.9205, 0.83097, 0.73116, 0.62088, 0.5, 0.37912, 0.26884, 0.16903, 0.0795, 0]
    expect(bridge.targetShares, shares, "target's share")
    expect(bridge.sourceShares, shares.reversed(), "source's share")
    expect(
      bridge.deviations,
      [
        0, 0.29109, 0.4219, 0.52872, 0.62369, 0.71126, 0.79815, 0.87193, 0.93546, 0.99048, 1.07603,
      ], "deviation")
  }

  @Test(arguments: [2, 3, 4, 5, 10, 11, 100])
  func everyLengthBridges(_ steps: Int) {
    let bridge = Bridge(steps: steps, gamma: 0.5)
    #expect(bridge.betas.count == steps + 1 && bridge.betas == bridge.betas.reversed())
    for (target, source) in zip(bridge.targetShares, bridge.sourceShares) {
      #expect(abs(target + source - 1) < 1e-14)
    }
    #expect(bridge.targetShares.first == 1 && bridge.targetShares.last == 0)
    #expect(zip(bridge.targetShares, bridge.targetShares.dropFirst()).allSatisfy { $0 > $1 })
    #expect(bridge.deviations.first == 0 && bridge.deviations.dropFirst().allSatisfy { $0 > 0 })
    let twice = Bridge(steps: steps, gamma: 1).deviations
    #expect(zip(bridge.deviations, twice).allSatisfy { abs(2 * $0 - $1) < 1e-14 })
  }

  @Test(arguments: [2, 3, 10, 11, 100])
  func stepsBackKeepWhatTheyStandFor(_ steps: Int) {
    let bridge = Bridge(steps: steps)
    var spreads = [Double]()
    for beta in bridge.betas { spreads.append((spreads.last ?? 0) + beta) }
    for step in 1...steps {
      let back = bridge.transition(from: step)
      #expect(abs(back.target + back.source + back.state - 1) < 1e-13, "weights at \(step)")
      #expect(back.deviation.isFinite && back.state >= 0, "step \(step)")
      // Without noise, a state on the line between both ends stays on it.
      let target = back.target + back.state * bridge.targetShares[step]
      #expect(abs(target - bridge.targetShares[step - 1]) < 1e-13, "target's share at \(step)")
      // Noise of variance s_t² becomes noise of variance s_{t-1}².
      let variance = back.state * back.state * spreads[step] + back.deviation * back.deviation
      #expect(abs(variance - spreads[step - 1]) < 1e-13, "variance at \(step)")
    }
    let last = bridge.transition(from: 1)
    #expect((last.target, last.source, last.state) == (1, 0, 0) && last.deviation == 0)
  }
}

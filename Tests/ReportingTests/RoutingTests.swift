import Foundation
import Reporting
import Testing

@Suite struct RoutingTests {
  /// Two slices, two groups: group 1 at (3, 4) and (3, 4), group 2 at (0, 1) and (0, -1).
  private var observed: RoutingObservation {
    var observation = RoutingObservation()
    observation.add("down1.block1.first.gate", [0.25, 0.75, 0.25, 0.75], shape: [2, 2])
    observation.add("down1.block1.first.offset", [3, 4, 0, 1, 3, 4, 0, -1], shape: [2, 2, 2])
    observation.add("down1.block1.first.scale", [0.5, 0.7, 0.5, 0.9], shape: [2, 2])
    return observation
  }

  @Test func figuresAreThoseOfKnownOffsets() throws {
    let summary = observed.summary(named: "a", slices: 2)
    let module = try #require(summary.modules.first)
    #expect(summary.modules.count == 1 && module.path == "down1.block1.first")
    #expect(module.groups.count == 2)
    #expect(module.groups[0].x == RoutingSummary.Figure(mean: 3, deviation: 0))
    #expect(module.groups[0].y == RoutingSummary.Figure(mean: 4, deviation: 0))
    #expect(module.groups[1].y?.mean == 0)
    #expect(abs((module.groups[1].y?.deviation ?? 0) - 2.0.squareRoot()) < 1e-12)
    #expect(module.meanOffset == 3)
    #expect(module.largestOffset == 5)
    #expect(module.offsetSpread == 1)
    #expect(abs((module.groups[1].scale?.mean ?? 0) - 0.8) < 1e-12)
    #expect(module.meanGate == 0.5)
    #expect(module.gates[5] == 0.5 && module.gates[15] == 0.5)
    #expect(!summary.isUnrolled)
    #expect(summary.sentences.contains("5.000") && !summary.sentences.contains("Nothing"))
  }

  /// Volumes are rolled along three axes: eight groups are eight, not twelve.
  @Test func offsetsInThreeAxesAreOneGroupEach() throws {
    var observation = RoutingObservation()
    let row = (0..<8).flatMap { group -> [Double] in [2, 3, group == 7 ? 6 : 0] }
    observation.add("m.offset", row + row, shape: [2, 8, 3])
    observation.add("m.scale", [Double](repeating: 0.5, count: 16), shape: [2, 8])
    let summary = observation.summary(named: "a", slices: 2)
    let module = summary.modules[0]
    #expect(module.groups.count == 8 && module.groups.allSatisfy { $0.offsets.count == 3 && $0.scale != nil })
    #expect(module.groups[7].offsets.map(\.mean) == [2, 3, 6])
    #expect(abs((module.largestOffset ?? 0) - 7) < 1e-12)
    #expect(abs((module.meanOffset ?? 0) - (7 * 13.0.squareRoot() + 7) / 8) < 1e-12)
    let data = try JSONEncoder().encode(summary)
    #expect(String(decoding: data, as: UTF8.self).contains(#""z":"#))
    #expect(try JSONDecoder().decode(RoutingSummary.self, from: data) == summary)
    #expect(!summary.html.source.contains("nan"))
  }

  @Test func zeroOffsetsAreCalledNothingLearned() {
    var observation = RoutingObservation()
    observation.add("m.offset", [0, 0, 0.001, 0], shape: [1, 2, 2])
    let summary = observation.summary(named: "a", slices: 1)
    #expect(summary.isUnrolled)
    #expect(summary.sentences.contains("Nothing was learned"))
    #expect(!summary.html.source.contains("nan"))
  }

  @Test func attentionAloneHasNoOffsets() {
    var observation = RoutingObservation()
    observation.add("m.gate", [0, 1], shape: [1, 2])
    let summary = observation.summary(named: "a", slices: 1)
    #expect(!summary.rolls && !summary.isUnrolled && summary.modules[0].meanOffset == nil)
    #expect(summary.modules[0].gates.first == 0.5 && summary.modules[0].gates.last == 0.5)
    #expect(!summary.html.source.isEmpty)
  }

  @Test func summariesReadBack() throws {
    let summary = observed.summary(named: "a", slices: 2)
    let data = try JSONEncoder().encode(summary)
    #expect(try JSONDecoder().decode(RoutingSummary.self, from: data) == summary)
  }
}

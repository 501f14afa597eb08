import Experiments
import Failures
import Imaging
import Methods
import Networks
import PipelineSupport
import Testing

/// What the published generators cost for 2 sources at 256 x 256, in thousands of millions of multiply-adds.
@Suite(.serialized) struct CostTests {
  private func cost(_ method: String, side: Int, width: Int = 64) throws -> Cost {
    var experiment = Experiment()
    (experiment.method, experiment.network.name, experiment.network.width) = (method, "published", width)
    return try Cost(of: experiment, onSlices: Extent(side, side))
  }

  /// Beyond what does not depend on the area, costs grow with it: two small sizes tell any.
  private func extrapolated(_ method: String, from side: Int, width: Int = 64) throws -> Double {
    let (small, large) = (
      try cost(method, side: side, width: width), try cost(method, side: 2 * side, width: width)
    )
    let perPixel = Double(large.multiplyAdds - small.multiplyAdds) / Double(3 * side * side)
    return (Double(small.multiplyAdds) + perPixel * Double(256 * 256 - side * side)) / 1e9
  }

  @Test(arguments: [("pgan", 32, 48.9), ("medsynth", 64, 50.8), ("ddpm", 32, 62.1)])
  func publishedGenerators(_ method: String, _ side: Int, _ expected: Double) throws {
    #expect(abs(try extrapolated(method, from: side) - expected) < 0.0501)
  }

  @Test func mmGAN() throws {
    var experiment = Experiment()
    (experiment.method, experiment.network.name) = ("mmgan", "published")
    experiment.scenario.sources = [.t1, .t2, .flair]
    let cost = try Cost(of: experiment, onSlices: Extent(256, 256))
    #expect(abs(Double(cost.multiplyAdds) / 1e9 - 6.5) < 0.0501 && cost.parameters == 54_407_172)
  }

  @Test func methodsThatDrawSayHowOften() throws {
    let ddpm = try cost("ddpm", side: 32, width: 4)
    #expect(ddpm.evaluations == 1000 && ddpm.multiplyAdds > 0)
    #expect(try cost("iddpm", side: 32, width: 4).evaluations == 250)
    let bridge = try cost("selfrdb", side: 64, width: 4)
    #expect(bridge.evaluations == 20 && bridge.multiplyAdds > ddpm.multiplyAdds)
    #expect(try cost("pgan", side: 32, width: 4).evaluations == 1)
  }

  @Test func slicesThatDoNotFitAreRefused() throws {
    let failure = try failure { _ = try cost("mmgan", side: 96) }
    #expect(failure.kind == .inconsistent && failure.message.contains("256"))
  }
}

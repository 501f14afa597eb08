import Files
import Foundation
import Metrics
import ScanSupport
import Testing

@Suite struct BaselineTests {
  /// Images of 64 x 64 uniform intensities, one per source, with a share of exact zeros as background.
  private func images(_ sources: Int, seed: UInt64) -> [[Float]] {
    var random = SplitMix64(seed: seed)
    let background = (0..<4096).map { _ in random.uniform() < 0.3 }
    return (0..<sources).map { _ in background.map { $0 ? 0 : Float(random.uniform()) } }
  }

  @Test func theBestSourceIsTheClosestByNameAndTheFirstOfEquals() {
    let target = images(1, seed: 1)[0]
    var best = BestSource(sources: ["t1", "t2", "pd"])
    #expect(best.name == nil && best.position == nil)
    best.add(
      sources: [target.map { $0 * 0.5 }, target.map { $0 * 0.9 }, target.map { $0 * 0.9 }], target: target)
    #expect(best.name == "t2" && best.position == 1)
    for _ in 0..<3 { best.add(sources: [target, target, target.map { $0 * 0.5 }], target: target) }
    #expect(best.name == "t2")
    #expect(best.psnr.allSatisfy { $0.isFinite } && best.psnr[1] > best.psnr[0])
  }

  @Test(arguments: [(1, 64, 0.001), (2, 32, 0.002), (3, 16, 0.006), (4, 8, 0.02), (5, 5, 0.05)])
  func theLookupLearnsAFunctionOfTheIntensities(sources: Int, nodes: Int, error: Double) throws {
    func truth(_ images: [[Float]]) -> [Float] {
      images[0].indices.map { i in
        let s = images.map { Double($0[i]) }
        return Float(0.5 + 0.4 * sin(3 * s[0]) * (s.count > 1 ? 1 - s[1] : 1) - 0.05 * (s.last ?? 0))
      }
    }
    var fit = IntensityLookup.Fit(sources: (0..<sources).map { "s\($0)" }, target: "t")
    for seed in 0..<8 {
      let slice = images(sources, seed: UInt64(seed))
      fit.add(sources: slice, target: truth(slice))
    }
    let lookup = try #require(fit.finished())
    #expect(lookup.nodes == nodes && lookup.pixels == 8 * 4096)
    let fresh = images(sources, seed: 99)
    #expect(PixelErrors(lookup(fresh), truth(fresh)).mae < error)
  }

  @Test func theLookupGivesTheMeanWhereTheTargetVaries() throws {
    var random = SplitMix64(seed: 5)
    let source = (0..<20_000).map { Float($0 % 3) / 2 }
    let target = source.map { 0.2 + 0.3 * $0 * $0 + 0.2 * Float(random.uniform() - 0.5) }
    var fit = IntensityLookup.Fit(sources: ["t1"], target: "t2")
    fit.add(sources: [source], target: target)
    let lookup = try #require(fit.finished())
    let predicted = lookup([[0, 0.5, 1]])
    for (value, mean) in zip(predicted, [0.2, 0.275, 0.5]) { #expect(abs(Double(value) - mean) < 0.005) }
  }

  @Test func linearRelationsAreExactAlsoWhereNothingWasSeen() throws {
    let source = (0..<1000).map { 0.2 + 0.4 * Float($0) / 1000 }
    var fit = IntensityLookup.Fit(sources: ["t1"], target: "t2")
    fit.add(sources: [source], target: source.map { 0.8 * $0 + 0.1 })
    let lookup = try #require(fit.finished())
    let predicted = lookup([[0, 0.4, 0.9, 1, 7, -1, .nan]])
    for (value, expected) in zip(predicted, [0.1, 0.42, 0.82, 0.9, 0.9, 0.1, 0.1]) {
      #expect(abs(Double(value) - expected) < 1e-4)
    }
  }

  @Test func constantSourcesAndSparseDataStayFinite() throws {
    var fit = IntensityLookup.Fit(sources: ["t1", "t2", "pd", "flair"], target: "t1gd")
    #expect(fit.finished() == nil)
    fit.add(sources: [[0.5], [0.5], [0], [1]], target: [0.7])
    let lookup = try #require(fit.finished())
    #expect(lookup.table.allSatisfy { $0.isFinite && (0...1).contains($0) })
    #expect(abs(lookup([[0.5], [0.5], [0], [1]])[0] - 0.7) < 1e-3)
    fit.add(sources: [[0.1], [0.2], [0], [0]], target: [.nan])
    #expect(fit.pixels == 1)
  }
}

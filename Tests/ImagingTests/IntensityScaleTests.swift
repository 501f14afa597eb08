import Failures
import Imaging
import Testing

private let values = (0..<1000).map { Float($0 * 7919 % 1009) / 8 - 20 }

@Test(arguments: [
  // NumPy 2: np.percentile(v, q) in double precision.
  (0.0, -20.0), (0.1, -19.875125), (25.0, 11.59375), (50.0, 43.1875), (99.5, 105.375625), (100.0, 106.0),
])
func percentileIsNumPys(percentile: Double, expected: Double) {
  #expect(Percentile.of(values, percentile) == expected)
}

@Test func percentileAgreesWithSorting() {
  var random = RandomSource(seed: 8)
  for round in 0..<300 {
    let count = 1 + random.integer(below: 400)
    let values = (0..<count).map { _ -> Float in
      switch random.integer(below: 4) {
      case 0: 0
      case 1: Float(random.integer(below: 5)) - 2
      default: Float(random.normal() * 1000)
      }
    }
    let percentile = round % 7 == 0 ? 100 : random.uniform(0, 100)
    let sorted = values.sorted()
    let place = percentile / 100 * Double(sorted.count - 1)
    let lower = sorted[Int(place)]
    let upper = Int(place) + 1 < sorted.count ? sorted[Int(place) + 1] : lower
    let expected = Double(lower) + (Double(upper) - Double(lower)) * (place - Double(Int(place)))
    let found = Percentile.of(values, percentile) ?? .nan
    #expect(abs(found - expected) <= 1e-12 * max(1, abs(expected)))
  }
}

@Test func scalingClips() throws {
  var voxels = (0..<1000).map { Float($0) - 10 }
  voxels[999] = 5000
  let scale = try IntensityScale(of: voxels, percentile: 99.5)
  #expect(scale.upper == 984.005)
  #expect(scale.clippedBelow == 0.01)
  #expect(scale.clippedAbove == 0.005)
  let unit = scale.normalise(voxels)
  #expect(unit.min() == 0 && unit.max() == 1)
  for index in 10..<994 { #expect(abs(unit[index] * 984.005 - voxels[index]) < 1e-3) }
  #expect(unit[0] == 0 && unit[999] == 1)
}

@Test func nothingToScaleIsRefused() {
  for voxels in [[Float](repeating: 0, count: 50), [-3, -2, -1], [Float](repeating: 0, count: 999) + [7]] {
    let failure = #expect(throws: Failure.self) { try IntensityScale(of: voxels, name: "a.nii") }
    #expect(failure?.kind == .malformed)
    #expect(failure?.message.hasPrefix("a.nii: cannot be scaled") == true)
  }
  #expect(throws: Failure.self) { try IntensityScale(of: []) }
}

@Test func theForegroundsScaleLiesAtItsLevel() throws {
  let voxels: [Float] = [0, 0, 0, -5, 10, 100, 120, 90, 2000]
  let scale = try #require(ForegroundScale.of(voxels))
  let rule = try IntensityRule.foreground.scale(of: voxels)
  #expect(abs(rule.upper * ForegroundScale.level - scale) < 1e-9 * scale && rule.ceiling == 4)
  let seen = rule.normalise(voxels)
  #expect(abs(Double(seen[5]) - 100 / scale * ForegroundScale.level) < 1e-6)
  #expect(seen[3] == 0 && seen.allSatisfy { $0 <= 4 } && rule.clippedBelow == 1.0 / 9)
  let failure = #expect(throws: Failure.self) {
    try IntensityRule.foreground.scale(of: [0, -1], name: "a.nii")
  }
  #expect(failure?.kind == .malformed && failure?.message.contains("a.nii") == true)
  #expect(try IntensityRule.percentile.scale(of: voxels) == IntensityScale(of: voxels))
}

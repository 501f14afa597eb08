import Failures
import Imaging
import Testing

private let values = (0..<1000).map { Float($0 * 7919 % 1009) / 8 - 20 }

@Test(arguments: [
  // NumPy 2: np.percentile(v, q) and np.percentile(v[v != 0], q) in double precision.
  (0.0, -20.0, -20.0),
  (0.1, -19.875125, -19.87525),
  (25.0, 11.59375, 11.6875),
  (50.0, 43.1875, 43.25),
  (99.5, 105.375625, 105.37625),
  (100.0, 106.0, 106.0),
])
func percentileIsNumPys(percentile: Double, all: Double, nonzero: Double) {
  #expect(Percentile.of(values, percentile) == all)
  #expect(Percentile.of(values, percentile, nonzero: true) == nonzero)
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
    for nonzero in [false, true] {
      let sorted = values.filter { !nonzero || $0 != 0 }.sorted()
      guard let last = sorted.last else {
        #expect(Percentile.of(values, percentile, nonzero: nonzero) == nil)
        continue
      }
      let place = percentile / 100 * Double(sorted.count - 1)
      let lower = sorted[Int(place)]
      let upper = Int(place) + 1 < sorted.count ? sorted[Int(place) + 1] : last
      let expected = Double(lower) + (Double(upper) - Double(lower)) * (place - Double(Int(place)))
      let found = Percentile.of(values, percentile, nonzero: nonzero) ?? .nan
      #expect(abs(found - expected) <= 1e-12 * max(1, abs(expected)))
    }
  }
}

@Test func scalingClipsAndIsUndone() throws {
  var voxels = (0..<1000).map { Float($0) - 10 }
  voxels[999] = 5000
  let scale = try IntensityScale(of: voxels, percentile: 99.5)
  #expect(scale.upper == 984.005)
  #expect(scale.clippedBelow == 0.01)
  #expect(scale.clippedAbove == 0.005)
  let unit = scale.normalise(voxels)
  #expect(unit.min() == 0 && unit.max() == 1)
  let back = scale.restore(unit)
  for index in 10..<994 { #expect(abs(back[index] - voxels[index]) < 1e-3) }
  #expect(back[0] == 0 && back[999] == Float(scale.upper))
}

@Test func nothingToScaleIsRefused() {
  for voxels in [[Float](repeating: 0, count: 50), [-3, -2, -1], [Float](repeating: 0, count: 999) + [7]] {
    let failure = #expect(throws: Failure.self) { try IntensityScale(of: voxels, name: "a.nii") }
    #expect(failure?.kind == .malformed)
    #expect(failure?.message.hasPrefix("a.nii: cannot be scaled") == true)
  }
  #expect(throws: Failure.self) { try IntensityScale(of: [0, 0], over: .nonzero) }
  #expect(throws: Never.self) {
    try IntensityScale(of: [Float](repeating: 0, count: 999) + [7], over: .nonzero)
  }
}

import Imaging
import Testing

/// By hand: of 9, 12 and 30 the last counts as 1.5 s, so that 3 s² = 81 + 144 + 2.25 s².
@Test func whatLiesFarAboveCountsAsNoMoreThanItsCap() throws {
  let scale = try #require(ForegroundScale.of([9, 12, 30]))
  #expect(abs(scale - (225 / 0.75).squareRoot()) < 1e-3)
  // Further above it changes nothing, nor does any background.
  #expect(abs(try #require(ForegroundScale.of([9, 12, 40])) - scale) < 1e-3)
  #expect(abs(try #require(ForegroundScale.of([0, 9, 0, -7, 2, 12, 4, 30, 0])) - scale) < 1e-3)
}

@Test func weightsAreVoxels() throws {
  let values: [Float] = [9, 12, 30, 2]
  let voxels = values.enumerated().flatMap { Array(repeating: $1, count: $0 + 1) }
  let weighted = try #require(ForegroundScale.of(values, weights: [1, 2, 3, 4]))
  #expect(abs(weighted - (try #require(ForegroundScale.of(voxels)))) < 1e-6)
}

@Test func theScaleIsThatOfTheUnit() throws {
  var random = RandomSource(seed: 2)
  let values = (0..<5000).map { _ in Float(random.uniform() * random.uniform() * 300) }
  let scale = try #require(ForegroundScale.of(values))
  for factor: Float in [0.001, 7, 4000] {
    let other = try #require(ForegroundScale.of(values.map { $0 * factor }))
    #expect(abs(other / (scale * Double(factor)) - 1) < 1e-4)
  }
  #expect(ForegroundScale.of([]) == nil && ForegroundScale.of([0, -3]) == nil)
}

/// A head in the noise of air has nearly the scale that it has on zeros, whatever the field of view.
@Test func neitherNoiseNorFieldOfViewChangeIt() throws {
  var random = RandomSource(seed: 3)
  let head = (0..<4000).map { _ in Float(60 + 80 * random.uniform()) }
  let scale = try #require(ForegroundScale.of(head))
  let air = (0..<16000).map { _ in Float(15 * random.uniform()) }
  #expect(abs(try #require(ForegroundScale.of(head + air)) / scale - 1) < 1e-4)
  #expect(abs(try #require(ForegroundScale.of(head + Array(repeating: 0, count: 30000))) / scale - 1) < 1e-4)
}

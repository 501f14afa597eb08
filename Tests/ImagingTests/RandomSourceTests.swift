import Imaging
import Testing

@Test func numbersDependOnSeedAndStreamAlone() throws {
  var first = RandomSource(seed: 7, stream: 3)
  var second = RandomSource(seed: 7, stream: 3)
  #expect((0..<100).map { _ in first.next() } == (0..<100).map { _ in second.next() })
  var seen: Set<UInt64> = []
  for seed in 0..<40 as Range<UInt64> {
    for stream in 0..<40 as Range<UInt64> {
      var source = RandomSource(seed: seed, stream: stream)
      seen.insert(source.next())
    }
  }
  #expect(seen.count == 1600)
}

@Test func seededNumbersNeverChange() {
  // A change here changes every phantom, split and experiment that was ever seeded.
  var source = RandomSource(seed: 1, stream: 0)
  #expect(
    (0..<3).map { _ in source.next() } == [
      5_226_295_891_941_712_017, 5_547_022_123_706_608_281, 18_144_476_329_041_699_521,
    ])
}

@Test func momentsAreThoseOfTheDistributions() {
  var source = RandomSource(seed: 1)
  let count = 200_000
  let uniform = (0..<count).map { _ in source.uniform() }
  #expect(uniform.allSatisfy { $0 >= 0 && $0 < 1 })
  #expect(abs(uniform.reduce(0, +) / Double(count) - 0.5) < 0.003)
  let normal = (0..<count).map { _ in source.normal() }
  let variance = normal.reduce(0) { $0 + $1 * $1 } / Double(count)
  #expect(abs(normal.reduce(0, +) / Double(count)) < 0.01)
  #expect(abs(variance - 1) < 0.02)
  // 0.27 % of a normal distribution lies beyond three standard deviations.
  #expect(abs(Double(normal.count { abs($0) > 3 }) / Double(count) - 0.0027) < 0.0006)
}

@Test func indicesComeAsOftenAsTheyWeigh() {
  var source = RandomSource(seed: 4)
  var counts = [0, 0, 0, 0]
  for _ in 0..<20_000 { counts[source.index(weights: [1, 0, 5, 2])] += 1 }
  for (count, share) in zip(counts, [0.125, 0, 0.625, 0.25]) {
    #expect(abs(Double(count) / 20_000 - share) < (share == 0 ? 1e-9 : 0.015))
  }
}

@Test func permutationsHoldEveryNumberOnce() {
  var source = RandomSource(seed: 9)
  #expect(source.permutation(0) == [])
  #expect(source.permutation(1000).sorted() == Array(0..<1000))
  var counts = [[Int]: Int]()
  for _ in 0..<6000 { counts[source.permutation(3), default: 0] += 1 }
  #expect(counts.count == 6 && counts.values.allSatisfy { abs($0 - 1000) < 150 })
}

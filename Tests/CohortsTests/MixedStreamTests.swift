import Cohorts
import Failures
import Foundation
import Imaging
import Testing

/// Slices of scans with computed heads between them.
@Suite struct MixedStreamTests {
  private let scratch: Scratch
  private let store: PreparedCohort
  private let anatomies: Anatomies
  private let modalities: [Modality] = [.t1, .t2, .flair]

  init() throws {
    scratch = try Scratch()
    store = try makeStore(scratch)
    try writeAnatomies("\(scratch.path)/anatomies")
    anatomies = try Anatomies(folder: "\(scratch.path)/anatomies")
  }

  private func scans(_ iteration: Int, threads: Int, part: Int = 0, of parts: Int = 1) throws -> SampleStream
  {
    try SampleStream(
      store, SampleContents(Scenario(completing: modalities), rule: .foreground), batchSize: 2, seed: 5,
      startingAt: iteration, threads: threads, part: part, of: parts)
  }

  private func heads(_ iteration: Int, threads: Int, part: Int = 0, of parts: Int = 1) throws -> PhysicsStream
  {
    try PhysicsStream(
      anatomies, PhysicsOptions(), modalities: modalities, extent: Extent(32, 48), batchSize: 2, seed: 5,
      startingAt: iteration, threads: threads, part: part, of: parts)
  }

  private func batches(
    _ count: Int, share: Double, from iteration: Int = 0, threads: Int = 1, part: Int = 0, of parts: Int = 1
  ) throws -> [SampleBatch] {
    let stream = try MixedStream(share: share, startingAt: iteration) {
      try scans($0, threads: threads, part: part, of: parts)
    } _: {
      try heads($0, threads: threads, part: part, of: parts)
    }
    defer { stream.stop() }
    return try (0..<count).map { number in
      #expect(stream.iteration == iteration + number)
      return try stream.next().batch
    }
  }

  @Test(arguments: [(0.0, 0), (0.25, 4), (0.3, 4), (0.5, 8), (1.0, 16)])
  func theShareIsKeptAndNoBatchIsLeftOut(share: Double, computed: Int) throws {
    let all = try batches(16, share: share)
    // Only errors in computed heads have weights.
    #expect(all.count { $0.weights != nil } == computed)
    let (scans, heads) = (try self.scans(0, threads: 0), try self.heads(0, threads: 0))
    for batch in all {
      #expect(try batch == (batch.weights == nil ? scans.next() : heads.next()).batch)
    }
  }

  @Test func theyAreSpreadEvenly() throws {
    let places = try batches(12, share: 0.25).enumerated().filter { $0.element.weights != nil }.map(\.offset)
    #expect(zip(places, places.dropFirst()).allSatisfy { $1 - $0 == 4 } && places.count == 3)
  }

  @Test(arguments: [1, 3, 4, 11], [0, 2])
  func aStreamThatStartsLateContinuesExactly(start: Int, threads: Int) throws {
    let whole = try batches(16, share: 0.3)
    #expect(try batches(16 - start, share: 0.3, from: start, threads: threads) == Array(whole[start...]))
  }

  /// Several processes that share every batch out see the samples that one sees, wherever they begin.
  @Test(arguments: [0, 3]) func partsAreTheWhole(start: Int) throws {
    let whole = try batches(8, share: 0.3, from: start)
    let parts = try (0..<2).map { try batches(8, share: 0.3, from: start, part: $0, of: 2) }
    #expect(whole.contains { $0.weights != nil } && whole.contains { $0.weights == nil })
    for (number, batch) in whole.enumerated() {
      let shares = parts.map { $0[number] }
      #expect(shares.allSatisfy { $0.count == 1 })
      #expect(shares.flatMap(\.references) == batch.references)
      #expect(shares.flatMap(\.present) == batch.present)
      // Of a single sample, and so of two behind one another.
      #expect(shares.flatMap { $0.stacked(modalities) } == batch.stacked(modalities))
      #expect(shares.compactMap(\.weights).flatMap { $0 } == batch.weights ?? [])
    }
  }
}

import Cohorts
import Failures
import Foundation
import Imaging
import Testing

@Suite struct PhysicsStreamTests {
  private let scratch: Scratch
  private let anatomies: Anatomies
  private let modalities: [Modality] = [.t1, .t2, .pd, .flair, .t1gd]

  init() throws {
    scratch = try Scratch()
    try writeAnatomies(scratch.path)
    anatomies = try Anatomies(folder: scratch.path)
  }

  private func batches(
    _ count: Int, from iteration: Int = 0, threads: Int, seed: UInt64 = 5, prefetch: Int? = nil
  ) throws -> [SampleBatch] {
    let stream = try PhysicsStream(
      anatomies, PhysicsOptions(), modalities: modalities, extent: Extent(64, 48), batchSize: 3, seed: seed,
      startingAt: iteration, threads: threads, prefetch: prefetch)
    return try (0..<count).map { _ in try stream.next().batch }
  }

  @Test(arguments: [1, 3], [1, 4])
  func anyNumberOfThreadsGivesTheSameBytes(threads: Int, prefetch: Int) throws {
    #expect(try batches(6, threads: threads, prefetch: prefetch) == batches(6, threads: 0))
  }

  @Test func aStreamThatStartsLateContinuesExactly() throws {
    let whole = try batches(6, threads: 1)
    #expect(try batches(4, from: 2, threads: 2) == Array(whole[2...]))
  }

  /// Validation takes the batches without a stream; what has been made before must leave no trace.
  @Test func aSamplerGivesTheStreamsBatches() throws {
    let sampler = try PhysicsSampler(
      anatomies, PhysicsOptions(), modalities: modalities, extent: Extent(64, 48), batchSize: 3, seed: 5)
    #expect(try batches(3, threads: 1) == (0..<3).map { sampler.batch($0) })
    #expect(sampler.batch(2) == sampler.batch(2))
  }

  @Test func theSeedDecides() throws {
    #expect(try batches(1, threads: 1, seed: 6) != batches(1, threads: 1))
  }

  @Test func stoppingLosesNothing() throws {
    let stream = try PhysicsStream(
      anatomies, PhysicsOptions(), modalities: modalities, extent: Extent(64, 48), batchSize: 3, seed: 5,
      threads: 2)
    var got = [try stream.next().batch]
    stream.stop()
    #expect(stream.iteration == 1)
    got.append(try stream.next().batch)
    #expect(try got == batches(2, threads: 0))
    #expect(stream.sampleCount == 2)
  }

  @Test func batchesHaveAllThatWasAsked() throws {
    let sampler = try PhysicsSampler(
      anatomies, PhysicsOptions(), modalities: [.flair, .t1], extent: Extent(96, 80), batchSize: 4, seed: 1)
    let batch = sampler.batch(3)
    #expect(batch.count == 4 && batch.extent == Extent(96, 80) && batch.depth == 1)
    #expect(batch.present.allSatisfy { $0 == [.flair, .t1] })
    #expect(batch.stacked([.flair, .t1]).count == 4 * 2 * 96 * 80)
    #expect(batch.target(of: Scenario(completing: [.flair, .t1])).count == 4 * 2 * 96 * 80)
    #expect(batch.weights?.count == 4 * 96 * 80)
    #expect(batch.references.map(\.slice) == [12, 13, 14, 15])
    #expect(batch.references.allSatisfy { anatomies.names.contains($0.subject) })
    for values in [batch.stacked([.flair, .t1]), batch.target(of: Scenario(completing: [.flair, .t1]))] {
      #expect(values.allSatisfy { (0...4).contains($0) })
    }
  }

  @Test func refusesWhatMakesNoSense() throws {
    func start(
      _ modalities: [Modality], extent: Extent = Extent(64, 64), batchSize: Int = 1,
      _ change: (inout PhysicsOptions) -> Void = { _ in }
    ) throws -> Failure.Kind {
      var options = PhysicsOptions()
      change(&options)
      return try failure {
        _ = try PhysicsStream(
          anatomies, options, modalities: modalities, extent: extent, batchSize: batchSize, seed: 1)
      }.kind
    }
    #expect(try start([]) == .usage)
    #expect(try start([.t1, .t1]) == .usage)
    #expect(try start([.t1], extent: Extent(4, 64, 64)) == .usage)
    #expect(try start([.t1], batchSize: 0) == .usage)
    #expect(try start([.t1]) { $0.highField = 2 } == .usage)
    #expect(try start([.t1]) { $0.sharp = 0.9 } == .usage)
    #expect(try start([.t1]) { $0.bias = [0.2, 0.1] } == .usage)
    #expect(try start([.t1]) { $0.shift = .nan } == .usage)
    #expect(try start([.t1]) { $0.anatomy.wholeHeads = -1 } == .usage)
  }

  /// What is kept with an experiment is read again as it was.
  @Test func optionsSurviveJSON() throws {
    var options = PhysicsOptions()
    options.bias = [0.01, 0.02]
    options.anatomy.tumours = 0.1
    let data = try JSONEncoder().encode(options)
    #expect(try JSONDecoder().decode(PhysicsOptions.self, from: data) == options)
  }
}

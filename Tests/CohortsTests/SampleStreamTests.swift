import Cohorts
import Failures
import Foundation
import Imaging
import Testing

@Suite struct SampleStreamTests {
  private let scratch: Scratch
  private let store: PreparedCohort

  init() throws {
    scratch = try Scratch()
    store = try makeStore(scratch)
  }

  private func batches(
    _ count: Int, from iteration: Int = 0, threads: Int, seed: UInt64 = 5, batchSize: Int = 4,
    prefetch: Int? = nil, perturbation: Perturbation? = nil
  ) throws -> [SampleBatch] {
    let stream = try SampleStream(
      store, scenario: scenario, batchSize: batchSize, seed: seed, startingAt: iteration, threads: threads,
      prefetch: prefetch, perturbation: perturbation)
    return try (0..<count).map { _ in try stream.next().batch }
  }

  @Test(arguments: [1, 2, 4], [1, 3])
  func anyNumberOfThreadsGivesTheSameBytes(threads: Int, prefetch: Int) throws {
    let shift = Perturbation(of: .t2, radius: 2)
    let expected = try batches(40, threads: 0, perturbation: shift)
    #expect(try batches(40, threads: threads, prefetch: prefetch, perturbation: shift) == expected)
  }

  @Test(arguments: [0, 1, 7, 23])
  func aStreamThatStartsLateContinuesExactly(start: Int) throws {
    let whole = try batches(30, threads: 1)
    #expect(try batches(30 - start, from: start, threads: 2) == Array(whole[start...]))
  }

  /// Ten training slices, batches of 4: epochs end within batches, and each still shows every slice once.
  @Test func everyEpochShowsEverySliceOnce() throws {
    let seen = try batches(10, threads: 2).flatMap(\.references)
    let all = Set(try store.slices(in: .train))
    let epochs = stride(from: 0, to: 40, by: 10).map { Array(seen[$0..<$0 + 10]) }
    for epoch in epochs { #expect(Set(epoch) == all) }
    #expect(Set(epochs).count == 4)
  }

  @Test func theSeedDecidesTheOrder() throws {
    let one = try batches(5, threads: 1).map(\.references)
    #expect(try batches(5, threads: 1).map(\.references) == one)
    #expect(try batches(5, threads: 1, seed: 6).map(\.references) != one)
  }

  @Test func aBatchMayBeLargerThanTheSplit() throws {
    let batch = try batches(1, threads: 1, batchSize: 25)[0]
    #expect(batch.count == 25 && Set(batch.references).count == 10)
  }

  @Test func batchesHoldTheSlicesTheyName() throws {
    let batch = try batches(1, threads: 1)[0]
    let pixels = batch.extent.count
    for (row, reference) in batch.references.enumerated() {
      #expect(
        Array(batch.target(.flair)[row * pixels..<(row + 1) * pixels])
          == (try store.slice(.flair, at: reference)))
    }
  }

  @Test func stoppingLosesNothing() throws {
    let expected = try batches(12, threads: 0)
    let stream = try SampleStream(store, scenario: scenario, batchSize: 4, seed: 5, threads: 3)
    var got = try (0..<5).map { _ in try stream.next().batch }
    stream.stop()
    stream.stop()
    #expect(stream.iteration == 5)
    got += try (0..<7).map { _ in try stream.next().batch }
    #expect(got == expected)
  }

  @Test func stoppingEndsTheThreads() throws {
    let stream = try SampleStream(store, scenario: scenario, batchSize: 4, seed: 5, threads: 4)
    #expect(try stream.next().waited >= 0)
    #expect(stream.runningThreads == 4)
    stream.stop()
    #expect(stream.runningThreads == 0)
  }

  /// A stream may be dropped at any moment, its threads waiting or at work.
  @Test func aDroppedStreamStops() throws {
    var loaders: [Weak] = []
    for count in 0..<20 {
      let stream = try SampleStream(store, scenario: scenario, batchSize: 4, seed: 5, threads: 4)
      for _ in 0..<count { _ = try stream.next() }
      loaders.append(Weak(stream.shared))
    }
    // A thread that still runs keeps what all of them share.
    for _ in 0..<2000 where loaders.contains(where: { $0.object != nil }) { usleep(1000) }
    #expect(loaders.allSatisfy { $0.object == nil })
  }

  private struct Weak {
    weak var object: AnyObject?
    init(_ object: AnyObject) { self.object = object }
  }

  @Test func anotherThreadMayConsume() throws {
    let expected = try batches(20, threads: 0).map(\.references)
    nonisolated(unsafe) let stream = try SampleStream(
      store, scenario: scenario, batchSize: 4, seed: 5, threads: 2)
    nonisolated(unsafe) var got: [[SampleReference]] = []
    let done = NSCondition()
    nonisolated(unsafe) var isDone = false
    let thread = Thread {
      for _ in 0..<20 { if let next = try? stream.next() { got.append(next.batch.references) } }
      done.withLock {
        isDone = true
        done.signal()
      }
    }
    thread.start()
    done.lock()
    while !isDone { done.wait() }
    done.unlock()
    #expect(got == expected)
  }

  @Test func refusesWhatMakesNoSense() throws {
    func start(_ scenario: Scenario, batchSize: Int = 1, perturbation: Perturbation? = nil) throws -> Failure
    {
      try failure {
        _ = try SampleStream(
          store, scenario: scenario, batchSize: batchSize, seed: 1, perturbation: perturbation)
      }
    }
    #expect(try start(scenario, batchSize: 0).kind == .usage)
    #expect(try start(Scenario(sources: [.pd], target: .t1)).kind == .inconsistent)
    #expect(try start(scenario, perturbation: Perturbation(of: .flair, radius: 1)).kind == .usage)
    for radius in [-1, 17, .nan, .infinity] {
      #expect(try start(scenario, perturbation: Perturbation(of: .t1, radius: radius)).kind == .usage)
    }
  }
}

import Cohorts
import Failures
import Foundation
import Inference
import Layers
import Methods
import PipelineSupport
import Testing
import Torch
import Training

/// What a GPU's training does with its batches, here on the CPU: the next one is fetched before the losses are read.
@Suite struct FetchingAheadTests {
  private let scratch: Scratch
  init() throws { scratch = try Scratch() }

  /// Batches of a stream, counted, up to one that is broken.
  private final class Counted: SampleSource {
    private let stream: SampleStream
    private let broken: Int?
    private(set) var given = 0

    init(_ stream: SampleStream, breakingAt broken: Int? = nil) {
      (self.stream, self.broken) = (stream, broken)
    }

    var iteration: Int { stream.iteration }
    var sampleCount: Int { stream.sampleCount }
    func stop() { stream.stop() }
    func next() throws -> (batch: SampleBatch, waited: Double) {
      given += 1
      if given == broken { throw Failure(.malformed, "the store is broken") }
      return (try stream.next().batch, 0.5)
    }
  }

  private func train(_ name: String, ahead: Bool, stops: [Int]) throws -> Data? {
    let folder = RunFolder(scratch(name))
    for (place, stop) in stops.enumerated() {
      let trainer = try trainer(folder, plan(stop))
      trainer.fetchesAhead = ahead
      if place > 0 { try trainer.resume() }
      let batches = Counted(try stream(from: trainer.iteration))
      let before = trainer.iteration
      try trainer.run(batches, Watcher(score: { 20 + Double($0) }))
      // None beyond the plan's end.
      #expect(batches.given == stop - before)
    }
    return contents(of: folder.last)
  }

  @Test func itChangesNoByte() throws {
    let expected = try train("one", ahead: false, stops: [7])
    #expect(expected != nil)
    #expect(try train("ahead", ahead: true, stops: [7]) == expected)
    #expect(try train("parts", ahead: true, stops: [3, 4, 7]) == expected)
  }

  @Test func aBatchIsThereBeforeTheLossesAreRead() throws {
    for ahead in [false, true] {
      let trainer = try trainer(RunFolder(scratch("\(ahead)")), plan(5), method: Walker(loss: { _ in 1 }))
      trainer.fetchesAhead = ahead
      let batches = Counted(try stream())
      var given: [Int] = []
      var waited: [Double] = []
      try trainer.run(
        batches,
        Watcher(seen: { event in
          guard case .step(_, _, _, let seconds) = event else { return }
          given.append(batches.given)
          waited.append(seconds)
        }))
      #expect(given == (ahead ? [2, 3, 4, 5, 5] : [1, 2, 3, 4, 5]))
      // Nothing is at work on a CPU while a batch is waited for.
      #expect(waited == [0.5, 0.5, 0.5, 0.5, 0.5])
    }
  }

  /// The step before a broken batch is done, told and saved as without.
  @Test func aBrokenBatchEndsTheRunWhereItIsNeeded() throws {
    for ahead in [false, true] {
      let folder = RunFolder(scratch("\(ahead)"))
      let trainer = try trainer(folder, plan(9), method: Walker(loss: { _ in 1 }))
      trainer.fetchesAhead = ahead
      var seen = 0
      let failure = try failure {
        try trainer.run(
          Counted(try stream(), breakingAt: 5),
          Watcher(seen: { if case .step(let iteration, _, _, _) = $0 { seen = iteration } }))
      }
      #expect(failure.kind == .malformed && seen == 4)
      #expect(try weight(in: folder.last) == 4)
    }
  }
}

import Failures
import Files
import Foundation
import PipelineSupport
import Testing
import Torch
import Training

@Suite struct ResumeTests {
  private let scratch: Scratch
  init() throws { scratch = try Scratch() }

  /// Trains to `last`, in one go or in pieces, each with its own trainer as a new process would have.
  private func train(_ name: String, stops: [Int], threads: Int = 1) throws -> [Data?] {
    let folder = RunFolder(scratch(name))
    for (place, stop) in stops.enumerated() {
      let trainer = try trainer(folder, plan(stop))
      if place > 0 { try trainer.resume() }
      // The end of every plan is looked at, so only a rising score has the same best in both.
      trainer.validate = { 20 + sin(Double(trainer.iteration) / 10) }
      try trainer.run(stream(from: trainer.iteration, threads: threads))
      #expect(trainer.iteration == stop)
    }
    return [contents(of: folder.last)]
  }

  @Test func piecesGiveTheBytesOfTheWhole() throws {
    let whole = try train("whole", stops: [9])
    #expect(whole[0] != nil)
    #expect(try train("pieces", stops: [1, 4, 6, 9]) == whole)
  }

  @Test(arguments: [0, 2, 4])
  func loaderThreadsChangeNothing(threads: Int) throws {
    #expect(try train("many", stops: [6], threads: threads) == train("one", stops: [6]))
  }

  @Test func theBestIsKeptWithItsIteration() throws {
    let folder = RunFolder(scratch("best"))
    let psnr = [3: 21.0, 6: 25.0, 9: 24.0]
    let trainer = try trainer(folder, plan(9), method: Walker(loss: { _ in 1 }))
    trainer.validate = { psnr[trainer.iteration] }
    var written: [Int] = []
    trainer.writeModel = { iteration, _ in written.append(iteration) }
    var events: [String] = []
    trainer.observe = { event in
      if case .validated(let iteration, let psnr, let isBest) = event {
        events.append("\(iteration) \(psnr) \(isBest)")
      }
    }
    try trainer.run(stream())
    #expect(written == [3, 6])
    #expect(events == ["3 21.0 true", "6 25.0 true", "9 24.0 false"])
    #expect(trainer.best?.psnr == 25 && trainer.best?.iteration == 6)
    #expect(try weight(in: folder.best) == 6)
    #expect(try weight(in: folder.last) == 9)

    let resumed = try TrainingTests.trainer(folder, plan(12), method: Walker(loss: { _ in 1 }))
    try resumed.resume()
    #expect(resumed.iteration == 9 && resumed.best?.psnr == 25 && resumed.best?.iteration == 6)
  }

  @Test func withoutValidationTheLatestIsTheBest() throws {
    let folder = RunFolder(scratch("blind"))
    try trainer(folder, plan(7), method: Walker(loss: { _ in 1 })).run(stream())
    #expect(try weight(in: folder.best) == 7)
  }

  @Test func withoutACheckpointThereIsNothingToResume() throws {
    let trainer = try trainer(RunFolder(scratch("none")), plan(3))
    let failure = try failure { try trainer.resume() }
    #expect(failure.kind == .notFound && failure.message.contains("--force"))
  }

  @Test func aPlanShorterThanTheRunIsRefused() throws {
    let folder = RunFolder(scratch("long"))
    try trainer(folder, plan(6)).run(stream())
    let failure = try failure { try trainer(folder, plan(5)).resume() }
    #expect(failure.kind == .inconsistent && failure.message.contains("iteration 6"))
  }

  @Test func aCheckpointOfAnotherNetworkIsRefused() throws {
    let folder = RunFolder(scratch("other"))
    try trainer(folder, plan(2), method: Walker(loss: { _ in 1 })).run(stream())
    let failure = try failure { try trainer(folder, plan(3)).resume() }
    #expect(failure.kind == .invalidModel && failure.message.contains("missing"))
  }

  @Test(arguments: [0, 100, 1000])
  func aCheckpointThatWasCutIsRefused(bytes: Int) throws {
    let folder = RunFolder(scratch("cut"))
    try trainer(folder, plan(2)).run(stream())
    let whole = try #require(contents(of: folder.last))
    try whole.prefix(bytes).write(to: URL(fileURLWithPath: folder.last))
    #expect(try failure { try trainer(folder, plan(3)).resume() }.kind == .invalidModel)
  }

  @Test func aModelIsNoCheckpoint() throws {
    let folder = RunFolder(scratch("model"))
    try RunFolder.make(folder.checkpoints)
    try Safetensors.write([.init("a", shape: [1], values: [1 as Float])], to: folder.last)
    let failure = try failure { try trainer(folder, plan(3)).resume() }
    #expect(failure.kind == .invalidModel && failure.message.contains("not a checkpoint"))
  }
}

import Failures
import Files
import Foundation
import Inference
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
      try trainer.run(
        stream(from: trainer.iteration, threads: threads), Watcher(score: { 20 + sin(Double($0) / 10) }))
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
    let walker = Walker(loss: { _ in 1 })
    let trainer = try trainer(folder, plan(9), method: walker)
    var (written, weights): ([Int], [Float]) = ([], [])
    var events: [String] = []
    let watcher = Watcher(
      score: { psnr[$0] },
      written: {
        written.append($0)
        weights.append(walker.weight.values()[0])
      },
      seen: { event in
        if case .validated(let iteration, let score, let isBest) = event {
          events.append("\(iteration) \(score.value) \(isBest)")
        }
      })
    try trainer.run(stream(), watcher)
    #expect(written == [3, 6])
    #expect(events == ["3 21.0 true", "6 25.0 true", "9 24.0 false"])
    #expect(trainer.best?.score == Score("psnr", 25) && trainer.best?.iteration == 6)
    #expect(weights == [3, 6])
    #expect(try weight(in: folder.last) == 9)

    let resumed = try TrainingTests.trainer(folder, plan(12), method: Walker(loss: { _ in 1 }))
    try resumed.resume()
    #expect(
      resumed.iteration == 9 && resumed.best?.score == Score("psnr", 25) && resumed.best?.iteration == 6)
  }

  @Test func withoutValidationTheLatestIsTheBest() throws {
    let folder = RunFolder(scratch("blind"))
    var written: [Int] = []
    try trainer(folder, plan(7), method: Walker(loss: { _ in 1 }))
      .run(stream(), Watcher(written: { written.append($0) }))
    #expect(written == [3, 6, 7])
  }

  /// What a delegate asks for is obeyed after the step, with everything saved; no signal is needed.
  @Test func whoLooksAfterItCanEndIt() throws {
    let folder = RunFolder(scratch("ended"))
    let trainer = try trainer(folder, plan(9), method: Walker(loss: { _ in 1 }))
    var watcher: Watcher?
    watcher = Watcher(seen: { if case .step(5, _, _, _) = $0 { watcher?.stop = .terminated } })
    let failure = try failure { try trainer.run(stream(), #require(watcher)) }
    #expect(failure.kind == .terminated && failure.message.contains("iteration 5"))
    #expect(try weight(in: folder.last) == 5 && Trainer.iteration(of: folder) == 5)
  }

  /// Checkpoints of version 0.1.0 knew PSNR alone, by another key.
  @Test func theBestOfAnEarlierCheckpointCounts() throws {
    let folder = RunFolder(scratch("earlier"))
    try trainer(folder, plan(2), method: Walker(loss: { _ in 1 })).run(stream())
    let file = try Safetensors(contentsOf: folder.last)
    var metadata = file.metadata
    (metadata["aginet.best_psnr"], metadata["aginet.best_iteration"]) = ("31.5", "1")
    try Safetensors.write(
      [
        .init("generator.weight", shape: [2], values: try file.values(of: "generator.weight", as: Float.self))
      ],
      metadata: metadata, to: folder.last)
    let resumed = try trainer(folder, plan(9), method: Walker(loss: { _ in 1 }))
    try resumed.resume()
    #expect(resumed.best?.score == Score("psnr", 31.5) && resumed.best?.iteration == 1)
    var written: [Int] = []
    try resumed.run(
      stream(from: 2), Watcher(score: { $0 == 6 ? 32 : 31 }, written: { written.append($0) }))
    #expect(written == [6])
  }

  @Test func onlyScoresOfOneNameCompare() {
    #expect(Score("psnr", 2).beats(nil) && Score("psnr", 2).beats(Score("psnr", 1)))
    #expect(!Score("psnr", 2).beats(Score("psnr", 2)) && !Score("psnr", .nan).beats(nil))
    #expect(Score("dice", 0.5).beats(Score("psnr", 30)))
  }

  @Test func withoutACheckpointThereIsNothingToResume() throws {
    let trainer = try trainer(RunFolder(scratch("none")), plan(3))
    let failure = try failure { try trainer.resume() }
    #expect(failure.kind == .notFound && failure.message.contains("overwrites"))
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

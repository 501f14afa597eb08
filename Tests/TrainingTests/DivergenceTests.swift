import Failures
import PipelineSupport
import Testing
import Torch
import Training

@Suite struct DivergenceTests {
  private let scratch: Scratch
  init() throws { scratch = try Scratch() }

  @Test(arguments: [Double.nan, .infinity, -.infinity])
  func aLossThatIsNoNumberStopsAndNamesTheIteration(value: Double) throws {
    let folder = RunFolder(scratch("run"))
    let walker = Walker(loss: { $0 == 5 ? value : 1 })
    let trainer = try trainer(folder, plan(9, checkpointEvery: 2), method: walker)
    var seen = 0
    let watcher = Watcher(seen: { if case .step(let iteration, _, _, _) = $0 { seen = iteration } })
    let failure = try failure { try trainer.run(stream(), watcher) }
    #expect(failure.kind == .numerical)
    #expect(failure.message.contains("iteration 5") && failure.message.contains("walk"))
    #expect(seen == 4)
    #expect(try weight(in: folder.last) == 4)
  }

  /// The loss is that before the step, so the first sign of broken weights would come after they are saved.
  @Test func brokenWeightsAreNeverSaved() throws {
    let folder = RunFolder(scratch("run"))
    let walker = Walker(loss: { _ in 1 }, move: { $0 == 4 ? .nan : Double($0) })
    let trainer = try trainer(folder, plan(9, validateEvery: 4, checkpointEvery: 2), method: walker)
    var written: [Int] = []
    let failure = try failure { try trainer.run(stream(), Watcher(written: { written.append($0) })) }
    #expect(failure.kind == .numerical)
    #expect(failure.message.contains("iteration 4") && failure.message.contains("generator.weight"))
    #expect(try weight(in: folder.last) == 2)
    #expect(written.isEmpty)
  }

  @Test func validationThatIsNoNumberIsNeverTheBest() throws {
    let folder = RunFolder(scratch("run"))
    let trainer = try trainer(folder, plan(6), method: Walker(loss: { _ in 1 }))
    var written: [Int] = []
    try trainer.run(
      stream(), Watcher(score: { $0 == 3 ? 20 : .nan }, written: { written.append($0) }))
    #expect(written == [3])
  }

  @Test func beforeTheFirstCheckpointTheMessageSaysSo() throws {
    let trainer = try trainer(RunFolder(scratch("run")), plan(9), method: Walker(loss: { _ in .nan }))
    let failure = try failure { try trainer.run(stream()) }
    #expect(failure.message.contains("iteration 1") && failure.message.contains("no checkpoint"))
  }
}

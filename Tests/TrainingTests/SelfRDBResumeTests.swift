import Experiments
import Failures
import Files
import Foundation
import PipelineSupport
import Testing
import Torch
import Training

@Suite struct SelfRDBResumeTests {
  /// Both networks, and when the penalty is due: every third step, across a stop.
  @Test func piecesGiveTheBytesOfTheWhole() throws {
    let scratch = try Scratch()
    let experiment = try Experiment(
      settings: [
        "width=4", "batchSize=2", "blocks=1", "method=selfrdb", "selfrdb.steps=3",
        "selfrdb.penaltyEvery=3",
        "selfrdb.generator.multipliers=[1,2]", "selfrdb.generator.attention=[2]",
        "selfrdb.discriminator.width=4", "selfrdb.discriminator.multipliers=[2,2]",
      ])
    func train(_ folder: String, stops: [Int]) throws -> Data? {
      let folder = RunFolder(scratch(folder))
      for (place, stop) in stops.enumerated() {
        let method = try MethodCatalog.build(experiment, device: .cpu)
        let trainer = try trainer(folder, plan(stop), method: method)
        if place > 0 { try trainer.resume() }
        try trainer.run(stream(from: trainer.iteration))
      }
      return contents(of: folder.last)
    }
    let whole = try train("whole", stops: [8])
    #expect(whole != nil)
    #expect(try train("pieces", stops: [2, 5, 8]) == whole)
  }
}

import Experiments
import Failures
import Files
import Foundation
import PipelineSupport
import Testing
import Torch
import Training

/// A diffusion of two levels and twenty steps on the tiny cohort.
func tinyDiffusion(_ method: String) throws -> Experiment {
  try Experiment(
    settings: [
      "width=4", "batchSize=2", "blocks=1", "method=\(method)", "\(method).steps=20",
      "\(method).unet.multipliers=[1,2]", "\(method).unet.attention=[2]", "\(method).sampling.steps=5",
      "\(method).validationSteps=2",
    ])
}

@Suite struct DiffusionResumeTests {
  /// The networks, the moving average and how far it has come.
  @Test func piecesGiveTheBytesOfTheWhole() throws {
    let scratch = try Scratch()
    for name in ["ddpm", "iddpm"] {
      func train(_ folder: String, stops: [Int]) throws -> Data? {
        let folder = RunFolder(scratch(folder))
        for (place, stop) in stops.enumerated() {
          let method = try MethodCatalog.build(tinyDiffusion(name), device: .cpu)
          let trainer = try trainer(folder, plan(stop), method: method)
          if place > 0 { try trainer.resume() }
          try trainer.run(stream(from: trainer.iteration))
        }
        return contents(of: folder.last)
      }
      let whole = try train(name + "-whole", stops: [7])
      #expect(whole != nil)
      #expect(try train(name + "-pieces", stops: [1, 4, 7]) == whole)
    }
  }
}

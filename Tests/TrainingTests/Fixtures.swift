import Cohorts
import Experiments
import Failures
import Files
import Foundation
import Imaging
import Inference
import Layers
import Methods
import PipelineSupport
import Torch
import Training

let scenario = Scenario(sources: [.t1, .t2], target: .pd)

/// One prepared cohort for all tests of this target; it goes when the process ends.
enum Prepared {
  private static let scratch: Result<Scratch, any Error> = Result {
    let scratch = try Scratch()
    _ = try makeCohort(scratch)
    atexit { if case .success(let scratch) = Prepared.scratch { scratch.remove() } }
    return scratch
  }

  static func cohort() throws -> PreparedCohort { try PreparedCohort(folder: scratch.get()("cohort")) }
}

func plan(_ iterations: Int, validateEvery: Int = 3, checkpointEvery: Int = 2) -> Plan {
  Plan(iterations: iterations, validateEvery: validateEvery, checkpointEvery: checkpointEvery, seed: 5)
}

/// A trainer of a tiny pix2pix, or of another method, on the shared cohort.
func trainer(_ folder: RunFolder, _ plan: Plan, method: (any Method)? = nil) throws -> Trainer {
  let made = try method ?? MethodCatalog.build(tinyExperiment(), device: .cpu)
  return Trainer(made, for: scenario, plan: plan, folder: folder, device: .cpu, metadata: ["who": "test"])
}

func stream(from iteration: Int = 0, threads: Int = 1) throws -> SampleStream {
  try SampleStream(
    Prepared.cohort(), scenario: scenario, batchSize: 2, seed: 5, startingAt: iteration, threads: threads)
}

/// Looks after a run as a test tells.
final class Watcher: TrainingDelegate {
  private let score: (Int) -> Double?
  private let written: (Int) -> Void
  private let seen: (TrainingEvent) -> Void

  init(
    score: @escaping (Int) -> Double? = { _ in nil }, written: @escaping (Int) -> Void = { _ in },
    seen: @escaping (TrainingEvent) -> Void = { _ in }
  ) {
    (self.score, self.written, self.seen) = (score, written, seen)
  }

  var stop: Failure.Kind?

  func validate(iteration: Int) throws -> Score? { score(iteration).map { Score("psnr", $0) } }
  func writeModel(iteration: Int, score: Score?) { written(iteration) }
  func observe(_ event: TrainingEvent) { seen(event) }
}

/// One weight that walks as told; its loss is what the caller says.
final class Walker: Method {
  let store = Parameters(seed: 1)
  let weight: Tensor
  let losses = ["walk"]
  private let loss: (Int) -> Double
  private let move: (Int) -> Double
  private var steps = 0

  init(loss: @escaping (Int) -> Double, move: @escaping (Int) -> Double = Double.init) {
    weight = store.root.parameter("weight", [2], .ones)
    (self.loss, self.move) = (loss, move)
  }

  var generator: TrainedNetwork { TrainedNetwork("generator", store) }
  var networks: [TrainedNetwork] { [generator] }

  func train(on batch: Batch, random: RandomStream) -> [PendingLoss] {
    steps += 1
    weight.assign(.full(move(steps), [2]))
    return [PendingLoss("walk", .full(loss(steps), [], type: .float64))]
  }

  func synthesize(_ sources: Tensor, present: Tensor?, passed: (Int, Int) throws -> Void) rethrows -> Tensor {
    try passed(1, 1)
    return sources.narrowed(1, from: 0, length: 1)
  }
}

/// The weight in a checkpoint of a `Walker`.
func weight(in path: String) throws -> Float {
  try Safetensors(contentsOf: path).values(of: "generator.weight", as: Float.self)[0]
}

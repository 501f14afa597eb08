import Cohorts
import Experiments
import Layers
import Methods
import Runs
import Torch

extension RoutingSummary {
  /// Runs slices through a model and watches its CAGR modules; nothing for a network that has none.
  init?(
    _ model: TrainedModel, named name: String, on references: [SampleReference], of cohort: PreparedCohort,
    batchSize: Int, progress: (Int, Int) throws -> Void
  ) throws {
    let network = model.method.generator
    let evaluator = try Evaluator(cohort, scenario: model.experiment.scenario)
    // What the layers show arrives in their own order, while one thread computes.
    let observation = Observed()
    network.parameters.observer = { path, tensor in
      // Whole feature maps would be copied for nothing.
      guard RoutingObservation.isRouting(path) else { return }
      observation.routing.add(path, tensor.values(Double.self), rows: tensor.size(0))
    }
    defer { network.parameters.observer = nil }
    let batches = try cohort.batches(
      of: references, scenario: model.experiment.scenario, batchSize: batchSize)
    var done = 0
    for number in batches.indices {
      let batch = try batches[number]
      _ = evaluator.predictions(of: model.method, for: batch, device: model.device)
      if observation.routing.isEmpty { return nil }
      done += batch.count
      try progress(done, references.count)
    }
    self = observation.routing.summary(named: name, slices: references.count)
  }

  private final class Observed {
    var routing = RoutingObservation()
  }
}

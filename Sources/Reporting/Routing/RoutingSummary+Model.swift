import Cohorts
import Experiments
import Files
import Inference
import Layers
import Methods
import Runs
import Torch

extension RoutingSummary {
  /// Runs samples of a split, at most `limit` and spread evenly, through a model and watches its CAGR modules; nothing for
  /// a network that has none.
  init?(
    _ model: TrainedModel, named name: String, on limit: Int, in split: Split, of cohort: PreparedCohort,
    batchSize: Int, progress: (Int, Int) throws -> Void
  ) throws {
    let contents = try SampleContents(
      model.experiment.scenario, region: model.card.region, rule: model.card.intensityRule)
    let references = try cohort.samples(in: split, contents).spread(limit)
    let network = model.method.generator
    // What the layers show arrives in their own order, while one thread computes.
    var routing = RoutingObservation()
    network.parameters.observer = { path, tensor in
      // Whole feature maps would be copied for nothing.
      guard RoutingObservation.isRouting(path) else { return }
      routing.add(path, tensor.values(Double.self), shape: tensor.shape)
    }
    defer { network.parameters.observer = nil }
    let batches = try cohort.batches(of: references, contents, batchSize: batchSize)
    do {
      try batches.predicted(by: model.predictor.callAsFunction(_:passed:), progress: progress) { _, _ in
        if routing.isEmpty { throw Unwatched() }
      }
    } catch is Unwatched { return nil }
    self = routing.summary(named: name, slices: references.count)
  }

  /// The network has no CAGR modules: no slice more needs to go through.
  private struct Unwatched: Error {}
}

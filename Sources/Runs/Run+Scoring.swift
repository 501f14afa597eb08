import Experiments
import Failures
import Files
import Imaging
import Inference
import Methods
import Torch
import Training

extension [Run] {
  /// How they are called in one table: two of one kind are told apart by their folders.
  var names: [String] {
    let titles = map(\.title)
    return map { run in
      let isShared = titles.filter { $0 == run.title }.count > 1
      return isShared ? "\(run.title) [\(Path.name(run.folder.path))]" : run.title
    }
  }

  /// What all of them are asked in one table.
  /// - Parameter asked: another scenario than they were trained for, of as many sources.
  /// - Throws: `.usage` where there is none, `.inconsistent` where they answer different scenarios.
  func scenario(asked: Scenario?) throws -> Scenario {
    guard let first else { throw Failure(.usage, "no run is named") }
    if asked == nil, let run = self.first(where: { $0.experiment.completes }) {
      throw Failure(
        .usage,
        "\(run.folder.path): makes whichever contrast is missing, and a table is of one; \(Term.assessment) measures it on "
          + "people's files")
    }
    let scenario = asked ?? first.experiment.scenario
    for run in self where asked == nil && run.experiment.scenario != scenario {
      throw Failure(
        .inconsistent,
        "\(run.folder.path) is \(run.experiment.scenario), \(first.folder.path) is \(first.experiment.scenario): one table needs one scenario"
      )
    }
    for run in self where run.experiment.scenario.sources.count != scenario.sources.count {
      throw Failure(
        .inconsistent, "\(run.folder.path) is \(run.experiment.scenario), which cannot be asked \(scenario)")
    }
    return scenario
  }
}

extension Run {
  /// The best model, as its `experiment.json` says it is, and how it is called where it draws otherwise than in training.
  /// - Parameter isAlone: whether no other run is beside it: in a table of several, only some may draw.
  /// - Throws: `.inconsistent` for one that sees images on another scale than a prepared cohort has.
  func scored(
    as name: String, drawing change: SamplingChange, isAlone: Bool, device: Device
  ) throws -> (model: TrainedModel, name: String) {
    let model = try model(device: device)
    try check(model)
    try model.checkScale()
    if isAlone || model.method.sampling != nil { try model.method.change(change) }
    let drawn = change.isEmpty ? nil : model.method.sampling?.description
    return (model, drawn.map { "\(name) [\($0)]" } ?? name)
  }
}

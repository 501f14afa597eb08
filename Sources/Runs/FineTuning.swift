import Experiments
import Failures
import Files
import Foundation
import Inference
import Methods
import Metrics
import Torch
import Training

/// What training brought over the model that it started from, by the figure that validation gives: the start's weights, the best
/// since, and the mean of both (`TrainedModel.average`). Start and mean are models in the run's folder, the figures a table.
struct FineTuning {
  let experiment: Experiment, folder: RunFolder, device: Device
  /// How good a network is now; nil where there is nothing to judge it by.
  let score: (any Method) throws -> Score?

  /// Keeps the weights that training starts with.
  /// - Parameters:
  ///   - card: of these weights, judged.
  ///   - origin: what the model that they are of says of its own training.
  func keep(_ method: any Method, _ card: ModelCard, of origin: String?) throws {
    var card = card
    card.trainedOn = origin ?? "what a model with SHA-256 \(experiment.from) was trained on"
    try TrainedModel.write(method, experiment: experiment, card: card, to: folder.start)
  }

  /// Compares them with the best since, and with the mean; nothing where one of the two is not there, or is not judged.
  /// - Throws: as `TrainedModel`, `.cannotWrite`, and what `score` throws.
  func compare() throws -> [(weights: String, file: String, score: Score)] {
    guard [folder.start, folder.model].allSatisfy(FileManager.default.fileExists(atPath:)) else { return [] }
    let start = try TrainedModel(file: folder.start, device: device)
    let tuned = try TrainedModel(file: folder.model, device: device)
    guard let before = start.card.score, let after = tuned.card.score else { return [] }
    var card = try tuned.move(towards: start, share: 0.5)
    guard let between = try score(tuned.method) else { return [] }
    card.score = between
    try TrainedModel.write(tuned.method, experiment: experiment, card: card, to: folder.mean)
    let rows = [
      ("start", folder.start, before), ("fine-tuned", folder.model, after),
      ("mean of both", folder.mean, between),
    ].map { (weights: $0.0, file: $0.1, score: $0.2) }
    let heading = Metric(rawValue: after.name)?.heading ?? after.name
    let table = Table(
      "What fine-tuning brought", columns: [.init("Weights"), .init("File"), .init(heading)],
      rows: rows.map { [.text($0.weights), .text(Path.name($0.file)), .number($0.score.value)] })
    try AtomicFile.write(table.written(as: .csv), to: folder.gain)
    return rows
  }
}

import Experiments
import Failures
import Files
import Foundation
import Torch
import Training

/// A run folder: an experiment, what it has learned so far, and what was measured of it.
public struct Run {
  public let folder: RunFolder
  public let experiment: Experiment

  /// Opens a folder that `train` made.
  /// - Throws: `.notFound` where there is none, `.invalidModel` where its experiment is damaged.
  public init(opening path: String) throws {
    folder = RunFolder(path)
    guard let data = FileManager.default.contents(atPath: folder.experiment) else {
      throw Failure(
        .notFound, "\(path): not a run folder (no experiment.json); make one with \(Term.training)")
    }
    experiment = try Experiment(json: String(decoding: data, as: UTF8.self), origin: folder.experiment)
  }

  init(folder: RunFolder, experiment: Experiment) { (self.folder, self.experiment) = (folder, experiment) }

  /// The best model of this run.
  /// - Throws: `.notFound` where training has not come to one, and what `TrainedModel` throws.
  public func model(device: Device) throws -> TrainedModel {
    try TrainedModel(file: modelFile, device: device)
  }

  /// The file of the best model.
  /// - Throws: `.notFound` where training has not come to one.
  public var modelFile: String {
    get throws {
      guard FileManager.default.fileExists(atPath: folder.model) else {
        throw Failure(
          .notFound, "\(folder.path): has no model yet (model.safetensors); \(Term.training) writes it")
      }
      return folder.model
    }
  }

  /// Makes sure that the run's model is what its `experiment.json` says, before it is named by that in a table.
  /// - Throws: `.inconsistent` with what differs.
  package func check(_ model: TrainedModel) throws {
    if let changes = try experiment.hindrance(to: model.experiment) {
      throw Failure(
        .inconsistent,
        "\(folder.experiment): is not what \(Path.name(folder.model)) was trained by (\(changes)); one of the two was changed"
      )
    }
  }

  /// Whether it finds labels, rather than making images.
  public var isSegmentation: Bool { experiment.regions != nil }

  /// How the run is called in tables: `AGI-Net (pix2pix)`.
  public var title: String { experiment.title }
}

import Experiments
import Failures
import Files
import Foundation
import Imaging
import Runs
import Torch
import Training

/// What `--fill` says: a contrast, and what a segmentation is shown in place of it.
struct Fill {
  private let modality: Modality
  private let text: String
  private let copied: Modality?
  /// Where it is synthesised by a run's model.
  let run: Run?

  /// - Throws: `.usage` for what cannot be read, `.notFound` for a run that is not there.
  init(_ argument: String) throws {
    let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
    guard parts.count == 2, let modality = Modality(name: parts[0]) else {
      throw Failure(
        .usage, "--fill \(argument): write flair=zero, flair=copy:t1 or flair=RUN, with a contrast's name")
    }
    (self.modality, text) = (modality, parts[1])
    let isCopy = text.hasPrefix("copy:")
    copied = isCopy ? Modality(name: text.dropFirst(5)) : nil
    guard !isCopy || copied != nil else {
      throw Failure(
        .usage,
        "--fill \(argument): there is no contrast '\(text.dropFirst(5))'; known are \(Modality.names.joined(separator: ", "))"
      )
    }
    var isFolder: ObjCBool = false
    let isModel =
      FileManager.default.fileExists(atPath: text, isDirectory: &isFolder) && !isFolder.boolValue
    run = isCopy || isModel || text == "zero" ? nil : try Run(opening: text)
  }

  func substitute(device: Device) throws -> Substitute {
    if let copied { return Substitute(modality, .copy(of: copied)) }
    if text == "zero" { return Substitute(modality, .zero) }
    guard let run else {
      return Substitute(
        modality, .synthesised(by: try TrainedModel(file: text, device: device)), named: Path.name(text))
    }
    let model = try run.model(device: device)
    try run.check(model)
    return Substitute(modality, .synthesised(by: model), named: Path.name(run.folder.path))
  }
}

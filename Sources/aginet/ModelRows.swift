import Experiments
import Failures
import Files
import Foundation
import Imaging
import Inference
import Runs

/// What is said of a model file.
func modelRows(_ file: String) throws -> [(String, String)] {
  let tensors = try Safetensors(contentsOf: file)
  guard let json = tensors.metadata[ModelCard.key] else {
    throw Failure(.invalidModel, "\(file): not a model of aginet (no card in its metadata)")
  }
  let card = try ModelCard(json: json, file: file)
  let name = try TrainedModel.experiment(of: tensors).title
  return [
    ("model", "\(card.scenario), \(name), \(card.parameters.formatted()) parameters"),
    ("trained on", "\(card.trainedOn), slices \(card.sliceRule) of \(card.extent)"),
    ("planes", (card.planes ?? [.axial]).map(\.rawValue).joined(separator: ", ")),
    ("iterations", "\(card.iterations)"),
    ("validation", card.score?.words ?? "not measured"),
    ("intensities", card.intensity),
    ("versions", card.versionWords),
    ("intended use", card.intendedUse),
  ] + (card.publication?.rows ?? [])
}

extension ModelCard.Publication {
  /// One line each, named where a group begins.
  fileprivate var rows: [(String, String)] {
    func group(_ name: String, _ items: [String]?) -> [(String, String)] {
      (items ?? []).enumerated().map { ($0 == 0 ? name : "", $1) }
    }
    return [("name", name), ("licence", licence)]
      + group("made from", anatomies?.map { "\($0.name): \($0.terms)" })
      + group("cannot", limits) + group("dB over mean", results?.map(\.words)) + group("cite", citations)
  }
}

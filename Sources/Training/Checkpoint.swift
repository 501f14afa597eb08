import Failures
import Files
import Inference
import Layers
import Methods
import Torch

/// The state of a run between two iterations, as a file.
///
/// Networks stand under their names (`generator.…`, `discriminator.…`), moments under `optimizer.<network>.…`. Random
/// numbers need no state: every iteration starts its stream from the seed and its own number.
struct Checkpoint {
  var iteration = 0
  var best: Score?
  var bestIteration: Int?
  /// Whether the validation that is due after `iteration` was interrupted.
  var owesValidation = false

  func write(_ method: any Method, metadata: [String: String], to path: String) throws {
    let tensors = Checkpoint.parts(of: method).flatMap { prefix, tensors in
      tensors.map { Safetensors.Tensor(prefix + $0.name, $0.tensor) }
    }
    var metadata = metadata
    metadata[Key.iteration] = String(iteration)
    if let best { (metadata[Key.score], metadata[Key.best]) = (best.name, "\(best.value)") }
    if let bestIteration { metadata[Key.bestIteration] = String(bestIteration) }
    if owesValidation { metadata[Key.owesValidation] = "true" }
    try Safetensors.write(tensors, metadata: metadata, to: path)
  }

  private enum Key {
    static let iteration = "aginet.iteration", bestIteration = "aginet.best_iteration"
    static let score = "aginet.score", best = "aginet.best_score", owesValidation = "aginet.owes_validation"
    /// Of version 0.1.0, in dB.
    static let bestPSNR = "aginet.best_psnr"
  }

  /// How far the run had come that wrote a file; nil for a file that is no checkpoint.
  static func iteration(of file: Safetensors) -> Int? { file.metadata[Key.iteration].flatMap { Int($0) } }

  /// Reads back what `write` wrote.
  /// - Throws: `.invalidModel` for a file that is no checkpoint, or does not fit the method's networks.
  init(_ file: Safetensors, into method: any Method) throws {
    guard let iteration = Checkpoint.iteration(of: file), iteration >= 0 else {
      throw Failure(.invalidModel, "\(file.path): not a checkpoint of aginet (no iteration in its metadata)")
    }
    for (prefix, tensors) in Checkpoint.parts(of: method) { try file.load(tensors, under: prefix) }
    self.iteration = iteration
    func number(_ key: String) -> Double? { file.metadata[key].flatMap { Double($0) } }
    best = number(Key.bestPSNR).map { Score(earlier: $0) }
    if let name = file.metadata[Key.score] { best = number(Key.best).map { Score(name, $0) } }
    bestIteration = file.metadata[Key.bestIteration].flatMap { Int($0) }
    owesValidation = file.metadata[Key.owesValidation] == "true"
  }

  init() {}

  /// Makes sure that a file holds the networks of `method`, which may be an outline.
  static func check(_ file: Safetensors, fits method: any Method) throws {
    for (prefix, tensors) in parts(of: method) { try file.check(fits: tensors, under: prefix) }
  }

  /// All that is written, for who holds another copy of it.
  static func tensors(of method: any Method) -> [Tensor] {
    parts(of: method).flatMap { _, tensors in tensors.map(\.tensor) }
  }

  private static func parts(of method: any Method) -> [(
    prefix: String, tensors: [(name: String, tensor: Tensor)]
  )] {
    method.networks.flatMap { network in
      [("\(network.name).", network.parameters.saved)]
        + (network.optimizer.map { [("optimizer.\(network.name).", $0.state)] } ?? [])
    }
  }
}

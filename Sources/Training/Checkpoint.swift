import Failures
import Files
import Layers
import Methods
import Torch

/// The state of a run between two iterations, as a file.
///
/// Networks stand under their names (`generator.…`, `discriminator.…`), moments under `optimizer.<network>.…`. Random
/// numbers need no state: every iteration starts its stream from the seed and its own number.
struct Checkpoint {
  var iteration = 0
  var bestPSNR: Double?
  var bestIteration: Int?
  /// Whether the validation that is due after `iteration` was interrupted.
  var owesValidation = false

  /// Writes all networks, with their optimisers or without.
  func write(_ method: any Method, optimizers: Bool, metadata: [String: String], to path: String) throws {
    var tensors: [Safetensors.Tensor] = []
    for network in method.networks {
      tensors += network.parameters.saved.map { .init("\(network.name).\($0.name)", $0.tensor) }
      if optimizers, let adam = network.optimizer {
        tensors += adam.state.map { .init("optimizer.\(network.name).\($0.name)", $0.tensor) }
      }
    }
    var metadata = metadata
    metadata["aginet.iteration"] = String(iteration)
    if let bestPSNR { metadata["aginet.best_psnr"] = "\(bestPSNR)" }
    if let bestIteration { metadata["aginet.best_iteration"] = String(bestIteration) }
    if owesValidation { metadata["aginet.owes_validation"] = "true" }
    try Safetensors.write(tensors, metadata: metadata, to: path)
  }

  /// Reads back what `write` wrote with optimisers.
  /// - Throws: `.invalidModel` for a file that is no checkpoint, or does not fit the method's networks.
  init(_ file: Safetensors, into method: any Method) throws {
    guard let iteration = file.metadata["aginet.iteration"].flatMap({ Int($0) }), iteration >= 0 else {
      throw Failure(.invalidModel, "\(file.path): not a checkpoint of aginet (no iteration in its metadata)")
    }
    for network in method.networks {
      try file.load(network.parameters.saved, under: "\(network.name).")
      if let adam = network.optimizer { try file.load(adam.state, under: "optimizer.\(network.name).") }
    }
    self.iteration = iteration
    bestPSNR = file.metadata["aginet.best_psnr"].flatMap { Double($0) }
    bestIteration = file.metadata["aginet.best_iteration"].flatMap { Int($0) }
    owesValidation = file.metadata["aginet.owes_validation"] == "true"
  }

  init() {}

  /// Makes sure that a file holds the networks of `method`, which may be an outline.
  static func check(_ file: Safetensors, fits method: any Method) throws {
    for network in method.networks {
      try file.check(fits: network.parameters.saved, under: "\(network.name).")
      if let adam = network.optimizer {
        try file.check(fits: adam.state, under: "optimizer.\(network.name).")
      }
    }
  }
}

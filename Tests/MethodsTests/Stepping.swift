import Layers
import Methods
import Torch

extension Method {
  /// A step whose chance is a function of a seed and of the steps before it.
  func step(_ batch: Batch, seed: UInt64 = 1) -> [Loss] {
    let done = networks.compactMap(\.optimizer).map(\.steps).max() ?? 0
    return step(batch, random: RandomStream(seed: mix(seed, "step \(done)")))
  }
}

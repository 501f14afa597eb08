import Imaging
import Layers
import Methods
import Networks
import Torch

extension MethodEntry {
  static let pix2pix = MethodEntry(
    name: "pix2pix", title: { _ in "pix2pix" }, network: "agi-net", hasPublishedNetwork: false,
    refusal: { experiment, height, width in
      let options = experiment.pix2pix
      let smallest = options.weightAdversarial == 0 ? 8 : options.discriminator.smallestSide
      return min(height, width) >= smallest
        ? nil
        : "\(experiment.method) needs \(smallest) x \(smallest) or more, prepare with a larger --size"
    },
    options: { $0.pix2pix },
    build: { experiment, device in
      let store = Parameters(seed: experiment.seed, device: device)
      return Pix2Pix(
        generator: try NetworkCatalog.build(experiment, in: store), store,
        sources: experiment.scenario.sources.count, options: experiment.pix2pix, rate: experiment.learningRate
      )
    })
}

import Imaging
import Layers
import Methods
import Networks
import Torch

extension MethodEntry {
  static let pix2pix = MethodEntry(
    name: "pix2pix", title: { _ in "pix2pix" }, network: "agi-net",
    refusal: { experiment, height, width in
      let options = experiment.pix2pix
      return experiment.refusal(
        ofSlices: height, width, judgedBy: options.discriminator, weight: options.weightAdversarial)
        ?? experiment.refusal(ofSlices: height, width, halved: options.levels, padding: options.padding)
    },
    options: { $0.pix2pix },
    build: { experiment, device in
      let store = Parameters(seed: experiment.seed, device: device)
      let sources = experiment.scenario.sources.count
      let levels = experiment.pix2pix.levels
      let generator = try NetworkCatalog.build(experiment, in: store) {
        let network = Pix2PixUnet(store.root, sources: sources, width: experiment.width, levels: levels)
        return Fitted(SignedScale(network), multiple: 1 << levels)
      }
      return Pix2Pix(
        generator: generator, store, sources: sources, signed: experiment.network == NetworkCatalog.published,
        options: experiment.pix2pix, rate: experiment.learningRate)
    })
}

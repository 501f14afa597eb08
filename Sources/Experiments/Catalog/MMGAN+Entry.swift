import Imaging
import Layers
import Methods
import Networks
import Torch

extension MethodEntry {
  static let mmgan = MethodEntry(
    name: "mmgan", title: { _ in "mmGAN" }, network: NetworkCatalog.published,
    refusal: { experiment, height, width in
      let options = experiment.mmgan
      return experiment.refusal(
        ofSlices: height, width, judgedBy: .codebrain, weight: options.weightAdversarial)
        ?? experiment.refusal(ofSlices: height, width, halved: options.levels, padding: options.padding)
    },
    options: { $0.mmgan },
    build: { experiment, device in
      let store = Parameters(seed: experiment.seed, device: device)
      let sources = experiment.scenario.sources.count
      let modalities = sources + 1
      let levels = experiment.mmgan.levels
      let generator = try NetworkCatalog.build(
        experiment, in: store, inputs: modalities, outputs: modalities
      ) {
        let network = MMGANUnet(
          store.root, modalities: modalities, width: experiment.width, levels: levels)
        return Fitted(network, multiple: 1 << levels)
      }
      return MMGAN(
        generator: generator, store, sources: sources, options: experiment.mmgan,
        rate: experiment.learningRate)
    })
}

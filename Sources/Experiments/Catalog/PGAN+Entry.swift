import Imaging
import Layers
import Methods
import Networks
import Torch

extension MethodEntry {
  static let pgan = MethodEntry(
    name: "pgan", title: { $0.pgan.isPerceptual ? "pGAN" : "pGAN without VGG" },
    network: NetworkCatalog.published,
    refusal: { experiment, height, width in
      let options = experiment.pgan
      if options.isPerceptual { _ = try PerceptualFeatures(file: options.vgg) }
      return experiment.refusal(
        ofSlices: height, width, judgedBy: options.discriminator, weight: options.weightAdversarial)
    },
    options: { $0.pgan },
    build: { experiment, device in
      let store = Parameters(seed: experiment.seed, device: device)
      let sources = experiment.scenario.sources.count
      let generator = try NetworkCatalog.build(experiment, in: store) {
        let network = ResNet9(
          store.root, sources: sources, width: experiment.width, dropsAtTest: experiment.pgan.dropoutAtTest)
        return Fitted(SignedScale(network), multiple: ResNet9.multiple)
      }
      return PGAN(
        generator: generator, store, sources: sources, options: experiment.pgan, rate: experiment.learningRate
      )
    })
}

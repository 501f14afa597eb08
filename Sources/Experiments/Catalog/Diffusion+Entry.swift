import Imaging
import Layers
import Methods
import Networks
import Torch

extension MethodEntry {
  static let ddpm = MethodEntry(
    name: "ddpm", title: { "DDPM" + $0.ddpm.target.suffix }, network: NetworkCatalog.published, draws: true,
    steps: { $0.ddpm.steps }, refusal: { sizeRefusal($0, $0.ddpm.unet, $1, $2) }, options: { $0.ddpm },
    build: { experiment, device in
      DDPM(
        Parameters(seed: experiment.seed, device: device), options: experiment.ddpm,
        rate: experiment.learningRate, build: try timedNetwork(experiment, experiment.ddpm.unet, outputs: 1))
    })

  static let iddpm = MethodEntry(
    name: "iddpm", title: { "IDDPM" + $0.iddpm.target.suffix }, network: NetworkCatalog.published,
    draws: true, steps: { $0.iddpm.steps },
    refusal: { sizeRefusal($0, $0.iddpm.unet, $1, $2) }, options: { $0.iddpm },
    build: { experiment, device in
      IDDPM(
        Parameters(seed: experiment.seed, device: device), options: experiment.iddpm,
        rate: experiment.learningRate, build: try timedNetwork(experiment, experiment.iddpm.unet, outputs: 2))
    })

  /// The published U-Net or the named backbone, which is told the time; it sees the noised target before the sources.
  private static func timedNetwork(
    _ experiment: Experiment, _ architecture: DiffusionUnet.Architecture, outputs: Int
  ) throws -> (Parameters) -> any TimedNetwork {
    let inputs = 1 + experiment.scenario.sources.count
    guard experiment.network == NetworkCatalog.published else {
      return try NetworkCatalog.builder(experiment, inputs: inputs, outputs: outputs, timed: true)
    }
    return { store in
      DiffusionUnet(
        store.root, inputs: inputs, outputs: outputs, width: experiment.width, blocks: experiment.blocks,
        architecture)
    }
  }

  private static func sizeRefusal(
    _ experiment: Experiment, _ architecture: DiffusionUnet.Architecture, _ height: Int, _ width: Int
  ) -> String? {
    let multiple = architecture.multiple
    guard experiment.network == NetworkCatalog.published, min(height, width) < multiple else { return nil }
    let levels = architecture.multipliers.count
    return
      "\(experiment.method)'s U-Net of \(levels) levels needs \(multiple) x \(multiple) or more; prepare with a larger "
      + "--size, or name fewer levels (--set '\(experiment.method).unet.multipliers=[1,2,2]')"
  }
}

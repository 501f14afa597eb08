import Imaging
import Layers
import Methods
import Networks
import Torch

extension MethodEntry {
  static let medSynth = MethodEntry(
    name: "medsynth", title: { _ in "MedSynth" }, network: NetworkCatalog.published,
    mismatch: { experiment in
      guard experiment.network == NetworkCatalog.published, experiment.longSkip == nil else { return nil }
      let sources = experiment.scenario.sources.map(\.rawValue).joined(separator: ", ")
      return "longSkip is \(experiment.medsynth.longSkip.rawValue); it must be nearest or one of \(sources)"
    },
    refusal: { experiment, height, width in
      experiment.refusal(
        ofSlices: height, width, below: (2 * MedSynthUnet.multiple, MedSynthDiscriminator.side),
        weight: experiment.medsynth.weightAdversarial)
    },
    options: { $0.medsynth },
    build: { experiment, device in
      let store = Parameters(seed: experiment.seed, device: device)
      let generator = try NetworkCatalog.build(experiment, in: store) {
        let network = MedSynthUnet(
          store.root, sources: experiment.scenario.sources.count, longSkip: experiment.longSkip ?? 0,
          width: experiment.width)
        return Fitted(network, multiple: MedSynthUnet.multiple)
      }
      return MedSynth(
        generator: generator, store, options: experiment.medsynth, rate: experiment.learningRate)
    })
}

extension Experiment {
  /// The source that MedSynth adds its output to, or nil where the one that is named is none.
  fileprivate var longSkip: Int? {
    let nearest: [Modality: Modality] = [.pd: .t2, .t1gd: .t1]
    guard medsynth.longSkip == .nearest else {
      return scenario.sources.firstIndex { $0.rawValue == medsynth.longSkip.rawValue }
    }
    return nearest[scenario.target].flatMap { scenario.sources.firstIndex(of: $0) } ?? 0
  }
}

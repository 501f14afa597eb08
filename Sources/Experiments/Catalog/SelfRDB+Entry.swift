import Imaging
import Layers
import Methods
import Networks
import Torch

extension MethodEntry {
  static let selfRDB = MethodEntry(
    name: "selfrdb", title: { _ in "SelfRDB" }, network: NetworkCatalog.published, draws: true,
    mismatch: { experiment in
      let origin = experiment.selfrdb.origin
      let sources = experiment.scenario.sources.map(\.rawValue)
      return origin == SelfRDB.Options.mean || sources.contains(origin)
        ? nil
        : "origin is '\(origin)'; the bridge can begin at \(([SelfRDB.Options.mean] + sources).joined(separator: ", "))"
    },
    refusal: { experiment, height, width in
      let options = experiment.selfrdb
      guard !options.padding else { return nil }
      let generator = experiment.network == NetworkCatalog.published ? options.generator.multiple : 1
      let multiple = max(generator, options.discriminator.multiple)
      return height % multiple == 0 && width % multiple == 0
        ? nil
        : "\(experiment.method) needs multiples of \(multiple), let it pad with --set selfrdb.padding=true"
    },
    options: { $0.selfrdb },
    build: { experiment, device in
      let store = Parameters(seed: experiment.seed, device: device)
      let (options, sources) = (experiment.selfrdb, experiment.scenario.sources)
      let inputs = SelfRDB.inputs(sources: sources.count)
      let estimator: SelfRDB.Estimator =
        experiment.network == NetworkCatalog.published
        ? .published(
          NCSNpp(
            store.root, inputs: inputs, width: experiment.width, blocks: experiment.blocks, options.generator)
        )
        : .backbone(try NetworkCatalog.build(experiment, in: store, inputs: inputs, timed: true))
      return SelfRDB(
        generator: estimator, store, origin: sources.firstIndex { $0.rawValue == options.origin },
        options: options, rate: experiment.learningRate)
    })
}

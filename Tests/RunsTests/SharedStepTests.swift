import Experiments
import Foundation
import Imaging
import Layers
import Methods
import Networks
import PipelineSupport
import Runs
import Testing
import Torch

/// Several ranks, each with a share of every batch, learn what one learns of the whole.
@Suite struct SharedStepTests {
  /// But for what takes statistics over the samples of a batch: the published MedSynth's and pix2pix's networks by batch
  /// norms, SelfRDB's discriminator by the spread of its samples.
  static let pairs = MethodCatalogTests.pairs.filter { pair in
    let isPublished = pair.network == NetworkCatalog.published
    return pair.method != SelfRDB.name && !(isPublished && ["medsynth", "pix2pix"].contains(pair.method))
  }

  /// Weights after some steps on four samples, of which every rank has its part.
  private static func trained(_ pair: MethodCatalogTests.Pair, _ group: ProcessGroup?, steps: Int) throws
    -> [String: [Float]]
  {
    let samples = 4
    var experiment = tinyExperiment(method: pair.method, network: pair.network)
    (experiment.network.width, experiment.network.groups) = (8, 8)
    // Of a norm over a handful of pixels rounding grows a hundredfold in every step; with four levels none sees below 64.
    experiment.mmgan.levels = 4
    let method = try MethodCatalog.build(experiment, device: .cpu)
    try method.prepare()
    for optimizer in method.networks.compactMap(\.optimizer) { optimizer.group = group }
    let (part, parts) = (group?.rank ?? 0, group?.size ?? 1)
    for step in 0..<steps {
      let whole = pair.batch(UInt64(step + 1), slices: samples)
      // As training's batches are told what they have; weights make some count more than others.
      let weights = Tensor.uniform([samples, 1, tinySide, tinySide], seed: UInt64(step + 1))
      func share(_ x: Tensor) -> Tensor {
        x.narrowed(0, from: part * samples / parts, length: samples / parts).copied()
      }
      let batch = Batch(
        sources: share(whole.sources), target: share(whole.target), weights: share(weights), group: group)
      _ = method.step(batch, random: RandomStream(seed: UInt64(step + 1), part: part, of: parts))
      try group?.check()
    }
    return MethodCatalogTests.weights(of: method)
  }

  /// In a process of its own: ranks with a thread for each core would wait for one another.
  @Test func aSharedBatchTeachesWhatAWholeOneDoes() async {
    await #expect(processExitsWith: .success) {
      LibTorch.threads = 1
      for pair in SharedStepTests.pairs {
        let steps = pair.network == "agi-net" ? 20 : 5
        let start = try SharedStepTests.trained(pair, nil, steps: 0)
        let expected = try SharedStepTests.trained(pair, nil, steps: steps)
        let ranks = try inRanks(2) { try SharedStepTests.trained(pair, $0, steps: steps) }
        #expect(ranks[0] == ranks[1], "\(pair.testDescription): the ranks differ")
        // Where a derivative is itself no more than rounding, Adam goes by its sign: such weights are few, so that of the way that
        // all have come little is another. What lacked a rank's share would be off by much of it.
        var apart: [String: String] = [:]
        for (name, values) in expected {
          let (other, first) = (try #require(ranks[0][name]), try #require(start[name]))
          let differences = zip(values, other).map { abs($0 - $1) }
          let way = zip(values, first).reduce(0) { $0 + abs($1.0 - $1.1) }
          let (largest, share) = (differences.max() ?? 0, differences.reduce(0, +) / way)
          if !(largest <= 1e-5 || share < 0.02) { apart[name] = "\(largest), \(share) of the way" }
        }
        // A bias that the norm behind it takes away is moved by rounding alone, as far as Adam goes with anything.
        for network in Set(apart.keys.compactMap { $0.split(separator: ".").first.map(String.init) }) {
          let own = apart.filter { $0.key.hasPrefix("\(network).") }
          let names = own.keys.map { String($0.dropFirst(network.count + 1)) }
          #expect(
            try pair.losesNothing(by: names, of: network),
            "\(pair.testDescription): \(own.sorted { $0.key < $1.key })")
        }
      }
    }
  }
}

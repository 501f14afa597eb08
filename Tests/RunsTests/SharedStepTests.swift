import Experiments
import Failures
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
@Suite(.serialized) struct SharedStepTests {
  /// But for what takes statistics over the samples of a batch: the published MedSynth's and pix2pix's networks by batch
  /// norms, SelfRDB's discriminator by the spread of its samples.
  static let pairs = MethodCatalogTests.pairs.filter { pair in
    let isPublished = pair.network == NetworkCatalog.published
    return pair.method != SelfRDB.name && !(isPublished && ["medsynth", "pix2pix"].contains(pair.method))
  }

  /// Weights after some steps on `samples` samples, of which every rank has its part.
  private static func trained(
    _ pair: MethodCatalogTests.Pair, steps: Int, samples: Int, _ group: ProcessGroup?
  ) throws -> [String: [Float]] {
    var experiment = tinyExperiment(method: pair.method, network: pair.network)
    (experiment.network.width, experiment.network.groups) = (8, 8)
    let method = try MethodCatalog.build(experiment, device: .cpu)
    try method.prepare()
    for optimizer in method.networks.compactMap(\.optimizer) { optimizer.group = group }
    let (part, parts) = (group?.rank ?? 0, group?.size ?? 1)
    for step in 1...steps {
      let whole = pair.batch(UInt64(step), slices: samples)
      // As training's batches are told what they have; weights make some count more than others.
      let weights = Tensor.uniform([samples, 1, tinySide, tinySide], seed: UInt64(step))
      func share(_ x: Tensor) -> Tensor {
        x.narrowed(0, from: part * samples / parts, length: samples / parts).copied()
      }
      let batch = Batch(
        sources: share(whole.sources), target: share(whole.target), weights: share(weights), group: group)
      _ = method.step(batch, random: RandomStream(seed: UInt64(step), part: part, of: parts))
      try group?.check()
    }
    return MethodCatalogTests.weights(of: method)
  }

  @Test(arguments: pairs) func aSharedBatchTeachesWhatAWholeOneDoes(pair: MethodCatalogTests.Pair) throws {
    let expected = try Self.trained(pair, steps: 20, samples: 4, nil)
    let ranks = try inRanks(2) { try Self.trained(pair, steps: 20, samples: 4, $0) }
    #expect(ranks[0] == ranks[1], "the ranks differ")
    var worst = (difference: Float(0), name: "")
    for (name, values) in expected {
      let other = try #require(ranks[0][name])
      let difference = zip(values, other).map { abs($0 - $1) }.max() ?? 0
      if difference > worst.difference { worst = (difference, name) }
    }
    #expect(worst.difference <= 1e-5, "\(worst)")
  }
}

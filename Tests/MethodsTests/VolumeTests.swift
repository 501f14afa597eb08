import Layers
import Methods
import Networks
import TestSupport
import Testing
import Torch

/// Frameworks on volumes: the same classes, with a generator and a discriminator of three dimensions.
@Suite struct VolumeTests {
  private static func batch(_ seed: UInt64 = 1, side: Int) -> Batch {
    let sources = Tensor.uniform([1, 2, side, side, side], seed: seed)
    let parts = (0..<2).map { sources.narrowed(1, from: $0, length: 1) }
    return Batch(
      sources: sources, target: parts[0] * 0.3 + parts[1].squared() * 0.7, present: .ones([1, 2]))
  }

  private static func unet(
    _ store: Parameters, inputs: Int = 2, outputs: Int = 1, stages: [Stage] = [], timed: Bool = false
  ) -> ResUnet {
    ResUnet(
      store.root, sources: inputs, targets: outputs, width: 4, blocks: 1, dimensions: 3,
      replacing: .cagr(groups: 4), in: stages, timed: timed)
  }

  /// The last map that a discriminator norms needs two voxels along an axis: 24 is the least side for that.
  @Test(arguments: [[], [Stage].agiNet], [(side: 16, weight: 0.0), (side: 24, weight: 1.0)])
  func pix2pixTrainsEveryParameter(_ stages: [Stage], _ setting: (side: Int, weight: Double)) {
    let store = Parameters()
    var options = Pix2Pix.Options()
    (options.discriminatorWidth, options.discriminator) = (4, .isola)
    options.weightAdversarial = setting.weight
    let method = Pix2Pix(
      generator: Self.unet(store, stages: stages), store, sources: 2, options: options, rate: 1e-3,
      dimensions: 3)
    let trained = setting.weight > 0 ? method.networks : [method.networks[0]]
    let before = trained.map { $0.parameters.entries.map { $0.tensor.values(Float.self) } }
    for seed in 1...2 {
      let losses = method.step(Self.batch(UInt64(seed), side: setting.side))
      #expect(losses.map(\.name) == method.losses && losses.allSatisfy { $0.value.isFinite })
    }
    for (network, before) in zip(trained, before) {
      for ((name, tensor), before) in zip(network.parameters.entries, before) {
        let after = tensor.values(Float.self)
        #expect(after != before && after.allSatisfy(\.isFinite), "\(network.name).\(name)")
      }
    }
    if setting.weight > 0 { #expect(trained[1].parameters["conv1.weight"]?.shape == [4, 3, 4, 4, 4]) }
  }

  private static let makers: [(name: String, make: @Sendable (Parameters) -> any Method)] = [
    (
      "pgan",
      { store in
        var options = PGAN.Options()
        (options.discriminatorWidth, options.discriminator) = (4, .isola)
        return PGAN(generator: unet(store), store, sources: 2, options: options, dimensions: 3)
      }
    ),
    (
      "mmgan",
      { store in
        var options = MMGAN.Options()
        options.weightAdversarial = 0
        return MMGAN(
          generator: unet(store, inputs: 3, outputs: 3), store, sources: 2, options: options, dimensions: 3)
      }
    ),
    (
      "ddpm",
      { store in
        var options = DDPM.Options()
        (options.steps, options.sampling.steps) = (20, 2)
        return DDPM(store, options: options) { unet($0, inputs: 3, timed: true) }
      }
    ),
    (
      "iddpm",
      { store in
        var options = IDDPM.Options()
        (options.steps, options.sampling.steps) = (20, 2)
        return IDDPM(store, options: options) { unet($0, inputs: 3, outputs: 2, timed: true) }
      }
    ),
  ]

  @Test(arguments: makers.map(\.name)) func othersTrainAndMakeVolumes(_ name: String) throws {
    let maker = try #require(Self.makers.first { $0.name == name })
    let method = maker.make(Parameters())
    for seed in 1...2 {
      let losses = method.step(Self.batch(UInt64(seed), side: 24))
      #expect(losses.map(\.name) == method.losses && losses.allSatisfy { $0.value.isFinite })
    }
    let sources = Tensor.uniform([2, 2, 9, 8, 11], seed: 3)
    let volumes = method.generator.parameters.evaluating {
      method.synthesize(sources, present: .ones([2, 2])) { _, _ in }
    }
    #expect(volumes.shape == [2, 1, 9, 8, 11] && volumes.isFinite)
  }

  @Test func patchesAndGradientDifferencesAreCubesToo() {
    let volume = Tensor.uniform([2, 1, 5, 6, 7], seed: 1, type: .float64)
    let patches = RandomPatches(of: volume, side: 4, from: RandomStream(seed: 2))(volume)
    #expect(patches.shape == [2, 1, 4, 4, 4])
    // One voxel of height 2 among zeros: two steps of 2 along each of three axes.
    let one = Tensor([2.0, 0, 0, 0, 0, 0, 0, 0], shape: [1, 1, 2, 2, 2])
    expectClose([one.gradientDifference(one * 0).item], [3 * 2 * 4 / 8.0], within: 1e-12)
  }
}

import Imaging
import Layers
import Methods
import Networks
import TestSupport
import Testing
import Torch

/// Frameworks on volumes: the same classes, with a generator and a discriminator of three dimensions.
@Suite(.serialized) struct VolumeTests {
  private static func batch(_ seed: UInt64 = 1, side: Int) -> Batch {
    let sources = Tensor.uniform([1, 2, side, side, side], seed: seed)
    let parts = (0..<2).map { sources.narrowed(1, from: $0, length: 1) }
    return Batch(
      sources: sources, target: parts[0] * 0.3 + parts[1].squared() * 0.7, present: .ones([1, 2]))
  }

  /// The last map that a discriminator norms needs two voxels along an axis: 24 is the least side for that.
  @Test(arguments: [[], [Stage].agiNet], [(side: 16, weight: 0.0), (side: 24, weight: 1.0)])
  func pix2pixTrainsEveryParameter(_ stages: [Stage], _ setting: (side: Int, weight: Double)) {
    let store = Parameters()
    var options = Pix2Pix.Options()
    (options.discriminatorWidth, options.discriminator) = (4, .isola)
    options.weightAdversarial = setting.weight
    let method = Pix2Pix(
      generator: ResUnet(
        store.root, sources: 2, width: 4, blocks: 1, dimensions: 3, replacing: .cagr(groups: 4), in: stages),
      store, sources: 2, options: options, rate: 1e-3, dimensions: 3)
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

  // MARK: - Every framework that has a form for volumes

  struct Trial: Sendable, CustomTestStringConvertible {
    let framework: any Framework.Type
    /// Whether with the framework's own generator; else with AGI-Net.
    let isOwn: Bool
    var testDescription: String { framework.name + (isOwn ? " with its own generator" : " with AGI-Net") }

    /// The least side that its discriminator judges.
    var side: Int { ["pgan": 24, "medsynth": 40][framework.name] ?? 32 }

    func make(seed: UInt64 = 1, rate: Double = 1e-4) throws -> any Method {
      var task = SynthesisTask(
        Scenario(sources: [.t1, .t2], target: .pd), dimensions: 3, seed: seed, rate: rate)
      (task.network.width, task.network.groups, task.network.blocks) = (4, 4, 1)
      return try made(framework, task)
    }

    private func made<F: Framework>(_ framework: F.Type, _ task: SynthesisTask) throws -> any Method {
      let options = F.Options.tiny.fitted(to: Extent(side, side, side), width: 4)
      let kind = try isOwn ? options.ownGenerator(task) : .agiNet
      #expect(kind.refusal(options.shape(task), task.network) == nil)
      return options.make(task, kind)
    }
  }

  /// Those that the paper compares in 3-D.
  static let compared = ["pix2pix", "pgan", "mmgan", "medsynth"]

  static let trials = frameworks.filter { compared.contains($0.name) }.flatMap {
    [Trial(framework: $0, isOwn: true), Trial(framework: $0, isOwn: false)]
  }

  @Test func theComparedOnesTakeVolumesAndDiffusionsDoNot() {
    func takesVolumes<F: Framework>(_ framework: F.Type) -> Bool { F.Options().dimensions.contains(3) }
    let names = frameworks.filter { takesVolumes($0) }.map { $0.name }
    #expect(Set(names).isSuperset(of: Self.compared) && Self.trials.count == 8)
    #expect(Set(names).isDisjoint(with: ["ddpm", "iddpm", "selfrdb"]))
  }

  @Test(arguments: trials) func stepsMoveEveryParameter(_ trial: Trial) throws {
    let method = try trial.make()
    let before = method.networks.map { $0.parameters.entries.map { $0.tensor.values(Float.self) } }
    // Weights that start at zero pass nothing on to those behind them in the first steps.
    for seed in 1...4 {
      let losses = method.step(Self.batch(UInt64(seed), side: trial.side), seed: UInt64(seed))
      #expect(losses.map(\.name) == method.losses && losses.allSatisfy { $0.value.isFinite })
    }
    for (network, before) in zip(method.networks, before) {
      for ((name, tensor), before) in zip(network.parameters.entries, before) {
        let after = tensor.values(Float.self)
        #expect(tensor.isFinite, "\(network.name).\(name)")
        // A bias that a norm takes away may rest.
        #expect(after != before || name.hasSuffix(".bias"), "\(network.name).\(name) has not moved")
      }
    }
  }

  @Test(arguments: trials) func stepsLowerTheLoss(_ trial: Trial) throws {
    let method = try trial.make(rate: 2e-3)
    let batch = Self.batch(side: trial.side)
    // The same random numbers in every round, so that losses can be compared.
    func round() -> Double {
      (1...2).reduce(0) { sum, seed in
        let losses = method.step(batch, random: RandomStream(seed: UInt64(seed)))
        return sum + losses.filter { ["l1", "gradient"].contains($0.name) }.reduce(0) { $0 + $1.value }
      }
    }
    let first = round()
    var last = first
    for _ in 0..<6 { last = round() }
    #expect(last < 0.95 * first, "\(first) has become \(last)")
  }

  @Test(arguments: trials) func twoRunsAgreeInEveryBit(_ trial: Trial) throws {
    func losses(_ seed: UInt64) throws -> [Loss] {
      let method = try trial.make(seed: seed)
      return (1...2).flatMap { method.step(Self.batch(UInt64($0), side: trial.side), seed: UInt64($0)) }
    }
    let first = try losses(5)
    #expect(try losses(5) == first)
    #expect(try losses(6) != first)
  }

  /// Of any size, and each by itself.
  @Test(arguments: trials) func volumesDependOnThemselvesAlone(_ trial: Trial) throws {
    let method = try trial.make()
    _ = method.step(Self.batch(side: trial.side))
    let sources = Tensor.uniform([2, 2, 9, 8, 11], seed: 3)
    let (volumes, alone) = method.generator.parameters.evaluating {
      (
        method.synthesize(sources),
        (0..<2).map { method.synthesize(sources.narrowed(0, from: $0, length: 1)) }
      )
    }
    #expect(volumes.shape == [2, 1, 9, 8, 11] && volumes.isFinite)
    expectClose(volumes, .concatenated(alone, axis: 0), within: 1e-4)
  }

  // MARK: - Fitting to patches

  @Test(arguments: [
    (Extent(48, 48, 48), 4), (Extent(32, 96, 96), 5), (Extent(96, 96, 96), 5), (Extent(40, 80, 80), 3),
    (Extent(128, 128, 128), 7), (Extent(36, 36, 36), 5),
  ])
  func uNetsHalveWhatCanBeHalved(_ patch: Extent, _ levels: Int) {
    let pix2pix = Pix2Pix.Options().fitted(to: patch, width: 16)
    let mmGAN = MMGAN.Options().fitted(to: patch, width: 16)
    #expect(pix2pix.levels == levels && mmGAN.levels == levels)
    #expect(pix2pix.padding && mmGAN.padding && pix2pix.discriminatorWidth == 16)
    // What was chosen stays.
    var chosen = Pix2Pix.Options()
    chosen.levels = 3
    #expect(chosen.fitted(to: patch, width: 16).levels == 3)
  }

  @Test func slicesAreFittedAsBefore() {
    let pix2pix = Pix2Pix.Options().fitted(to: Extent(240, 240), width: 64)
    #expect(pix2pix == Pix2Pix.Options())
    let mmGAN = MMGAN.Options().fitted(to: Extent(240, 240), width: 64)
    #expect(mmGAN.levels == 7 && mmGAN.padding)
    #expect(MedSynth.Options().fitted(to: Extent(240, 240), width: 64) == MedSynth.Options())
  }

  @Test(arguments: [
    (Extent(48, 96, 96), 48), (Extent(32, 96, 96), 40), (Extent(96, 96, 96), 64), (Extent(50, 60), 50),
  ])
  func medSynthJudgesWhatThereIs(_ extent: Extent, _ side: Int) {
    #expect(MedSynth.Options().fitted(to: extent, width: 16).judged == side)
  }

  @Test func whatCannotBeJudgedIsNoOption() throws {
    var options = MedSynth.Options()
    options.judged = 39
    #expect(try #require(options.refusal).contains("from 40 to"))
    options.judged = 40
    #expect(options.refusal == nil)
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

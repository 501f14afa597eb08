import Cohorts
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
import Training

/// What every method of the catalogue has to do with every kind of generator, whoever wrote it.
///
/// A method's tiny settings are its own. One test after the other: LibTorch takes all processors
/// for each.
@Suite(.serialized) struct MethodCatalogTests {
  struct Pair: Sendable, CustomTestStringConvertible {
    let method: String, network: String
    var testDescription: String { "\(method) with \(network)" }

    func make(seed: UInt64 = 1, rate: Double = 1e-4) throws -> any Method {
      var experiment = tinyExperiment(method: method, network: network)
      (experiment.seed, experiment.learningRate) = (seed, rate)
      try experiment.check()
      let method = try MethodCatalog.build(experiment, device: .cpu)
      try method.prepare()
      return method
    }

    /// Whether the losses of a step do not see parameters, as a bias that the norm behind it takes away: only rounding
    /// moves those.
    func losesNothing(by names: [String], of network: String) throws -> Bool {
      func losses(adding shift: Double) throws -> [Double] {
        let method = try make()
        for seed in 1...4 { step(method, UInt64(seed)) }
        let store = try #require(method.networks.first { $0.name == network }).parameters
        for tensor in names.compactMap({ store[$0] }) { tensor.assign(tensor.detached + shift) }
        return step(method, 5)
      }
      let (before, after) = (try losses(adding: 0), try losses(adding: 0.1))
      return zip(before, after).allSatisfy { abs($0 - $1) <= 1e-3 * max(1e-3, abs($0)) }
    }

    @discardableResult private func step(_ method: any Method, _ seed: UInt64) -> [Double] {
      method.step(batch(seed), random: .init(seed: seed)).map(\.value)
    }

    /// What the method is trained on: a contrast that is a function of the sources, four labels that are, or sources of which
    /// one is a function of the other.
    func batch(_ seed: UInt64 = 1, slices: Int = 2) -> Batch {
      let batch = MethodCatalogTests.batch(seed, slices: slices)
      if method == Unified.name {
        let first = batch.sources.narrowed(1, from: 0, length: 1)
        let both = Tensor.concatenated([first, first.squared()], axis: 1)
        return Batch(sources: both, target: both)
      }
      guard method == Segmentation.name else { return batch }
      return Batch(sources: batch.sources, target: (batch.target * 4).to(.int64).to(.float32))
    }
  }

  /// The method's own generator, the plain backbone and the one that the project is about.
  static let pairs = MethodCatalog.names.flatMap { method in
    ((try? MethodCatalog.networks(of: method)) ?? [])
      .filter { [NetworkCatalog.published, "resunet", "agi-net"].contains($0) }
      .map { Pair(method: method, network: $0) }
  }

  /// Losses of a game between two networks, which need not fall.
  static let adversarial: Set = ["discriminator", "adversarial", "r1"]

  static func batch(_ seed: UInt64 = 1, slices: Int = 2) -> Batch {
    let sources = Tensor.uniform([slices, 2, tinySide, tinySide], seed: seed)
    let parts = (0..<2).map { sources.narrowed(1, from: $0, length: 1) }
    return Batch(sources: sources, target: parts[0] * 0.3 + parts[1].squared() * 0.7)
  }

  static func weights(of method: any Method) -> [String: [Float]] {
    var weights: [String: [Float]] = [:]
    for network in method.networks {
      for (name, tensor) in network.parameters.saved { weights["\(network.name).\(name)"] = tensor.values() }
    }
    return weights
  }

  // MARK: -

  @Test func everyMethodIsThere() throws {
    let names = MethodCatalog.names
    #expect(names.first == "pix2pix" && Set(names).count == names.count)
    #expect(names.allSatisfy { $0 == $0.lowercased() && !$0.contains(" ") })
    #expect(Self.pairs.count >= 2 * names.count)
    // Each keeps its own options, which a file names by its key.
    for framework in frameworks { try Self.keepsItsOptions(framework) }
  }

  private static func keepsItsOptions<F: Framework>(_ framework: F.Type) throws {
    var experiment = Experiment()
    experiment[F.self] = .tiny
    let read = try Experiment(json: experiment.json, origin: "test")
    #expect(read == experiment && read[F.self] == .tiny && F.Options.tiny.refusal == nil)
    for other in MethodCatalog.names where other != F.name {
      #expect(try experiment.differences(from: Experiment()).allSatisfy { !$0.hasPrefix("\(other).") })
    }
  }

  @Test func everyNetworkOfAMethodCanBeBuilt() throws {
    for method in MethodCatalog.names {
      for network in try MethodCatalog.networks(of: method) {
        let experiment = tinyExperiment(method: method, network: network)
        try experiment.check()
        let made = try Parameters.outlining { try MethodCatalog.build(experiment, device: .cpu) }
        #expect(made.generator.parameters.count > 0, "\(method) with \(network)")
      }
    }
    #expect(try MethodCatalog.networks(of: "pix2pix").contains("resnet9"))
    #expect(try !MethodCatalog.networks(of: "ddpm").contains("resnet9"))
  }

  @Test func whatTakesVolumesMakesThem() {
    func make<F: Framework>(_ framework: F.Type) -> (volume: Tensor, outputs: Int)? {
      guard F.Options.tiny.dimensions.contains(3) else { return nil }
      var task = SynthesisTask(Experiment().scenario, dimensions: 3)
      (task.network.width, task.network.groups, task.network.blocks) = (4, 4, 1)
      let method = F.Options.tiny.make(task, .agiNet)
      let volume = method.generator.parameters.evaluating {
        method.synthesize(.uniform([1, 2, 9, 8, 11], seed: 1))
      }
      return (volume, method.outputs)
    }
    var volumes = 0
    for framework in frameworks {
      guard let (volume, outputs) = make(framework) else { continue }
      volumes += 1
      #expect(volume.shape == [1, outputs, 9, 8, 11] && volume.isFinite, "\(framework.name)")
    }
    #expect(volumes >= 5)
  }

  @Test(arguments: pairs) func theGeneratorComesFirst(_ pair: Pair) throws {
    let method = try pair.make()
    let networks = method.networks
    #expect(networks[0].name == "generator" && method.generator.name == "generator")
    #expect(networks[0].parameters === method.generator.parameters)
    #expect(Set(networks.map(\.name)).count == networks.count)
    #expect(networks.contains { $0.optimizer != nil })
    #expect(networks.allSatisfy { $0.optimizer == nil || $0.optimizer?.parameters === $0.parameters })
  }

  @Test(arguments: pairs) func stepsMoveEveryParameter(_ pair: Pair) throws {
    let method = try pair.make()
    let before = Self.weights(of: method)
    // Weights that start at zero pass nothing on to those behind them in the first steps.
    for seed in 1...4 {
      let losses = method.step(pair.batch(UInt64(seed)), random: .init(seed: UInt64(seed)))
      #expect(losses.map(\.name) == method.losses && losses.allSatisfy { $0.value.isFinite })
    }
    let after = Self.weights(of: method)
    for network in method.networks {
      let names = network.parameters.entries.map(\.name)
      let still = names.filter { before["\(network.name).\($0)"] == after["\(network.name).\($0)"] }
      #expect(try pair.losesNothing(by: still, of: network.name), "\(network.name) has not moved at \(still)")
      #expect(network.parameters.entries.allSatisfy { $0.tensor.gradient == nil })
    }
    #expect(after.values.allSatisfy { $0.allSatisfy(\.isFinite) })
  }

  /// A GPU is waited for once a step, when its losses are read; from the first step on.
  @Test(arguments: pairs) func stepsReadNothingButTheirLosses(_ pair: Pair) throws {
    let method = try pair.make()
    for seed in 1...3 {
      let batch = pair.batch(UInt64(seed))
      let (pending, reads) = LibTorch.countingReads {
        method.train(on: batch, random: .init(seed: UInt64(seed)))
      }
      #expect(reads == 0)
      #expect(LibTorch.countingReads { pending.read() }.count == 1)
    }
  }

  @Test(arguments: pairs) func stepsLowerTheLoss(_ pair: Pair) throws {
    let method = try pair.make(rate: 2e-3)
    let batch = pair.batch(slices: 1)
    // The same random numbers in every round, so that losses can be compared.
    func round() -> Double {
      (1...2).reduce(0) { sum, seed in
        let losses = method.step(batch, random: .init(seed: UInt64(seed))).filter {
          !Self.adversarial.contains($0.name)
        }
        return sum + losses.reduce(0) { $0 + $1.value }
      }
    }
    let first = round()
    var last = first
    for _ in 0..<6 { last = round() }
    #expect(last < 0.95 * first)
  }

  @Test(arguments: pairs) func anImageDependsOnItsOwnSlicesAlone(_ pair: Pair) throws {
    let method = try pair.make()
    _ = method.step(pair.batch(), random: .init(seed: 1))
    method.generator.parameters.beginEvaluating()
    let sources = Self.batch(9, slices: 3).sources
    let images = withoutGradient { method.synthesize(sources) }
    #expect(images.shape == [3, method.outputs, tinySide, tinySide] && images.isFinite)
    for slice in 0..<3 {
      let alone = withoutGradient { method.synthesize(sources.narrowed(0, from: slice, length: 1)) }
      let difference = (images.narrowed(0, from: slice, length: 1) - alone).abs()
      #expect(difference.reshaped([-1]).max(over: 0).item < 1e-4, "slice \(slice)")
    }
  }

  /// A patient's slices need not be of the size that was trained on.
  @Test(arguments: pairs) func slicesOfAnySizeComeBack(_ pair: Pair) throws {
    let method = try pair.make()
    method.generator.parameters.beginEvaluating()
    let images = withoutGradient { method.synthesize(.uniform([1, 2, tinySide + 9, tinySide + 2], seed: 1)) }
    #expect(images.shape == [1, method.outputs, tinySide + 9, tinySide + 2] && images.isFinite)
  }

  @Test func twoRunsAgreeInEveryBit() throws {
    for pair in MethodCatalogTests.pairs {
      func run(_ seed: UInt64) throws -> ([Loss], [String: [Float]]) {
        let method = try pair.make(seed: seed)
        var losses: [Loss] = []
        for step in 1...2 {
          losses += method.step(pair.batch(UInt64(step)), random: .init(seed: UInt64(step)))
        }
        return (losses, MethodCatalogTests.weights(of: method))
      }
      let (first, second) = (try run(5), try run(5))
      #expect(first.0 == second.0 && first.1 == second.1, "\(pair.testDescription)")
      #expect(try run(6).0 != first.0, "\(pair.testDescription)")
    }
  }

  /// Through the files of a run: every network, buffer and moment comes back, and the stream is where it was.
  @Test func aResumedRunIsTheUninterruptedOne() throws {
    let scratch = try Scratch()
    let cohort = try makeCohort(scratch, tumours: true) { $0.size = Extent(tinySide, tinySide) }
    for pair in MethodCatalogTests.pairs {
      func train(_ iterations: Int, _ name: String, resumes: Bool = false) throws -> Run {
        var setting = Run.Setting()
        setting.resumes = resumes
        return try Run.train(
          tinyExperiment(method: pair.method, network: pair.network, iterations: iterations),
          on: cohort, into: scratch("\(pair.method)-\(pair.network)-\(name)"), setting)
      }
      let whole = try train(4, "whole")
      _ = try train(2, "parts")
      let parts = try train(4, "parts", resumes: true)
      #expect(
        contents(of: whole.folder.last) == contents(of: parts.folder.last), "\(pair.testDescription)")
      #expect(contents(of: whole.folder.log) == contents(of: parts.folder.log), "\(pair.testDescription)")
      // The model makes images, by the generator alone.
      let model = try whole.model(device: .cpu)
      let image = withoutGradient { model.method.synthesize(MethodCatalogTests.batch().sources) }
      #expect(image.isFinite, "\(pair.testDescription)")
    }
  }

  @Test func nothingLeaks() async {
    await #expect(processExitsWith: .success) {
      for pair in MethodCatalogTests.pairs {
        let batch = pair.batch(slices: 1)
        let method = try pair.make()
        let bare = LibTorch.liveTensors
        let evaluate = {
          method.generator.parameters.evaluating { _ = method.synthesize(batch.sources).mean().item }
        }
        evaluate()
        #expect(LibTorch.liveTensors == bare, "\(pair.testDescription) needs more than its generator")
        for _ in 0..<2 { _ = method.step(batch, random: .init(seed: 1)) }
        let before = LibTorch.liveTensors
        #expect(before > bare, "\(pair.testDescription) had made what only training needs")
        for _ in 0..<20 { _ = method.step(batch, random: .init(seed: 1)) }
        evaluate()
        #expect(LibTorch.liveTensors == before, "\(pair.testDescription)")
      }
    }
  }
}

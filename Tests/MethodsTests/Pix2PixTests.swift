import Layers
import Methods
import Networks
import TestSupport
import Testing
import Torch

/// A small AGI-Net in pix2pix.
func smallPix2Pix(
  width: Int = 4, type: ElementType = .float32, seed: UInt64 = 1, rate: Double = 1e-4,
  _ change: (inout Pix2Pix.Options) -> Void = { _ in }
) -> Pix2Pix {
  let store = Parameters(seed: seed, type: type)
  let generator = ResUnet(store.root, sources: 2, width: width, replacing: .cagr(groups: 4), in: .agiNet)
  var options = Pix2Pix.Options()
  options.discriminatorWidth = width
  change(&options)
  return Pix2Pix(generator: generator, store, sources: 2, options: options, rate: rate)
}

/// Two sources and a target that is a blend of them.
func toyBatch(_ seed: UInt64 = 1, size: Int = 32, type: ElementType = .float32) -> Batch {
  let sources = Tensor.uniform([2, 2, size, size], seed: seed, type: type)
  let first = sources.narrowed(1, from: 0, length: 1)
  let second = sources.narrowed(1, from: 1, length: 1)
  return Batch(sources: sources, target: first * 0.3 + second.squared() * 0.7)
}

@Suite struct Pix2PixTests {
  @Test(arguments: [ElementType.float64, .float32])
  func threeStepsAgreeWithPyTorch(_ type: ElementType) throws {
    let golden = try Golden("pix2pix")
    let method = smallPix2Pix(type: type)
    for network in method.networks {
      #expect(try golden.load("initial/\(network.name).", into: network.parameters) == [])
    }
    let tolerance = type == .float64 ? 1e-6 : 1e-4
    for step in 1...3 {
      let losses = method.step(
        Batch(
          sources: try golden("batch\(step)/sources", type), target: try golden("batch\(step)/target", type)))
      #expect(losses.map(\.name).sorted() == ["adversarial", "discriminator", "l1"])
      for loss in losses {
        let expected = try golden("loss/\(loss.name)").values(Double.self)[step - 1]
        expectClose([loss.value], [expected], within: tolerance, "\(loss.name) in step \(step)")
      }
    }
    for network in method.networks {
      for (name, tensor) in network.parameters.entries {
        // The biases before instance norms have no gradient but rounding, which Adam blows up to whole steps.
        if network.name == "discriminator", ["conv2.bias", "conv3.bias", "conv4.bias"].contains(name) {
          continue
        }
        let final = try golden("final/\(network.name).\(name)")
        let initial = try golden("initial/\(network.name).\(name)")
        // Of the way that three steps of 1e-4 went.
        expectClose(
          tensor.detached.to(.float64) - initial, final - initial, within: type == .float64 ? 1e-3 : 0.05,
          orAbsolutely: 1e-7, "\(network.name).\(name)")
      }
    }
  }

  @Test func stepsLowerTheDistance() throws {
    let method = smallPix2Pix(rate: 2e-3)
    let batch = toyBatch()
    func distance(_ losses: [Loss]) -> Double { losses.first { $0.name == "l1" }?.value ?? .nan }
    let before = distance(method.step(batch))
    var after = before
    for _ in 0..<30 { after = distance(method.step(batch)) }
    #expect(after < before / 2)
  }

  @Test(arguments: PatchGANVariant.allCases)
  func bothNetworksMoveAndNoGradientStays(_ variant: PatchGANVariant) {
    let method = smallPix2Pix { $0.discriminator = variant }
    let before = method.networks.map { $0.parameters.entries.map { $0.tensor.values(Float.self) } }
    // Two steps: the routing's heads start at zero and pass nothing on in the first.
    for seed in 1...2 {
      let losses = method.step(toyBatch(UInt64(seed), size: 48))
      #expect(losses.allSatisfy { $0.value.isFinite && $0.value > 0 })
    }
    for (network, before) in zip(method.networks, before) {
      let entries = network.parameters.entries
      // Nothing but rounding reaches the biases before instance norms.
      let moved = zip(entries, before).filter { $0.tensor.values(Float.self) != $1 }.map { $0.0.name }
      let idle = Set(entries.map(\.name)).subtracting(moved).subtracting((2...4).map { "conv\($0).bias" })
      #expect(idle.sorted() == [], "\(network.name) has not moved there")
      #expect(entries.allSatisfy { $0.tensor.gradient == nil })
    }
  }

  @Test func withoutAnAdversaryTheDiscriminatorRests() {
    let method = smallPix2Pix { $0.weightAdversarial = 0 }
    let judge = method.networks[1].parameters
    let before = judge.entries.map { $0.tensor.values(Float.self) }
    #expect(method.step(toyBatch()).map(\.name) == ["l1"])
    #expect(judge.entries.map { $0.tensor.values(Float.self) } == before)
  }

  @Test func twoRunsAgreeInEveryBit() {
    func run(_ seed: UInt64) -> ([Loss], [[Float]]) {
      let method = smallPix2Pix(seed: seed)
      let losses = (1...4).flatMap { method.step(toyBatch(UInt64($0))) }
      return (losses, method.networks.flatMap { $0.parameters.entries.map { $0.tensor.values(Float.self) } })
    }
    let first = run(5)
    let second = run(5)
    #expect(first.0 == second.0)
    #expect(first.1 == second.1)
    #expect(run(6).0 != first.0)
  }

  @Test func synthesisIsTheGenerator() {
    let method = smallPix2Pix()
    let batch = toyBatch()
    let parameters = method.generator.parameters
    let image = parameters.evaluating { method.synthesize(batch.sources) }
    #expect(image.shape == batch.target.shape && !image.requiresGradient)
    let loss = method.step(batch).first { $0.name == "l1" }?.value ?? .nan
    #expect(abs(image.meanAbsoluteError(batch.target).item - loss) < 1e-6)
    #expect(method.networks.map(\.name) == ["generator", "discriminator"])
  }

  /// Whoever trains has to see the loss that is not a number; the program must live to show it.
  @Test func aDivergedStepComesBack() async {
    await #expect(processExitsWith: .success) {
      let method = smallPix2Pix()
      let batch = toyBatch()
      method.generator.parameters["head.weight"]?.fill(.nan)
      for _ in 0..<2 {
        let losses = method.step(batch)
        #expect(losses.contains { $0.value.isNaN })
      }
    }
  }

  @Test func twentyStepsLeakNothing() async {
    await #expect(processExitsWith: .success) {
      let method = smallPix2Pix()
      let batch = toyBatch()
      for _ in 0..<2 { _ = method.step(batch) }
      let before = LibTorch.liveTensors
      for _ in 0..<20 { _ = method.step(batch) }
      #expect(LibTorch.liveTensors == before)
      _ = method.generator.parameters.evaluating { method.synthesize(batch.sources).mean().item }
      #expect(LibTorch.liveTensors == before)
    }
  }
}

import Foundation
import Layers
import Networks
import TestSupport
import Testing
import Torch

/// The U-Net of denoising diffusion; its numbers beside PyTorch's are in MethodsTests, with the losses.
@Suite(.serialized) struct DiffusionUnetTests {
  private func architecture(_ change: (inout DiffusionUnet.Architecture) -> Void = { _ in })
    -> DiffusionUnet.Architecture
  {
    var architecture = DiffusionUnet.Architecture()
    change(&architecture)
    return architecture
  }

  /// Improved DDPM's: attention at 16 and 8 px of 256, four heads, scale and shift.
  private var improved: DiffusionUnet.Architecture {
    architecture { ($0.attention, $0.heads, $0.injection) = ([16, 32], 4, .scaleShift) }
  }

  private func small(
    _ store: Parameters, inputs: Int = 3, outputs: Int = 1, width: Int = 8, stirred: Bool = true,
    _ change: (inout DiffusionUnet.Architecture) -> Void = { _ in }
  ) -> DiffusionUnet {
    let shape = architecture {
      ($0.multipliers, $0.attention, $0.heads) = ([1, 2, 2], [2, 4], 2)
      change(&$0)
    }
    let network = DiffusionUnet(
      store.root, inputs: inputs, outputs: outputs, width: width, blocks: 1, shape)
    if stirred {
      // Away from the zeros, where much is not reached.
      for (name, tensor) in store.entries where tensor.rank > 1 {
        tensor.assign(.normal(tensor.shape, deviation: 0.1, seed: mix(5, name), type: store.type))
      }
    }
    return network
  }

  @Test(arguments: [(128, 113_670_913), (64, 28_446_081)])
  func parametersOfDDPM(_ width: Int, _ expected: Int) {
    let store = Parameters()
    _ = DiffusionUnet(store.root, inputs: 3, outputs: 1, width: width, architecture())
    #expect(store.count == expected)
  }

  @Test func parametersOfImprovedDDPM() {
    let store = Parameters()
    _ = DiffusionUnet(store.root, inputs: 3, outputs: 2, width: 128, improved)
    #expect(store.count == 124_052_098)
  }

  @Test func untrainedItGivesZero() {
    let store = Parameters()
    let network = small(store, stirred: false)
    let y = network(.normal([2, 3, 8, 8], seed: 1), at: Tensor([3, 700] as [Float], shape: [2]))
    #expect(y.shape == [2, 1, 8, 8] && y.values(Float.self).allSatisfy { $0 == 0 })
  }

  @Test(arguments: TimeInjection.allCases)
  func aGradientReachesEveryParameter(_ injection: TimeInjection) {
    let store = Parameters()
    let network = small(store) { $0.injection = injection }
    network(.normal([2, 3, 12, 8], seed: 1), at: Tensor([3, 700] as [Float], shape: [2])).squared().mean()
      .backward()
    let left = store.entries.filter { entry in
      guard let gradient = entry.tensor.gradient, gradient.isFinite else { return true }
      return gradient.abs().sum().item == 0
    }
    #expect(left.map(\.name) == [], "without a gradient")
  }

  @Test(arguments: [[8, 8], [13, 6], [4, 31], [1, 1]])
  func anySizeComesBack(_ size: [Int]) {
    let store = Parameters()
    let network = small(store, outputs: 2)
    let y = store.evaluating { network(.normal([1, 3] + size, seed: 1), at: .ones([1])) }
    #expect(y.shape == [1, 2] + size && y.isFinite)
  }

  /// Channels that 32 groups or the heads do not divide.
  @Test(arguments: [1, 5, 12, 48]) func anyWidthWorks(_ width: Int) {
    let store = Parameters()
    let network = small(store, width: width) { $0.heads = 4 }
    let y = store.evaluating { network(.normal([1, 3, 8, 8], seed: 1), at: .ones([1])) }
    #expect(y.isFinite)
  }

  @Test func samplesAndTimesDoNotMeet() {
    let store = Parameters(type: .float64)
    let network = small(store) { $0.injection = .scaleShift }
    let x = Tensor.normal([3, 3, 8, 8], seed: 1, type: .float64)
    let times = Tensor([0.0, 500, 999], shape: [3])
    let alone = (0..<3).map {
      network(x.narrowed(0, from: $0, length: 1), at: times.narrowed(0, from: $0, length: 1))
    }
    expectClose(network(x, at: times), .concatenated(alone, axis: 0), within: 1e-11)
  }

  @Test func dropoutRestsAtTestTime() {
    let store = Parameters()
    let network = small(store) { $0.dropout = 0.5 }
    let x = Tensor.normal([1, 3, 8, 8], seed: 1)
    func values() -> [Float] { network(x, at: .ones([1])).values() }
    #expect(store.evaluating { values() } == store.evaluating { values() })
    #expect(values() != values())
  }

  @Test func namesAreThoseOfTheDesign() {
    let store = Parameters()
    _ = small(store)
    let names = Set(store.entries.map(\.name))
    for name in [
      "time.first.weight", "head.bias", "down1.block1.norm1.weight", "down1.sample.weight",
      "down2.attention1.qkv.weight", "down3.block1.time.bias", "down2.block1.skip.weight",
      "body.attention.out.weight", "body.block2.second.bias", "up1.attention2.norm.bias", "up1.sample.weight",
      "up3.block2.first.weight", "tail.norm.weight", "tail.conv.bias",
    ] { #expect(names.contains(name), "\(name)") }
    #expect(!names.contains("down3.sample.weight") && !names.contains("up3.sample.weight"))
    #expect(!names.contains("down1.attention1.qkv.weight"))
  }

  @Test func aTimeIsCosinesThenSines() {
    // Frequencies 1 and 1/100.
    let known = [1.5, 200.0].flatMap { [cos($0), cos($0 / 100), sin($0), sin($0 / 100)] }
    expectClose(sinusoids([1.5, 200], count: 4), known, within: 1e-14)
    expectClose(sinusoids([1.5], count: 3), [cos(1.5), sin(1.5), 0], within: 1e-14)
  }

  private func sinusoids(_ times: [Double], count: Int) -> Tensor {
    timeSinusoids(Tensor(times, shape: [times.count]), count: count)
  }

  @Test func nonsenseIsRefused() {
    for (word, change) in [
      ("multipliers", { $0.multipliers = [] }), ("multipliers", { $0.multipliers = [1, 0] }),
      ("attention", { $0.attention = [3] }), ("attention", { $0.attention = [64] }),
      ("attention", { $0.attention = [16, 16] }), ("heads", { $0.heads = 0 }),
      ("dropout", { $0.dropout = 1 }), ("dropout", { $0.dropout = .nan }),
    ] as [(String, (inout DiffusionUnet.Architecture) -> Void)] {
      #expect(architecture(change).refusal?.contains(word) == true, "\(word)")
    }
  }

  @Test func thePublishedOnesAreNotRefused() {
    #expect(architecture().refusal == nil && improved.refusal == nil)
    #expect(architecture().multiple == 32)
  }
}

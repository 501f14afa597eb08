import Layers
import Networks
import TestSupport
import Testing
import Torch

/// The residual U-Net of diffusions, which is told a time.
@Suite struct TimedResUnetTests {
  @Test(arguments: [ElementType.float64, .float32])
  func agreesWithPyTorch(_ type: ElementType) throws {
    let golden = try Golden("timed_resunet")
    let store = Parameters(type: type)
    let network = ResUnet(store.root, sources: 3, width: 2, blocks: 1, timed: true)
    #expect(try golden.load("parameter/", into: store) == [])
    let output = network(try golden("input", type), at: try golden("times", type))
    let tolerance = type == .float64 ? 2e-7 : 1e-5
    expectClose(output, try golden("output"), within: tolerance, "output")
    (output * (try golden("probe", type))).sum().backward()
    for (name, tensor) in store.entries where golden.has("gradient/" + name) {
      let gradient = try #require(tensor.gradient, "\(name)")
      expectClose(gradient, try golden("gradient/" + name), within: 5 * tolerance, "gradient of \(name)")
    }
    #expect(golden.names(under: "gradient/").count == store.entries.count - 2)
    #expect(store["time.second.weight"]?.gradient != nil)
  }

  /// 64 -> 256 -> 256 for the embedding, 256 -> C in each of two blocks in seven stages.
  @Test func parameters() {
    func count(_ timed: Bool) -> Int {
      let store = Parameters()
      _ = ResUnet(store.root, sources: 2, timed: timed)
      return store.count
    }
    let channels = 2 * (64 + 128 + 256 + 512 + 256 + 128 + 64)
    #expect(count(true) - count(false) == 64 * 256 + 256 + 256 * 256 + 256 + 257 * channels)
    #expect(count(true) == 17_814_464)
  }

  @Test func withoutAnythingToSayTheTimeChangesNothing() {
    let plain = Parameters(seed: 3)
    let timed = Parameters(seed: 3)
    let first = ResUnet(plain.root, sources: 2, width: 4, replacing: .cagr(groups: 4), in: .agiNet)
    let second = ResUnet(
      timed.root, sources: 2, width: 4, replacing: .cagr(groups: 4), in: .agiNet, timed: true)
    for (name, tensor) in timed.entries where name.contains("block") && name.contains(".time.") {
      tensor.fill(0)
    }
    let x = Tensor.uniform([2, 2, 16, 24], seed: 1)
    #expect(first(x).values(Float.self) == second(x, at: Tensor([1, 900] as [Float], shape: [2])).values())
  }

  @Test func eachSampleHasItsTime() {
    let store = Parameters(type: .float64)
    let network = ResUnet(
      store.root, sources: 2, width: 4, replacing: .cagr(groups: 4), in: .agiNet, timed: true)
    let x = Tensor.uniform([3, 2, 13, 8], seed: 1, type: .float64)
    let times = Tensor([0.0, 500, 999], shape: [3])
    let alone = (0..<3).map {
      network(x.narrowed(0, from: $0, length: 1), at: times.narrowed(0, from: $0, length: 1))
    }
    expectClose(network(x, at: times), .concatenated(alone, axis: 0), within: 1e-11)
    let same = x.narrowed(0, from: 0, length: 1)
    let early = network(same, at: Tensor([0.0], shape: [1]))
    let late = network(same, at: Tensor([999.0], shape: [1]))
    #expect((early - late).abs().mean().item > 1e-3)
  }

  /// The shift and the ReLU overwrite what a convolution gives back: none may need it any more.
  @Test(arguments: ConvolutionKind.catalog.map(\.name))
  func everyKindCanBeToldATime(_ name: String) throws {
    let kind = try #require(ConvolutionKind.catalog.first { $0.name == name })
    let store = Parameters()
    let network = ResUnet(
      store.root, sources: 2, width: 8, blocks: 1, replacing: kind, in: .agiNet, timed: true)
    let x = Tensor.uniform([2, 2, 16, 16], seed: 1)
    network(x, at: Tensor([10, 700] as [Float], shape: [2])).squared().mean().backward()
    let left = store.entries.filter { $0.tensor.gradient?.isFinite != true }.map(\.name)
    #expect(left == [], "without a gradient")
  }

  @Test(arguments: [2, 3]) func aGradientReachesEveryParameter(_ dimensions: Int) {
    let store = Parameters()
    let network = ResUnet(store.root, sources: 2, width: 8, blocks: 1, dimensions: dimensions, timed: true)
    let x = Tensor.uniform([2, 2] + Array(repeating: 8, count: dimensions), seed: 1)
    network(x, at: Tensor([10, 700] as [Float], shape: [2])).squared().mean().backward()
    let left = store.entries.filter { $0.tensor.gradient?.isFinite != true }.map(\.name)
    #expect(left == [], "without a gradient")
  }

  // MARK: - Told a code

  /// The code's parameters stand under names of their own; all others are those of the network that is told nothing.
  @Test func aCodeIsReadInEveryBlock() {
    func make(code: Int?) -> (Parameters, ResUnet) {
      let store = Parameters(seed: 3)
      let network = ResUnet(
        store.root, sources: 5, targets: 5, width: 4, replacing: .cagr(groups: 4), in: .agiNet, code: code)
      return (store, network)
    }
    let ((plain, first), (coded, second)) = (make(code: nil), make(code: 5))
    let names = coded.entries.map(\.name)
    let added = names.filter { $0.hasPrefix("code.") || $0.contains(".code.") }
    #expect(names.filter { !added.contains($0) } == plain.entries.map(\.name))
    #expect(added.count == 4 + 2 * 14 && coded["code.first.weight"]?.shape == [256, 5])
    let x = Tensor.uniform([2, 5, 16, 24], seed: 1)
    let one = Tensor([1, 0, 0, 1, 0, 0, 1, 1, 0, 1] as [Float], shape: [2, 5])
    #expect((second(x, knowing: one) - second(x, knowing: 1 - one)).abs().mean().item > 1e-4)
    for (name, tensor) in coded.entries where name.contains("block") && name.contains(".code.") {
      tensor.fill(0)
    }
    #expect(first(x).values(Float.self) == second(x, knowing: one).values())
  }
}

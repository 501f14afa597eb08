import Layers
import Networks
import TestSupport
import Testing
import Torch

/// ResUnet and AGI-Net beside PyTorch, and what a user may feed them.
@Suite struct ResUnetTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let file: String, kind: ConvolutionKind
    var testDescription: String { file }
  }
  static let cases = [
    Case(file: "resunet", kind: .standard), Case(file: "agi_net", kind: .cagr(groups: 4)),
  ]

  /// The files are computed in double and stored in single precision, which bounds what can agree.
  @Test(arguments: cases, [ElementType.float64, .float32])
  func agreesWithPyTorch(_ trial: Case, _ type: ElementType) throws {
    let golden = try Golden(trial.file)
    let store = Parameters(type: type)
    let network = ResUnet(store.root, sources: 2, width: 4, replacing: trial.kind, in: .agiNet)
    #expect(try golden.load("parameter/", into: store) == [])
    let x = try golden("input", type)
    let target = try golden("target", type)
    x.requiresGradient = true

    // 20 x 28: both sides are padded by replication and cropped back.
    let output = network(x)
    let loss = output.meanAbsoluteError(target)
    loss.backward()
    let tolerance = type == .float64 ? 2e-7 : 1e-5
    expectClose(output, try golden("output"), within: tolerance, "output")
    expectClose(loss, try golden("loss").values(), within: tolerance, "loss")
    expectClose(
      try #require(x.gradient), try golden("gradient/input"), within: tolerance, "gradient of input")
    try golden.expectGradients(of: store, under: "gradient/", within: tolerance)
  }

  @Test(arguments: [[8, 8], [240, 240], [9, 23], [1, 1], [7, 16]])
  func anySizeComesBack(_ size: [Int]) {
    let store = Parameters()
    let network = ResUnet(
      store.root, sources: 3, targets: 2, width: 4, replacing: .cagr(groups: 2), in: .agiNet)
    let y = store.evaluating { network(.uniform([1, 3] + size, seed: 1)) }
    #expect(y.shape == [1, 2] + size && y.isFinite)
  }

  @Test func volumesOfAnySize() {
    let store = Parameters()
    let network = ResUnet(
      store.root, sources: 2, width: 4, dimensions: 3, replacing: .cagr(groups: 4), in: .agiNet)
    let y = store.evaluating { network(.uniform([1, 2, 5, 9, 8], seed: 1)) }
    #expect(y.shape == [1, 1, 5, 9, 8] && y.isFinite)
  }

  @Test func paddingIsReplication() {
    let store = Parameters(type: .float64)
    let network = ResUnet(store.root, sources: 1, width: 2)
    let x = Tensor.uniform([1, 1, 13, 10], seed: 1, type: .float64)
    let whole = network(x.padded([0, 6, 0, 3], .replicate)).narrowed(2, from: 0, length: 13)
    expectClose(network(x), whole.narrowed(3, from: 0, length: 10), within: 1e-13)
  }

  @Test func theLayoutInMemoryDoesNotMatter() {
    let store = Parameters()
    let network = ResUnet(store.root, sources: 2, width: 4, replacing: .cagr(groups: 4), in: .agiNet)
    let x = Tensor.uniform([2, 2, 16, 24], seed: 1)
    let y = network(x)
    #expect(!x.isChannelsLast && x.channelsLast().isChannelsLast)
    expectClose(network(x.channelsLast()), y, within: 1e-5)
  }

  @Test func slicesOfABatchDoNotMeet() {
    let store = Parameters(type: .float64)
    let network = ResUnet(store.root, sources: 2, width: 4, replacing: .cagr(groups: 4), in: .agiNet)
    for (index, entry) in store.entries.enumerated() where entry.name.contains("offset") {
      entry.tensor.assign(.normal(entry.tensor.shape, seed: UInt64(index), type: .float64))
    }
    let x = Tensor.uniform([3, 2, 16, 8], seed: 1, type: .float64)
    let alone = (0..<3).map { network(x.narrowed(0, from: $0, length: 1)) }
    expectClose(network(x), .concatenated(alone, axis: 0), within: 1e-11)
  }

  @Test(arguments: ConvolutionKind.catalog.map(\.name))
  func everyKindTakesItsPlaceInEveryStage(_ name: String) throws {
    let kind = try #require(ConvolutionKind.catalog.first { $0.name == name })
    let store = Parameters()
    let network = ResUnet(store.root, sources: 2, width: 8, replacing: kind, in: Stage.allCases)
    network(.uniform([1, 2, 16, 16], seed: 1)).squared().mean().backward()
    let left = store.entries.filter { $0.tensor.gradient?.isFinite != true }.map(\.name)
    #expect(left == [], "without a gradient")
  }

  @Test func everyStageShowsWhatComesOutOfIt() {
    let store = Parameters()
    let network = ResUnet(store.root, sources: 2, width: 4)
    let x = Tensor.uniform([1, 2, 16, 24], seed: 1)
    let silent = store.evaluating { network(x) }.values(Float.self)
    var seen: [(name: String, shape: [Int], values: [Float])] = []
    store.observer = { seen.append(($0, $1.shape, $1.values())) }
    #expect(store.evaluating { network(x) }.values(Float.self) == silent)
    store.observer = nil
    #expect(seen.map(\.name) == Stage.allCases.map { "features.\($0.rawValue)" })
    #expect(
      seen.map(\.shape) == [
        [1, 4, 16, 24], [1, 8, 8, 12], [1, 16, 4, 6], [1, 32, 2, 3], [1, 16, 4, 6], [1, 8, 8, 12],
        [1, 4, 16, 24],
      ])
  }

  @Test func namesAreThoseOfTheDesign() {
    let store = Parameters()
    _ = ResUnet(store.root / "generator", sources: 2, width: 4, replacing: .cagr(groups: 4), in: .agiNet)
    let names = store.entries.map(\.name)
    let some = [
      "head.weight", "down1.block1.first.weight", "down1.block2.second.weight", "down1.sample.weight",
      "body.block1.first.routing.norm.bias", "up1.sample.weight", "up1.block2.first.attention.weight",
      "up3.block2.second.weight", "tail.weight",
    ]
    for name in some { #expect(names.contains("generator." + name), "\(name)") }
    #expect(!names.contains { $0.contains("up2.block1.first.routing") })
    #expect(names.first == "generator.head.weight" && names.last == "generator.tail.weight")
    #expect(store["generator.up1.sample.weight"]?.shape == [32, 16, 2, 2])
  }

  @Test func equalPathsStartEqually() throws {
    let plain = Parameters(seed: 3)
    let rolled = Parameters(seed: 3)
    _ = ResUnet(plain.root, sources: 2, width: 4)
    _ = ResUnet(rolled.root, sources: 2, width: 4, replacing: .cagr(groups: 4), in: .agiNet)
    for (name, tensor) in plain.entries {
      #expect(try #require(rolled[name]).values(Float.self) == tensor.values(Float.self), "\(name)")
    }
  }
}

import Layers
import TestSupport
import Testing
import Torch

/// CAGR beside the equations in PyTorch, and the properties that need no other implementation.
@Suite struct CAGRTests {
  /// What a module shows of itself while it computes `x`.
  private func observed(_ store: Parameters, _ layer: any Layer, _ x: Tensor) -> (
    shown: [String: Tensor], y: Tensor
  ) {
    var shown: [String: Tensor] = [:]
    store.observer = { shown[$0] = $1 }
    defer { store.observer = nil }
    let y = layer(x)
    return (shown, y)
  }

  /// A module in double precision that has left its start, so that no path is idle.
  private func stirred(_ store: Parameters, _ shape: ConvolutionShape, groups: Int) -> CAGR {
    let module = CAGR(store.root, shape, groups: groups)
    for (index, entry) in store.entries.enumerated() where entry.name != "weight" {
      entry.tensor.assign(
        entry.tensor.detached + Tensor.normal(entry.tensor.shape, seed: UInt64(40 + index), type: store.type))
    }
    return module
  }

  @Test(arguments: [(2, 16, "cagr"), (3, 8, "cagr_3d")])
  func agreesWithPyTorch(_ dimensions: Int, _ channels: Int, _ file: String) throws {
    let golden = try Golden(file)
    let store = Parameters(type: .float64)
    let module = CAGR(store.root, .init(channels, channels, dimensions: dimensions), groups: 4)
    #expect(try golden.load("parameter/", into: store) == [])
    let x = try golden("input")
    x.requiresGradient = true

    let output = module(x)
    expectClose(output, try golden("output"), within: 1e-12, "output")
    (output * (try golden("probe"))).sum().backward()
    expectClose(try #require(x.gradient), try golden("gradient/input"), within: 1e-11, "gradient of input")
    try golden.expectGradients(of: store, under: "gradient/", within: 1e-11)

    let (shown, y) = observed(store, module, x)
    #expect(shown.keys.sorted() == ["gate", "offset", "scale"])
    expectClose(try #require(shown["gate"]), try golden("gate").values(), within: 1e-13, "gate")
    expectClose(try #require(shown["offset"]), try golden("offsets").values(), within: 1e-12, "offsets")
    expectClose(try #require(shown["scale"]), try golden("lambda"), within: 1e-13, "scales")
    expectClose(y, output, within: 1e-13, "output while observed")

    // The rolled kernels themselves, from the offsets and scales of the file.
    let (batch, taps) = (y.size(0), dimensions == 2 ? 9 : 27)
    let offsets = try golden("offsets").reshaped([batch, 4, dimensions])
    let mixing = FloatRoll.mixing(offsets, size: 3) * (try golden("lambda").reshaped([batch, 4, 1, 1]))
    let blocks = try golden("parameter/weight").reshaped([channels, 4, channels / 4, taps])
    expectClose(
      Tensor.einsum("bnij,oncj->bonci", mixing, blocks), try golden("kernel").values(), within: 1e-13,
      "kernel")
  }

  @Test(arguments: [(2, 16, "cagr"), (3, 8, "cagr_3d")])
  func agreesInSinglePrecision(_ dimensions: Int, _ channels: Int, _ file: String) throws {
    let golden = try Golden(file)
    let store = Parameters()
    let module = CAGR(store.root, .init(channels, channels, dimensions: dimensions), groups: 4)
    #expect(try golden.load("parameter/", into: store) == [])
    let x = try golden("input", .float32).channelsLast()
    x.requiresGradient = true
    let output = module(x)
    expectClose(output, try golden("output"), within: 1e-5, "output")
    (output * (try golden("probe", .float32))).sum().backward()
    expectClose(try #require(x.gradient), try golden("gradient/input"), within: 1e-5, "gradient of input")
    try golden.expectGradients(of: store, under: "gradient/", within: 1e-5)
  }

  /// At widths that are used, where single precision takes its fastest ways, and derivatives of derivatives.
  @Test(arguments: [32, 64], [ElementType.float64, .float32])
  func agreesWithPyTorchInVolumes(_ channels: Int, _ type: ElementType) throws {
    try Self.checkVolume(channels, type)
  }

  /// The loops of narrower registers, in a process of their own.
  @Test func narrowerInstructionsAgreeInVolumes() async {
    await #expect(processExitsWith: .success) {
      for instructions in [LibTorch.Instructions.v3, .any] {
        _ = LibTorch.limit(to: instructions)
        for channels in [32, 64] { try CAGRTests.checkVolume(channels, .float32) }
      }
    }
  }

  private static func checkVolume(_ channels: Int, _ type: ElementType) throws {
    let shape = channels == 32 ? [2, 32, 9, 12, 16] : [1, 64, 8, 12, 17]
    let golden = try Golden("cagr_3d_wide")
    let name = "cagr_3d.\(channels)"
    let tolerance = type == .float64 ? 1e-9 : 1e-4
    let store = Parameters(type: type)
    let module = CAGR(store.root, .init(channels, channels, dimensions: 3))
    store.start(asKnown: name)
    let x = known("\(name).input", shape, type: type)
    x.requiresGradient = true
    let output = module(x)
    try golden.expectMarks("\(name)/output", of: output, named: "\(name).output", within: tolerance)
    let probe = known("\(name).probe", output.shape, type: type)
    (output * probe).sum().backward()
    try golden.expectMarks(
      "\(name)/input", of: try #require(x.gradient), named: "\(name).input", within: tolerance)
    try golden.expectMarks(
      "\(name)/gradients", ofGradientsIn: store, names: "\(name)/names", named: "\(name).gradient",
      within: tolerance)
    for (_, tensor) in store.entries { tensor.clearGradient() }
    (module(x) * probe).sum().derivative(by: x).squared().sum().backward()
    try golden.expectMarks(
      "\(name)/second", ofGradientsIn: store, names: "\(name)/names", named: "\(name).second",
      within: tolerance)
  }

  @Test func theShuffleMixesTheGroups() throws {
    // 16 channels in 4 groups; each gate's only weight reads one of the shuffled descriptors of its own group.
    let store = Parameters(type: .float64)
    let module = CAGR(store.root, .init(16, 16), groups: 4, rolls: false)
    let weight = try #require(store["attention.weight"])
    weight.assign(
      Tensor.concatenated([.zeros([4, 4]), eye(4)], axis: 1).reshaped([1, 4, 8]).expanded([4, 4, 8])
        .contiguous().reshaped([16, 8, 1, 1]))
    try #require(store["attention.bias"]).fill(0)
    let means = (0..<16).map { Double($0) / 16 }
    let x = Tensor(means, shape: [1, 16, 1, 1]).expanded([1, 16, 3, 3]).contiguous()
    let gate = try #require(observed(store, module, x).shown["gate"])
    let read = (gate / (1 - gate)).log() * 16
    expectClose(read, [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15], within: 1e-12)
  }

  private func eye(_ size: Int) -> Tensor {
    Tensor((0..<size * size).map { $0 % (size + 1) == 0 ? 1.0 : 0 }, shape: [size, size])
  }

  @Test(arguments: [2, 3])
  func oneGroupUnrolledIsAPlainConvolution(_ dimensions: Int) throws {
    let store = Parameters(type: .float64)
    let module = CAGR(store.root, .init(4, 6, dimensions: dimensions), groups: 1, attends: false)
    // sigmoid(40) is 1 to the last bit; the offsets' weights start at zero.
    try #require(store["routing.scale.bias"]).fill(40)
    let x = Tensor.normal([2, 4] + Array(repeating: 5, count: dimensions), seed: 5, type: .float64)
    expectClose(module(x), x.convolved(with: try #require(store["weight"]), padding: 1), within: 1e-13)
  }

  @Test func withoutItsHalvesItIsAPlainConvolution() throws {
    let store = Parameters(type: .float64)
    let module = CAGR(store.root, .init(8, 8), attends: false, rolls: false)
    #expect(store.entries.map(\.name) == ["weight"])
    let x = Tensor.normal([2, 8, 5, 5], seed: 5, type: .float64)
    expectClose(module(x), x.convolved(with: try #require(store["weight"]), padding: 1), within: 1e-13)
  }

  @Test(arguments: [2, 3])
  func theOffsetsMoveFromTheStart(_ dimensions: Int) throws {
    let store = Parameters()
    let module = CAGR(store.root, .init(16, 16, dimensions: dimensions))
    let x = Tensor.normal([2, 16] + Array(repeating: 6, count: dimensions), seed: 5)
    let (shown, y) = observed(store, module, x)
    #expect(shown["offset"]?.values(Double.self).allSatisfy { $0 == 0 } == true)
    expectClose(try #require(shown["scale"]), Array(repeating: 0.7310585786300049, count: 16), within: 1e-6)
    (y * .normal(y.shape, seed: 6)).sum().backward()
    let gradient = try #require(store["routing.offset.weight"]?.gradient)
    // Each group and each axis has its own.
    let rows = gradient.abs().sum(over: [1]).values(Double.self)
    #expect(rows.count == 8 * dimensions && rows.allSatisfy { $0 > 1e-6 })
  }

  @Test(arguments: [(2, 16, 8), (2, 12, 4), (3, 8, 2)])
  func samplesDoNotMeet(_ dimensions: Int, _ channels: Int, _ groups: Int) {
    let store = Parameters(type: .float64)
    let module = stirred(store, .init(channels, channels, dimensions: dimensions), groups: groups)
    let x = Tensor.normal([3, channels] + Array(repeating: 5, count: dimensions), seed: 5, type: .float64)
    let alone = (0..<3).map { module(x.narrowed(0, from: $0, length: 1)) }
    expectClose(module(x), .concatenated(alone, axis: 0), within: 1e-12)
  }

  @Test(arguments: [2, 3])
  func theGradientIsTheSlope(_ dimensions: Int) {
    let store = Parameters(type: .float64)
    let module = stirred(store, .init(4, 4, dimensions: dimensions), groups: 2)
    let x = Tensor.normal([2, 4] + [4, 3, 3].prefix(dimensions), seed: 5, type: .float64)
    let probe = Tensor.normal(x.shape, seed: 6, type: .float64)
    expectGradientIsSlope(of: store.entries + [("input", x)], within: 1e-6) { (module(x) * probe).sum() }
  }

  @Test func otherOutputsAndBorders() {
    let store = Parameters()
    let module = CAGR(store.root, .init(8, 12, kernel: 3, padding: 0), groups: 4)
    #expect(module(.normal([2, 8, 7, 6], seed: 1)).shape == [2, 12, 5, 4])
  }

  @Test(arguments: [(64, 44_232), (128, 173_448), (256, 686_856), (512, 2_733_576)])
  func parameters(_ channels: Int, _ expected: Int) {
    let store = Parameters()
    _ = CAGR(store.root, .init(channels, channels))
    #expect(store.count == expected)
  }

  /// As strong as a plain convolution, where the paper's start is 0.37 of it; all but the kernel starts alike.
  @Test func anEvenStartMakesUpForGatesAndScales() throws {
    let (paper, even) = (Parameters(type: .float64), Parameters(type: .float64))
    let first = CAGR(paper.root, .init(16, 16), groups: 4)
    let second = CAGR(even.root, .init(16, 16), groups: 4, startsEven: true)
    let factor = 2 * (1 + 0.367_879_441_171_442_33)
    for (name, tensor) in even.entries {
      let start = try #require(paper[name])
      expectClose(tensor, name == "weight" ? start * factor : start, within: 1e-15, "\(name)")
    }
    let x = Tensor.normal([1, 16, 9, 9], seed: 4, type: .float64)
    expectClose(second(x), first(x) * factor, within: 1e-12)
    let rolling = Parameters(type: .float64)
    _ = CAGR(rolling.root, .init(16, 16), groups: 4, attends: false, startsEven: true)
    expectClose(
      try #require(rolling["weight"]), try #require(paper["weight"]) * (factor / 2), within: 1e-15)
  }

  @Test func namesAndShapes() {
    let store = Parameters()
    _ = CAGR(store.root / "first", .init(16, 16), groups: 4)
    let made = store.entries.map { "\($0.name) \($0.tensor.shape)" }
    #expect(
      made.sorted() == [
        "first.attention.bias [16]", "first.attention.weight [16, 8, 1, 1]",
        "first.routing.conv.weight [16, 4, 3, 3]", "first.routing.norm.bias [16]",
        "first.routing.norm.weight [16]", "first.routing.offset.weight [8, 16]",
        "first.routing.scale.bias [4]", "first.routing.scale.weight [4, 16]", "first.weight [16, 16, 3, 3]",
      ])
  }
}

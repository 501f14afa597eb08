import Layers
import TestSupport
import Testing
import Torch

/// DCNv2 beside torchvision, DCNv3 beside its definition, and both as operators beside their compositions.
@Suite struct DeformableTests {
  enum Form: Sendable, CaseIterable { case fused, reference }

  /// Output and every gradient of a golden file's module.
  private func compare(
    _ golden: Golden, _ store: Parameters, _ type: ElementType, layer: (Tensor) -> Tensor
  ) throws {
    #expect(try golden.load("parameter/", into: store) == [])
    let x = try golden("input", type)
    x.requiresGradient = true
    let output = layer(x)
    (output * (try golden("probe", type))).sum().backward()
    let tolerance = type == .float64 ? 1e-11 : 1e-4
    expectClose(output, try golden("output"), within: tolerance, "output")
    expectClose(
      try #require(x.gradient), try golden("gradient/input"), within: tolerance, "gradient of input")
    try golden.expectGradients(of: store, under: "gradient/", within: tolerance)
  }

  @Test(arguments: Form.allCases, [ElementType.float64, .float32])
  func version3AgreesWithItsDefinition(_ form: Form, _ type: ElementType) throws {
    let store = Parameters(type: type)
    let module = DCNv3(store.root, .init(32, 32))
    try compare(Golden("dcnv3"), store, type) { form == .fused ? module($0) : module.reference($0) }
  }

  @Test(arguments: Form.allCases, [ElementType.float64, .float32])
  func version2AgreesWithTorchvision(_ form: Form, _ type: ElementType) throws {
    let store = Parameters(type: type)
    let module = DCNv2(store.root, .init(6, 4))
    try compare(Golden("dcnv2"), store, type) { form == .fused ? module($0) : module.reference($0) }
  }

  /// Two groups of offsets, which no module has.
  @Test func theOperatorAgreesWithTorchvision() throws {
    let golden = try Golden("deform_conv2d")
    var leaves: [String: Tensor] = [:]
    for name in ["input", "parameter/weight", "parameter/offset", "parameter/mask"] {
      let leaf = try golden(name)
      leaf.requiresGradient = true
      leaves[name] = leaf
    }
    func pixels(_ name: String) throws -> Tensor { try #require(leaves[name]).permuted([0, 2, 3, 1]) }
    let output = try pixels("input").deformablyConvolved(
      with: #require(leaves["parameter/weight"]), offsets: pixels("parameter/offset"),
      weights: pixels("parameter/mask"), groups: 2
    ).permuted([0, 3, 1, 2])
    expectClose(output, try golden("output"), within: 1e-12, "output")
    (output * (try golden("probe"))).sum().backward()
    for (name, leaf) in leaves {
      let key = "gradient/" + name.replacing("parameter/", with: "")
      expectClose(try #require(leaf.gradient), try golden(key), within: 1e-12, "\(key)")
    }
  }

  struct Case: Sendable, CustomTestStringConvertible {
    let kind: ConvolutionKind
    let channels: Int, side: Int, batch: Int
    var testDescription: String { "\(kind.name), \(channels) channels, side \(side), batch \(batch)" }
  }

  /// Channels below, at and beside the width of a group; more pixels than DCNv2 unrolls at once.
  static let cases = [
    Case(kind: .dcnv3, channels: 8, side: 6, batch: 2), Case(kind: .dcnv3, channels: 24, side: 5, batch: 1),
    Case(kind: .dcnv3, channels: 64, side: 9, batch: 3), Case(kind: .dcnv2, channels: 16, side: 90, batch: 1),
    Case(kind: .dcnv2, channels: 5, side: 4, batch: 3),
  ]

  @Test(arguments: cases)
  func theOperatorEqualsTheComposition(_ test: Case) throws {
    func run(_ form: Form) throws -> [(name: String, values: [Double])] {
      let store = Parameters(type: .float64)
      let layer = test.kind(store.root, .init(test.channels, test.channels))
      for (name, tensor) in store.entries {
        // Offsets of a pixel or two, to all sides.
        let spread = name.hasPrefix("offset") || name.hasPrefix("head") ? 0.3 : 0.1
        tensor.assign(
          tensor.detached + Tensor.normal(tensor.shape, deviation: spread, seed: mix(1, name), type: .float64)
        )
      }
      let x = Tensor.normal([test.batch, test.channels, test.side, test.side + 1], seed: 5, type: .float64)
      x.requiresGradient = true
      let y: Tensor
      switch (layer, form) {
      case (let module as DCNv3, .reference): y = module.reference(x)
      case (let module as DCNv2, .reference): y = module.reference(x)
      default: y = layer(x)
      }
      (y * .normal(y.shape, seed: 6, type: .float64)).sum().backward()
      let gradients = try store.entries.map {
        ($0.name, try #require($0.tensor.gradient).values(Double.self))
      }
      return [("output", y.values()), ("input", try #require(x.gradient).values())] + gradients
    }
    for (fused, reference) in zip(try run(.fused), try run(.reference)) {
      expectClose(fused.values, reference.values, within: 1e-9, fused.name)
    }
  }

  @Test func version3StartsAsAMeanBetweenLinearMaps() throws {
    let store = Parameters(type: .float64)
    let module = DCNv3(store.root, .init(16, 16))
    let x = Tensor.normal([2, 16, 5, 4], seed: 1, type: .float64)
    func map(_ name: String) throws -> Tensor {
      try #require(store[name + ".weight"]).reshaped([16, 16, 1, 1])
    }
    let mean = Tensor.full(1.0 / 9, [16, 1, 3, 3], type: .float64)
    let expected = x.convolved(with: try map("input")).convolved(with: mean, padding: 1, groups: 16)
      .convolved(with: try map("output"))
    expectClose(module(x), expected, within: 1e-12)
    // Xavier: uniform with a variance of 2 / (in + out).
    let deviation = try #require(store["input.weight"]).detached.squared().mean().sqrt().item
    #expect(abs(deviation - 0.25) < 0.02)
  }

  /// Both heads start at zero, and zero offsets lie between two slopes: they must not be stuck there.
  @Test(arguments: [ConvolutionKind.dcnv2, .dcnv3])
  func theOffsetsMoveFromTheStart(_ kind: ConvolutionKind) throws {
    let store = Parameters(type: .float64)
    let layer = kind(store.root, .init(16, 16))
    let y = layer(.normal([1, 16, 6, 6], seed: 2, type: .float64))
    (y * .normal(y.shape, seed: 3, type: .float64)).sum().backward()
    let bias = try #require(store["offset.bias"] ?? store["head.bias"])
    let gradients = try #require(bias.gradient).values(Double.self).prefix(18)
    #expect(gradients.allSatisfy { $0 != 0 })
  }

  /// With the offset (1, 0) for every tap, each sees what lies one pixel to its right; (0, 1), below.
  @Test(arguments: [(0, 3), (1, 2)])
  func anOffsetPointsRightAndDown(_ component: Int, _ axis: Int) throws {
    let store = Parameters(type: .float64)
    let module = DCNv3(store.root, .init(16, 16))
    let x = Tensor.normal([1, 16, 6, 6], seed: 2, type: .float64)
    // Beyond the far border there is nothing.
    let padded = x.padded(axis == 3 ? [0, 1] : [0, 0, 0, 1]).narrowed(axis, from: 1, length: 6)
    let inside = withoutGradient { module(padded) }
    try #require(store["offset.bias"]).assign(
      Tensor((0..<18).map { $0 % 2 == component ? 1.0 : 0 }, shape: [18]))
    let moved = withoutGradient { module(x) }
    // The near border differs: there the taps reach what was shifted out.
    expectClose(
      moved.narrowed(axis, from: 1, length: 5), inside.narrowed(axis, from: 1, length: 5), within: 1e-12)
  }

  @Test func threadsDoNotChangeABit() async {
    await #expect(processExitsWith: .success) {
      func run(_ threads: Int) -> [[Float]] {
        LibTorch.threads = threads
        let leaves = [
          Tensor.normal([1, 40, 40, 32], seed: 1), .normal([1, 40, 40, 36], deviation: 3, seed: 2),
          .normal([1, 40, 40, 18], seed: 3),
        ]
        for leaf in leaves { leaf.requiresGradient = true }
        let y = leaves[0].deformablySummed(offsets: leaves[1], weights: leaves[2], groups: 2)
        y.squared().sum().backward()
        return [y.values()] + leaves.map { $0.gradient?.values() ?? [] }
      }
      #expect(run(1) == run(4))
    }
  }
}

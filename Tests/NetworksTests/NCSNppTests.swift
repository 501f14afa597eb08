import Layers
import Networks
import TestSupport
import Testing
import Torch

/// SelfRDB's two networks and their filter.
@Suite struct NCSNppTests {
  /// The small generator of the golden file.
  private func small(_ store: Parameters, inputs: Int = 4) -> NCSNpp {
    var architecture = NCSNpp.Architecture()
    (architecture.multipliers, architecture.attention) = ([1, 2, 2], [2])
    (architecture.latent, architecture.style) = (6, 5)
    return NCSNpp(store.root, inputs: inputs, width: 4, blocks: 1, architecture)
  }

  private func judge(_ store: Parameters) -> TimedDiscriminator {
    var architecture = TimedDiscriminator.Architecture()
    (architecture.width, architecture.multipliers, architecture.time) = (4, [2, 3], 6)
    return TimedDiscriminator(store.root, architecture)
  }

  /// Published are 39.73 M for one source (3 channels in) and 7.22 M.
  @Test(arguments: [(1, 39_725_825), (3, 39_728_129)])
  func generatorParameters(_ sources: Int, _ expected: Int) {
    let store = Parameters()
    _ = NCSNpp(store.root, inputs: 2 + sources)
    #expect(store.count == expected)
  }

  @Test func discriminatorParameters() {
    let store = Parameters()
    _ = TimedDiscriminator(store.root)
    #expect(store.count == 7_216_705)
  }

  @Test(arguments: [ElementType.float64, .float32])
  func theGeneratorAgreesWithPyTorch(_ type: ElementType) throws {
    let golden = try Golden("ncsnpp")
    let store = Parameters(type: type)
    let network = small(store)
    #expect(try golden.load("parameter/", into: store) == [])
    let x = try golden("input", type)
    x.requiresGradient = true
    let output = network(x, at: try golden("steps", type), latent: try golden("latent", type))
    (output * (try golden("probe", type))).sum().backward()
    let tolerance = type == .float64 ? 5e-7 : 1e-4
    expectClose(output, try golden("output"), within: tolerance, "output")
    expectClose(
      try #require(x.gradient), try golden("gradient/input"), within: tolerance, "gradient of input")
    // A softmax does not see the keys' biases.
    try golden.expectGradients(
      of: store, under: "gradient/", within: tolerance, orAbsolutely: type == .float64 ? 1e-9 : 1e-4)
  }

  @Test(arguments: [ElementType.float64, .float32])
  func theDiscriminatorAndItsSlopeAgreeWithPyTorch(_ type: ElementType) throws {
    let golden = try Golden("ncsnpp")
    let store = Parameters(type: type)
    let network = judge(store)
    #expect(try golden.load("discriminator/parameter/", into: store) == [])
    let later = try golden("discriminator/later", type)
    later.requiresGradient = true
    let scores = network(
      try golden("discriminator/earlier", type), later, at: try golden("discriminator/steps", type))
    let slope = scores.sum().derivative(by: later)
    (scores.squared().sum() + slope.squared().sum()).backward()
    let tolerance = type == .float64 ? 5e-7 : 1e-4
    expectClose(scores, try golden("discriminator/scores"), within: tolerance, "scores")
    expectClose(slope, try golden("discriminator/slope"), within: tolerance, "slope")
    try golden.expectGradients(of: store, under: "discriminator/gradient/", within: tolerance)
  }

  @Test(arguments: [ElementType.float64, .float32])
  func resamplingAgreesWithItsMatrices(_ type: ElementType) throws {
    let golden = try Golden("fir")
    let store = Parameters(type: type)
    let filter = FIRResampling(store, channels: 3)
    let x = try golden("input", type)
    for x in [x, x.channelsLast()] {
      expectClose(filter.halved(x), try golden("halved"), within: 2e-7, "halved")
      expectClose(filter.doubled(x), try golden("doubled"), within: 2e-7, "doubled")
      expectClose(filter.blurred(x), try golden("blurred"), within: 2e-7, "blurred")
    }
    #expect(store.saved.isEmpty)
  }

  @Test func anUntrainedGeneratorGivesNothing() {
    let store = Parameters()
    let network = small(store)
    let output = network(
      .normal([2, 4, 16, 8], seed: 1), at: .full(3, [2]), latent: .normal([2, 6], seed: 2))
    #expect(output.shape == [2, 1, 16, 8])
    #expect(output.abs().mean().item < 1e-4 && output.abs().mean().item > 0)
  }

  @Test func aGradientReachesEveryParameter() {
    let store = Parameters(type: .float64)
    let network = small(store)
    // Away from the start, where the last map of every branch is almost zero.
    for (name, tensor) in store.entries {
      let noise = Tensor.normal(tensor.shape, deviation: 0.2, seed: mix(1, name), type: .float64)
      tensor.assign(tensor.detached + noise)
    }
    let latent = Tensor.normal([2, 6], seed: 2, type: .float64)
    let x = Tensor.normal([2, 4, 8, 8], seed: 1, type: .float64)
    network(x, at: Tensor([1.0, 9], shape: [2]), latent: latent).squared().sum().backward()
    for (name, tensor) in store.entries where !name.hasSuffix("keys.bias") {
      let gradient = tensor.gradient?.values(Double.self) ?? [0]
      #expect(gradient.allSatisfy { abs($0) > 1e-12 }, "\(name)")
    }
  }

  @Test func slicesOfABatchDoNotMeet() {
    let store = Parameters(type: .float64)
    let network = small(store)
    for (name, tensor) in store.entries {
      tensor.assign(.normal(tensor.shape, deviation: 0.2, seed: mix(1, name), type: .float64))
    }
    let x = Tensor.normal([3, 4, 8, 4], seed: 1, type: .float64)
    let latent = Tensor.normal([3, 6], seed: 2, type: .float64)
    let steps = Tensor([1.0, 5, 10], shape: [3])
    func part(_ x: Tensor, _ index: Int) -> Tensor { x.narrowed(0, from: index, length: 1) }
    let alone = (0..<3).map { network(part(x, $0), at: part(steps, $0), latent: part(latent, $0)) }
    expectClose(network(x, at: steps, latent: latent), .concatenated(alone, axis: 0), within: 1e-12)
  }

  /// Channels that 32 groups of four do not divide still find groups.
  @Test(arguments: [1, 3, 6, 24])
  func anyWidthBuilds(_ width: Int) {
    let store = Parameters()
    var architecture = NCSNpp.Architecture()
    (architecture.multipliers, architecture.attention) = ([1, 3], [1, 2])
    let network = NCSNpp(store.root, inputs: 3, width: width, blocks: 2, architecture)
    let y = store.evaluating {
      network(.normal([1, 3, 4, 4], seed: 1), at: .full(1, [1]), latent: .normal([1, 100], seed: 2))
    }
    #expect(y.shape == [1, 1, 4, 4] && y.isFinite)
  }

  @Test func whatMakesNoSenseIsRefused() {
    var generator = NCSNpp.Architecture()
    #expect(generator.refusal == nil && generator.multiple == 32)
    generator.attention = [3]
    #expect(generator.refusal?.contains("attention is [3]") == true)
    generator = .init()
    generator.multipliers = []
    #expect(generator.refusal?.contains("multipliers") == true)
    generator = .init()
    generator.latent = 0
    #expect(generator.refusal == "latent is 0; it must be from 1 to 4096")
    var judge = TimedDiscriminator.Architecture()
    #expect(judge.refusal == nil && judge.multiple == 64)
    judge.width = 0
    #expect(judge.refusal == "width is 0; it must be from 1 to 1024")
    judge = .init()
    judge.multipliers = [2, 0]
    #expect(judge.refusal?.contains("multipliers") == true)
  }
}

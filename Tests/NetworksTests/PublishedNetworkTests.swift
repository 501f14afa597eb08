import Layers
import Networks
import TestSupport
import Testing
import Torch

/// The networks that the compared frameworks come with, beside PyTorch, and what a user may feed them.
@Suite struct PublishedNetworkTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let name: String, input: [Int]
    let build: @Sendable (Scope) -> any Layer
    var testDescription: String { name }
  }
  static let cases = [
    Case(name: "pix2pix_unet", input: [2, 2, 48, 32]) {
      Pix2PixUnet($0, sources: 2, width: 4, levels: 4, dropout: 0)
    },
    Case(name: "resnet9", input: [2, 2, 24, 20]) { ResNet9($0, sources: 2, width: 4, dropout: 0) },
    Case(name: "mmgan_unet", input: [2, 3, 48, 32]) {
      MMGANUnet($0, modalities: 3, width: 4, levels: 4, dropout: 0)
    },
    Case(name: "medsynth_unet", input: [2, 2, 48, 32]) {
      MedSynthUnet($0, sources: 2, longSkip: 1, width: 4, dropout: 0)
    },
    Case(name: "medsynth_discriminator", input: [2, 1, 64, 64]) { MedSynthDiscriminator($0) },
    Case(name: "vgg16", input: [1, 3, 16, 12]) { VGG16($0) },
  ]

  /// Output, every gradient, and what batch norms gathered; then the output at test time.
  @Test(arguments: cases, [ElementType.float64, .float32])
  func agreesWithPyTorch(_ trial: Case, _ type: ElementType) throws {
    let golden = try Golden("frameworks")
    let tolerance = type == .float64 ? 1e-9 : 2e-4
    func expect(_ key: String, _ tensor: Tensor) throws {
      try golden.expectFingerprint(
        "\(trial.name)/\(key)", of: tensor, named: "\(trial.name).\(key)", within: tolerance)
    }
    let store = Parameters(type: type)
    let network = trial.build(store.root)
    store.start(asKnown: trial.name)
    let x = knownImage("\(trial.name).input", trial.input, type: type)
    x.requiresGradient = true
    let output = network(x)
    try expect("output", output)
    (output * known("\(trial.name).probe", output.shape, type: type)).sum().backward()
    try expect("gradient/input", try #require(x.gradient))
    let compared = Set(golden.names(under: "\(trial.name)/gradient/")).subtracting(["input"])
    for (name, tensor) in store.entries {
      let gradient = try #require(tensor.gradient, "\(name)")
      if compared.contains(name) { try expect("gradient/\(name)", gradient) }
    }
    // What is not compared are biases that a norm takes away; nothing is compared that is not there.
    let left = Set(store.entries.map(\.name)).symmetricDifference(compared)
    #expect(left.allSatisfy { $0.hasSuffix("bias") && store[$0] != nil }, "\(left)")
    for (name, tensor) in store.buffers { try expect("buffer/\(name)", tensor) }
    if !store.buffers.isEmpty { try expect("test", store.evaluating { network(x) }) }
  }

  @Test(arguments: [[64, 64], [61, 40], [1, 33]])
  func paddingTakesAnySize(_ size: [Int]) {
    let store = Parameters()
    let network = Fitted(Pix2PixUnet(store.root, sources: 2, width: 2, levels: 4), multiple: 16)
    let y = store.evaluating { network(.uniform([1, 2] + size, seed: 1)) }
    #expect(y.shape == [1, 1] + size && y.isFinite)
  }

  @Test func paddingIsZerosAllAround() {
    let store = Parameters(type: .float64)
    let network = MMGANUnet(store.root, modalities: 2, width: 2, levels: 2, dropout: 0)
    let x = Tensor.uniform([1, 2, 13, 8], seed: 1, type: .float64)
    let whole = network(x.padded([0, 0, 1, 2])).narrowed(2, from: 1, length: 13)
    expectClose(Fitted(network, multiple: 4)(x), whole, within: 1e-13)
  }

  /// Volumes too, and by what lies at the far ends where that is asked for.
  @Test func volumesAreFittedAsSlicesAre() {
    struct Middle: Layer {
      func callAsFunction(_ x: Tensor) -> Tensor { x.maxPooled(2).upsampledNearest(2) }
    }
    let x = Tensor.uniform([1, 1, 3, 4, 5], low: 1, high: 2, seed: 1, type: .float64)
    let zeros = Fitted(Middle(), multiple: 4)(x)
    let around = Middle()(x.padded([1, 2, 0, 0, 0, 1])).narrowed(2, from: 0, length: 3)
      .narrowed(4, from: 1, length: 5)
    expectClose(zeros, around, within: 0)
    let replicated = Fitted(Middle(), multiple: 4, border: .replicate)(x)
    let behind = Middle()(x.padded([0, 3, 0, 0, 0, 1], .replicate)).narrowed(2, from: 0, length: 3)
      .narrowed(4, from: 0, length: 5)
    expectClose(replicated, behind, within: 0)
    #expect(Fitted(Middle(), multiple: 2)(x.padded([0, 1, 0, 0, 0, 1])).shape == [1, 1, 4, 4, 6])
  }

  @Test func theSignedScaleIsUndone() {
    struct Identity: Layer { func callAsFunction(_ x: Tensor) -> Tensor { x } }
    let x = Tensor.uniform([1, 1, 3, 3], seed: 1, type: .float64)
    expectClose(SignedScale(Identity())(x), x, within: 1e-15)
    #expect(Tensor([0.0, 0.5, 1], shape: [3]).signed.values(Double.self) == [-1, 0, 1])
    #expect(Tensor([-1.0, 0, 1], shape: [3]).unsigned.values(Double.self) == [0, 0.5, 1])
  }

  /// Beyond the far ends lies what lies there.
  @Test func theUnetThatSegmentsPadsByReplication() {
    let (store, other) = (Parameters(type: .float64), Parameters(type: .float64))
    var settings = GeneratorSettings()
    settings.width = 2
    let shape = GeneratorShape(2, 3, dimensions: 3)
    let fitted = GeneratorKind.segmentationUnet(levels: 3).plain(store.root, shape, settings)
    let bare = SegmentationUnet(other.root, inputs: 2, outputs: 3, width: 2, levels: 3, dimensions: 3)
    let x = Tensor.uniform([1, 2, 9, 8, 6], seed: 1, type: .float64)
    let whole = bare(x.padded([0, 2, 0, 0, 0, 3], .replicate)).narrowed(2, from: 0, length: 9)
      .narrowed(4, from: 0, length: 6)
    expectClose(fitted(x), whole, within: 1e-13)
  }

  @Test func theLongSkipIsAdded() {
    let store = Parameters()
    let network = MedSynthUnet(store.root, sources: 3, longSkip: 2, width: 2)
    store["tail.weight"]?.fill(0)
    let x = Tensor.uniform([2, 3, 16, 32], seed: 1)
    let y = store.evaluating { network(x) }
    #expect(y.values(Float.self) == x.narrowed(1, from: 2, length: 1).values(Float.self))
  }

  @Test func dropoutActsInTrainingOnly() {
    let store = Parameters()
    let network = ResNet9(store.root, sources: 1, width: 2)
    let x = Tensor.uniform([1, 1, 16, 16], seed: 1)
    let still = store.evaluating { network(x).values(Float.self) }
    #expect(store.evaluating { network(x).values(Float.self) } == still)
    #expect(network(x).values(Float.self) != network(x).values(Float.self))
  }

  @Test func dropoutAtTestIsTheSameForAllSlices() {
    let store = Parameters()
    let network = ResNet9(store.root, sources: 1, width: 2, dropsAtTest: true)
    let plain = Parameters()
    let without = ResNet9(plain.root, sources: 1, width: 2)
    let x = Tensor.uniform([3, 1, 16, 16], seed: 1)
    let (dropped, again) = store.evaluating { (network(x), network(x)) }
    #expect(dropped.values(Float.self) == again.values(Float.self))
    #expect(dropped.values(Float.self) != plain.evaluating { without(x) }.values(Float.self))
    let alone = store.evaluating { (0..<3).map { network(x.narrowed(0, from: $0, length: 1)) } }
    expectClose(dropped, .concatenated(alone, axis: 0), within: 1e-5)
  }

  @Test func theStartsAreThePublished() throws {
    let pix2pix = Parameters()
    _ = Pix2PixUnet(pix2pix.root, sources: 2, width: 16, levels: 4)
    let scale = try #require(pix2pix["up2.norm.weight"]).detached
    #expect(abs(scale.mean().item - 1) < 0.01 && abs((scale - 1).squared().mean().sqrt().item - 0.02) < 0.01)
    let medSynth = Parameters()
    _ = MedSynthUnet(medSynth.root, sources: 2, width: 16)
    // Xavier with gain √2: uniform within √(12 / (9 · (16 + 32))), whose deviation is that by √3.
    let first = try #require(medSynth["down1.first.weight"]).detached.squared().mean().sqrt().item
    #expect(abs(first / (4.0 / (9 * 48)).squareRoot() - 1) < 0.03)
    #expect(medSynth["down1.first.bias"]?.squared().sum().item == 0)
  }
}

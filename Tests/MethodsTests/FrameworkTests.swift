import Files
import Foundation
import Layers
import Methods
import Networks
import TestSupport
import Testing
import Torch

/// The compared adversarial frameworks with their published generators, beside PyTorch.
@Suite struct FrameworkTests {
  /// The biases that the norms behind them take away: they move by rounding alone.
  private static func isIdle(_ name: String) -> Bool {
    name.hasSuffix(".bias") && !name.contains("norm") && !name.contains("tail")
  }

  /// Three steps from known weights on known images, without dropout.
  private func expectAgreement(_ name: String, side: Int = 32, _ method: any Method) throws {
    let golden = try Golden("frameworks")
    try method.prepare()
    for network in method.networks { network.parameters.start(asKnown: "\(name).\(network.name)") }
    let before = method.networks.map { $0.parameters.entries.map { $0.tensor.detached.copied() } }
    for step in 1...3 {
      let losses = method.step(
        Batch(
          sources: knownImage("\(name).sources\(step)", [2, 2, side, side]),
          target: knownImage("\(name).target\(step)", [2, 1, side, side])))
      #expect(losses.map(\.name) == method.losses)
      #expect(losses.map(\.name).sorted() == golden.names(under: "\(name)/loss/"))
      for loss in losses {
        let expected = try golden("\(name)/loss/\(loss.name)").values(Double.self)[step - 1]
        expectClose([loss.value], [expected], within: 1e-8, "\(loss.name) in step \(step)")
      }
    }
    var compared = 0
    for (network, before) in zip(method.networks, before) {
      for (entry, before) in zip(network.parameters.entries, before) {
        let place = "\(network.name).\(entry.name)"
        guard golden.has("\(name)/way/\(place)") else {
          #expect(Self.isIdle(entry.name), "\(place) is not compared")
          continue
        }
        compared += 1
        // Of the way that three steps of 1e-4 went.
        try golden.expectFingerprint(
          "\(name)/way/\(place)", of: entry.tensor.detached - before, named: place, within: 1e-4)
      }
    }
    #expect(compared == golden.names(under: "\(name)/way/").count)
  }

  @Test func pix2pixOnTheSignedScale() throws {
    var options = Pix2Pix.Options()
    options.discriminatorWidth = 4
    let store = Parameters(type: .float64)
    let network = Pix2PixUnet(store.root, sources: 2, width: 4, levels: 4, dropout: 0)
    try expectAgreement(
      "pix2pix", Pix2Pix(generator: SignedScale(network), store, sources: 2, signed: true, options: options))
  }

  @Test func pGAN() throws {
    try inFolder { folder in
      var options = PGAN.Options()
      options.discriminatorWidth = 4
      options.vgg = folder + "/vgg16.safetensors"
      try writeVGG(to: options.vgg)
      let store = Parameters(type: .float64)
      let network = ResNet9(store.root, sources: 2, width: 4, dropout: 0)
      try expectAgreement(
        "pgan", PGAN(generator: SignedScale(network), store, sources: 2, options: options))
    }
  }

  @Test func mmGAN() throws {
    var options = MMGAN.Options()
    options.discriminatorWidth = 4
    let store = Parameters(type: .float64)
    let network = MMGANUnet(store.root, modalities: 3, width: 4, levels: 4, dropout: 0)
    try expectAgreement("mmgan", MMGAN(generator: network, store, sources: 2, options: options))
  }

  @Test func medSynth() throws {
    let store = Parameters(type: .float64)
    let network = MedSynthUnet(store.root, sources: 2, longSkip: 1, width: 4, dropout: 0)
    try expectAgreement("medsynth", side: 64, MedSynth(generator: network, store))
  }

  // MARK: - What is a framework's own

  @Test func theGradientDifferenceIsThePublished() {
    let size = 32
    let pixels = (0..<size).flatMap { i in (0..<size).map { j in (Double(i), Double(j)) } }
    let truth = pixels.map { 0.5 + 0.5 * sin(0.3 * $0) * cos(0.2 * $1) }
    let made = zip(truth, pixels).map { min(1, max(0, $0 + 0.05 * cos(0.7 * $1.0 + 0.4 * $1.1))) }
    let a = Tensor(made, shape: [1, 1, size, size])
    let b = Tensor(truth, shape: [1, 1, size, size])
    #expect(abs(a.gradientDifference(b).item - 0.000_833_751_361_826_083_5) < 1e-15)
    #expect(b.gradientDifference(b).item == 0)
    // Divided by all pixels of all slices: a batch of the same is the same.
    let pair = Tensor.concatenated([a, a], axis: 0).gradientDifference(.concatenated([b, b], axis: 0))
    #expect(abs(pair.item - a.gradientDifference(b).item) < 1e-15)
  }

  @Test func patchesLieWhereTheyAreDrawn() {
    let x = Tensor.range(0, 2 * 70 * 66, type: .float64).reshaped([2, 1, 70, 66])
    let random = RandomStream(seed: 1)
    var corners: Set<Int> = []
    for _ in 0..<40 {
      let patches = RandomPatches(of: x, side: 64, from: random)(x)
      #expect(patches.shape == [2, 1, 64, 64])
      for (slice, patch) in [0, 1].map({ ($0, patches.narrowed(0, from: $0, length: 1)) }) {
        let values = patch.values(Double.self)
        let corner = Int(values[0]) - slice * 70 * 66
        #expect((0...6).contains(corner / 66) && (0...2).contains(corner % 66))
        #expect(Int(values[4095] - values[0]) == 63 * 66 + 63)
        corners.insert(corner)
      }
    }
    #expect(corners.count > 10)
  }

  @Test func mmGANSeesNothingOfTheTarget() {
    struct Spy: Layer {
      final class Seen { var x: Tensor? }
      let seen = Seen()
      func callAsFunction(_ x: Tensor) -> Tensor {
        seen.x = x
        return x + 1
      }
    }
    let spy = Spy()
    let store = Parameters()
    let method = MMGAN(generator: spy, store, sources: 2)
    let sources = Tensor.uniform([2, 2, 4, 4], seed: 1)
    let image = method.synthesize(sources)
    #expect(spy.seen.x?.shape == [2, 3, 4, 4])
    #expect(spy.seen.x?.narrowed(1, from: 2, length: 1).abs().sum().item == 0)
    #expect(image.values(Float.self).allSatisfy { $0 == 1 })
  }

  @Test func pGANsFeaturesAreThoseOfAllSlices() throws {
    try inFolder { folder in
      let path = folder + "/vgg16.safetensors"
      try writeVGG(to: path)
      let features = try PerceptualFeatures(file: path)
      let x = Tensor.uniform([2, 1, 8, 8], seed: 1)
      let y = features(x)
      #expect(y.shape == [2, 128, 4, 4] && !y.requiresGradient && y.mean().item > 0)
      let alone = (0..<2).map { features(x.narrowed(0, from: $0, length: 1)) }
      expectClose(y, .concatenated(alone, axis: 0), within: 1e-6)
      // A volume's are those of its planes, one volume after the other.
      let volumes = Tensor.uniform([2, 1, 3, 8, 10], seed: 2)
      let planes = (0..<6).map { plane in
        volumes.narrowed(0, from: plane / 3, length: 1).narrowed(2, from: plane % 3, length: 1)
          .reshaped([1, 1, 8, 10])
      }
      for layout in [volumes, volumes.channelsLast()] {
        let seen = features(layout)
        #expect(seen.shape == [6, 128, 4, 5])
        expectClose(seen, features(.concatenated(planes, axis: 0)), within: 1e-6)
      }
    }
  }

  @Test func pGANSeesVolumesPlaneByPlane() throws {
    try inFolder { folder in
      var options = PGAN.Options()
      options.discriminatorWidth = 4
      options.vgg = folder + "/vgg16.safetensors"
      try writeVGG(to: options.vgg)
      #expect(options.dimensions.contains(3))
      let store = Parameters()
      let network = ResNet9(store.root, sources: 2, width: 2, dropout: 0, dimensions: 3)
      let method = PGAN(
        generator: SignedScale(network), store, sources: 2, options: options, rate: 1e-3, dimensions: 3)
      try method.prepare()
      let sources = Tensor.uniform([1, 2, 24, 24, 24], seed: 1)
      let batch = Batch(sources: sources, target: sources.mean(over: [1], keeping: true))
      let perceptual = (1...6).compactMap { _ in
        method.step(batch).first { $0.name == "perceptual" }?.value
      }
      #expect(perceptual.count == 6 && perceptual[5] < perceptual[0], "\(perceptual)")
    }
  }

  @Test func withoutWeightsTheirTermsRest() throws {
    var pgan = PGAN.Options()
    #expect(!pgan.isPerceptual)
    pgan.weightAdversarial = 0
    let store = Parameters()
    let method = PGAN(
      generator: ResNet9(store.root, sources: 2, width: 2), store, sources: 2, options: pgan)
    #expect(method.step(toyBatch()).map(\.name) == ["l1"] && method.losses == ["l1"])
    var medSynth = MedSynth.Options()
    medSynth.weightAdversarial = 0
    let other = Parameters()
    let second = MedSynth(
      generator: MedSynthUnet(other.root, sources: 2, width: 2), other, options: medSynth)
    #expect(second.step(toyBatch()).map(\.name) == ["l1", "gradient"])
  }

  // MARK: - VGG16 for tests

  private func inFolder(_ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(folder.path)
  }

  /// VGG16's first convolutions with known weights, as torchvision would store them.
  private func writeVGG(to path: String) throws {
    let store = Parameters(type: .float64)
    _ = VGG16(store.root)
    store.start(asKnown: "vgg16")
    let tensors = store.entries.map { Safetensors.Tensor($0.name, $0.tensor) }
    try Safetensors.write(tensors, metadata: [:], to: path)
  }
}

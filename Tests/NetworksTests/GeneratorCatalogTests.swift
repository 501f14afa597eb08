import Files
import Foundation
import Layers
import Networks
import Testing
import Torch

/// What every generator of the catalogue has to do, whoever wrote it.
@Suite(.serialized) struct GeneratorCatalogTests {
  /// A kind at a shape that it serves.
  struct Trial: Sendable, CustomTestStringConvertible {
    let kind: GeneratorKind, shape: GeneratorShape
    var testDescription: String { "\(kind.name), \(shape.dimensions)-D, told \(shape.told)" }

    var settings: GeneratorSettings {
      var settings = GeneratorSettings()
      (settings.width, settings.groups, settings.blocks) = (4, 4, 1)
      return settings
    }

    /// The network as a function of images.
    func make(seed: UInt64 = 1) -> (Parameters, (Tensor) -> Tensor) {
      let store = Parameters(seed: seed)
      func times(_ x: Tensor) -> Tensor { .full(300, [x.size(0)]) }
      switch shape.told {
      case .nothing:
        let network = kind.plain(store.root, shape, settings)
        return (store, { network($0) })
      case .time, .timeAndLatent:
        let network = kind.timed(store.root, shape, settings)
        return (
          store,
          { x in
            let latent = network.latent.map { Tensor.normal([x.size(0), $0], seed: 3) }
            return network(x, at: times(x), latent: latent)
          }
        )
      case .code(let length):
        let network = kind.coded(store.root, shape, settings)
        return (store, { network($0, knowing: .uniform([$0.size(0), length], seed: 4)) })
      }
    }

    /// Random images as small as the kind's demands allow.
    func images(_ batch: Int = 1) -> Tensor {
      let asked = kind.demands.map { demand in
        switch demand {
        case .side(let side, _): side
        case .multiple(let multiple, _): multiple
        default: 0
        }
      }
      let sides = Array(repeating: max(16, asked.max() ?? 0), count: shape.dimensions)
      return .uniform([batch, shape.inputs] + sides, seed: 2)
    }
  }

  /// All that a kind does not refuse.
  static let trials: [Trial] = [2, 3].flatMap { dimensions in
    let shapes = [
      GeneratorShape(3, 1, dimensions: dimensions), GeneratorShape(3, 3, dimensions: dimensions),
      GeneratorShape(3, 2, dimensions: dimensions, told: .time),
      GeneratorShape(3, 1, dimensions: dimensions, told: .timeAndLatent),
      GeneratorShape(3, 3, dimensions: dimensions, told: .code(3)),
    ]
    return kinds(dimensions).flatMap { kind in
      shapes.map { Trial(kind: kind, shape: $0) }.filter { kind.refusal($0.shape, $0.settings) == nil }
    }
  }

  /// The catalogue; for volumes with U-Nets that halve four times, as a volume of 256 voxels a side is none for a test.
  private static func kinds(_ dimensions: Int) -> [GeneratorKind] {
    GeneratorKind.catalog.map { kind in
      switch kind.name {
      case "pix2pix-unet" where dimensions == 3: .pix2pixUnet(levels: 4)
      case "mmgan-unet" where dimensions == 3: .mmganUnet(levels: 4)
      default: kind
      }
    }
  }

  @Test func everyKindServesSomething() {
    let names = GeneratorKind.catalog.map(\.name)
    #expect(Set(names).count == names.count && names.contains("agi-net"))
    #expect(names.allSatisfy { $0 == $0.lowercased() && !$0.contains(" ") && !$0.isEmpty })
    #expect(Set(Self.trials.map(\.kind.name)) == Set(names))
    let volumes = Set(Self.trials.filter { $0.shape.dimensions == 3 }.map(\.kind.name))
    let compared = [
      "agi-net", "resunet", "pix2pix-unet", "resnet9", "mmgan-unet", "medsynth-unet", "segmentation-unet",
    ]
    #expect(volumes.isSuperset(of: compared), "\(Set(compared).subtracting(volumes))")
  }

  @Test func whatAKindCannotDoIsSaid() throws {
    let settings = GeneratorSettings()
    for kind in GeneratorKind.catalog {
      for told in [GeneratorShape.Told.nothing, .time, .timeAndLatent, .code(2)] {
        for dimensions in [2, 3] {
          let shape = GeneratorShape(2, dimensions: dimensions, told: told)
          if let reason = kind.refusal(shape, settings) { #expect(!reason.isEmpty) }
        }
      }
    }
    #expect(try #require(GeneratorKind.resNet9().refusal(.init(2, told: .time), settings)).contains("a time"))
    #expect(GeneratorKind.ncsnpp().refusal(.init(2, told: .time), settings)?.contains("latent") == true)
    #expect(GeneratorKind.diffusionUnet().refusal(.init(2), settings)?.contains("told a time") == true)
    for kind in [GeneratorKind.resNet9(), .diffusionUnet(), .ncsnpp()] {
      #expect(kind.refusal(.init(2, told: .code(2)), settings)?.contains("which contrasts are there") == true)
    }
    let volume = GeneratorShape(2, dimensions: 3)
    for kind in [GeneratorKind.diffusionUnet(), .ncsnpp(), .deformResUnet, .arcResUnet] {
      #expect(kind.refusal(volume, settings)?.contains("slices") == true, "\(kind.name)")
    }
    var odd = settings
    odd.groups = 7
    #expect(GeneratorKind.agiNet.refusal(.init(2), odd)?.contains("7 groups") == true)
  }

  @Test(arguments: trials) func imagesComeBackInTheirSize(_ trial: Trial) {
    let (store, network) = trial.make()
    let images = trial.images(2)
    let made = store.evaluating { network(images) }
    #expect(made.shape == [2, trial.shape.outputs] + images.shape.dropFirst(2) && made.isFinite)
  }

  /// From values away from zero, at which some networks start.
  @Test(arguments: trials) func everyParameterHasAGradient(_ trial: Trial) {
    let (store, network) = trial.make()
    for (name, tensor) in store.entries {
      tensor.assign(tensor.detached + Tensor.normal(tensor.shape, deviation: 0.1, seed: mix(5, name)))
    }
    network(trial.images(2)).squared().mean().backward()
    for (name, tensor) in store.entries { #expect(tensor.gradient?.isFinite == true, "\(name)") }
  }

  @Test(arguments: trials) func theSeedDecides(_ trial: Trial) {
    func made(_ seed: UInt64) -> [Float] {
      let (store, network) = trial.make(seed: seed)
      for (name, tensor) in store.entries {
        tensor.assign(tensor.detached + Tensor.normal(tensor.shape, deviation: 0.1, seed: mix(seed, name)))
      }
      return store.evaluating { network(trial.images()) }.values()
    }
    #expect(made(1) == made(1) && made(1) != made(2))
  }

  @Test(arguments: trials) func aCheckpointBringsItBack(_ trial: Trial) throws {
    let path = FileManager.default.temporaryDirectory.path + "/\(UUID().uuidString).safetensors"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let (first, network) = trial.make(seed: 1)
    let (second, other) = trial.make(seed: 2)
    try Safetensors.write(
      first.saved.map { Safetensors.Tensor($0.name, $0.tensor) }, metadata: [:], to: path)
    try Safetensors(contentsOf: path).load(second.saved, under: "")
    let images = trial.images()
    let (a, b) = (first.evaluating { network(images) }, second.evaluating { other(images) })
    #expect(a.values(Float.self) == b.values(Float.self))
  }
}

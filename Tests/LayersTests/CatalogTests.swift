import Foundation
import Layers
import TestSupport
import Testing
import Torch

extension ConvolutionKind: CustomTestStringConvertible {
  public var testDescription: String { name }
}

/// What every convolution of the catalogue has to do, whoever wrote it.
@Suite struct CatalogTests {
  static let kinds = ConvolutionKind.catalog

  /// A kind, for slices or volumes.
  struct Trial: Sendable, CustomTestStringConvertible {
    let kind: ConvolutionKind, dimensions: Int
    var shape: ConvolutionShape { .init(16, 16, dimensions: dimensions) }
    var testDescription: String { "\(kind.name), \(dimensions)-D" }
  }

  /// All but what a kind refuses.
  static let trials = kinds.flatMap { kind in
    [2, 3].map { Trial(kind: kind, dimensions: $0) }.filter { kind.refusal($0.shape) == nil }
  }

  /// A small layer, without dropout, away from its start, where zero weights keep some parameters from being reached.
  private func layer(
    _ kind: ConvolutionKind, _ shape: ConvolutionShape, seed: UInt64 = 1, stirred: Bool = true
  ) -> (Parameters, any Layer) {
    let store = Parameters(seed: seed)
    store.beginEvaluating()
    let layer = kind(store.root, shape)
    if stirred {
      for (name, tensor) in store.entries {
        tensor.assign(tensor.detached + Tensor.normal(tensor.shape, deviation: 0.1, seed: mix(seed, name)))
      }
    }
    return (store, layer)
  }

  private func input(_ channels: Int, _ dimensions: Int, batch: Int = 2) -> Tensor {
    Tensor.normal([batch, channels] + [6, 5, 4].suffix(dimensions), seed: 9)
  }

  @Test func namesAreUnique() {
    let names = Self.kinds.map(\.name)
    #expect(Set(names).count == names.count && names.first == "standard")
    #expect(names.allSatisfy { $0 == $0.lowercased() && !$0.contains(" ") && !$0.isEmpty })
  }

  @Test func everyKindServesSlicesAndWhatItRefusesOfVolumesHasItsName() throws {
    #expect(Self.trials.filter { $0.dimensions == 2 }.map(\.kind.name) == Self.kinds.map(\.name))
    let volumes = Self.trials.filter { $0.dimensions == 3 }.map(\.kind.name)
    #expect(volumes.contains("standard") && volumes.contains("cagr"))
    for kind in Self.kinds where !volumes.contains(kind.name) {
      let reason = try #require(kind.refusal(.init(16, 16, dimensions: 3)))
      #expect(reason.contains(kind.name) && reason.contains("slices"), "\(reason)")
    }
  }

  @Test(arguments: trials)
  func theOutputHasTheInputsSize(_ trial: Trial) {
    let (store, layer) = layer(trial.kind, trial.shape, stirred: false)
    let x = input(16, trial.dimensions)
    let y = layer(x)
    #expect(y.shape == x.shape && y.type == .float32 && y.isFinite)
    #expect(store.count > 0)
  }

  @Test(arguments: trials)
  func aGradientReachesEveryParameter(_ trial: Trial) throws {
    let (store, layer) = layer(trial.kind, trial.shape)
    let x = input(16, trial.dimensions)
    x.requiresGradient = true
    let y = layer(x)
    (y * .normal(y.shape, seed: 3)).sum().backward()
    for (name, tensor) in store.entries {
      let gradient = try #require(tensor.gradient, "\(name)")
      #expect(gradient.shape == tensor.shape && gradient.isFinite, "\(name)")
      let zeros = gradient.values(Float.self).count { $0 == 0 }
      #expect(zeros == 0, "\(zeros) of \(tensor.count) in \(name) get no gradient")
    }
    #expect(try #require(x.gradient).isFinite)
  }

  @Test(arguments: trials)
  func aSeedFixesEveryBit(_ trial: Trial) throws {
    func run(_ seed: UInt64) throws -> [[Float]] {
      let (store, layer) = layer(trial.kind, trial.shape, seed: seed, stirred: false)
      let y = layer(input(16, trial.dimensions))
      y.squared().sum().backward()
      return [y.values()] + store.entries.map { $0.tensor.gradient?.values() ?? [] }
    }
    #expect(try run(1) == run(1))
    #expect(try run(1)[0] != run(2)[0])
  }

  @Test(arguments: trials)
  func samplesDoNotMeet(_ trial: Trial) {
    let (_, layer) = layer(trial.kind, trial.shape)
    let x = input(16, trial.dimensions, batch: 3)
    let alone = (0..<3).map { layer(x.narrowed(0, from: $0, length: 1)) }
    expectClose(layer(x), .concatenated(alone, axis: 0), within: 2e-6)
  }

  @Test(arguments: kinds)
  func theLayoutInMemoryDoesNotMatter(_ kind: ConvolutionKind) {
    let (_, layer) = layer(kind, .init(16, 16))
    let x = input(16, 2)
    expectClose(layer(x.channelsLast()), layer(x), within: 2e-6)
  }

  @Test(arguments: kinds)
  func nothingIsKeptBetweenCalls(_ kind: ConvolutionKind) {
    let (_, layer) = layer(kind, .init(16, 16))
    let x = input(16, 2)
    let first = layer(x).values(Float.self)
    _ = layer(x * 3)
    #expect(layer(x).values(Float.self) == first)
  }

  @Test(arguments: kinds)
  func whatItCannotDoItRefuses(_ kind: ConvolutionKind) {
    // Whatever is not refused works; what no group divides is refused in words.
    for shape in [
      ConvolutionShape(16, 16), .init(13, 13), .init(40, 40), .init(88, 88), .init(16, 8),
      .init(16, 16, stride: 2), .init(16, 16, bias: true),
    ] {
      if let reason = kind.refusal(shape) {
        #expect(!reason.isEmpty && !reason.contains("\n"))
        continue
      }
      let (_, layer) = layer(kind, shape, stirred: false)
      #expect(
        layer(input(shape.input, 2)).shape == [2, shape.output] + [5, 4].map { ($0 - 1) / shape.stride + 1 })
    }
  }

  @Test func whatTrainingDropsIsSeeded() {
    for kind in ConvolutionKind.catalog {
      func run(_ seed: UInt64) -> [[Float]] {
        let store = Parameters()
        store.random = RandomStream(seed: seed)
        let layer = kind(store.root, .init(16, 16))
        let y = layer(.normal([2, 16, 6, 5], seed: 9))
        y.squared().sum().backward()
        return [y.values()] + store.entries.map { $0.tensor.gradient?.values() ?? [] }
      }
      #expect(run(1) == run(1), "\(kind.name)")
      let drops = ["arc", "gra"].contains(kind.name)
      #expect((run(1) != run(2)) == drops, "\(kind.name)")
    }
  }

  /// A diverged run has to reach the place where its loss is looked at: no kind may stop the program.
  @Test func whatIsNotANumberPassesThrough() async {
    await #expect(processExitsWith: .success) {
      for kind in ConvolutionKind.catalog {
        for bad in [Double.nan, .infinity, -1e38] {
          let store = Parameters()
          let layer = kind(store.root, .init(16, 16))
          for entry in store.entries {
            entry.tensor.assign(.normal(entry.tensor.shape, deviation: 0.1, seed: 2))
          }
          for name in ["routing.offset.weight", "offset.weight", "head.weight", "routing.angle.weight"] {
            store[name]?.fill(bad)
          }
          let x = Tensor.full(bad, [2, 16, 5, 5])
          let y = layer(x)
          #expect(y.shape == x.shape && (bad.isFinite || !y.isFinite), "\(kind.name) of \(bad)")
          _ = layer(.normal(x.shape, seed: 1))
        }
      }
    }
  }

  @Test func everyFileOfConvolutionsIsInTheCatalogue() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let folder = root.appendingPathComponent("Sources/Layers/Convolutions")
    let files = try #require(FileManager.default.subpaths(atPath: folder.path)).filter {
      $0.hasSuffix(".swift")
    }
    func text(_ file: String) throws -> String {
      try String(contentsOf: folder.appendingPathComponent(file), encoding: .utf8)
    }
    let list = try text("Catalog.swift").matches(of: #/\.(\w+)(\(|,)/#).map { String($0.1) }
    var declared: [String] = []
    for file in files where file != "Catalog.swift" {
      // Declarations of kinds, in whatever folder: `public static let dcnv2 = ConvolutionKind(`, `func arc(…) -> ConvolutionKind`.
      let kinds = try text(file).matches(
        of: #/static (?:let|var|func) (\w+)(?: = ConvolutionKind\(|\([^)]*\)\s*->\s*ConvolutionKind)/#
      ).map { String($0.1) }
      for kind in kinds {
        #expect(list.contains(kind), "\(kind) of \(file) is not in ConvolutionKind.catalog")
      }
      declared += kinds
    }
    #expect(Set(declared) == Set(list) && Set(Self.kinds.map(\.name)).count == Self.kinds.count)
  }
}

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

  /// A small layer away from its start, where zero weights keep some parameters from being reached.
  private func layer(
    _ kind: ConvolutionKind, _ shape: ConvolutionShape, seed: UInt64 = 1, stirred: Bool = true
  ) -> (Parameters, any Layer) {
    let store = Parameters(seed: seed)
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

  @Test(arguments: kinds, [2, 3])
  func theOutputHasTheInputsSize(_ kind: ConvolutionKind, _ dimensions: Int) {
    let (store, layer) = layer(kind, .init(16, 16, dimensions: dimensions), stirred: false)
    let x = input(16, dimensions)
    let y = layer(x)
    #expect(y.shape == x.shape && y.type == .float32 && y.isFinite)
    #expect(store.count > 0)
  }

  @Test(arguments: kinds, [2, 3])
  func aGradientReachesEveryParameter(_ kind: ConvolutionKind, _ dimensions: Int) throws {
    let (store, layer) = layer(kind, .init(16, 16, dimensions: dimensions))
    let x = input(16, dimensions)
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

  @Test(arguments: kinds, [2, 3])
  func aSeedFixesEveryBit(_ kind: ConvolutionKind, _ dimensions: Int) throws {
    func run(_ seed: UInt64) throws -> [[Float]] {
      let (store, layer) = layer(kind, .init(16, 16, dimensions: dimensions), seed: seed, stirred: false)
      let y = layer(input(16, dimensions))
      y.squared().sum().backward()
      return [y.values()] + store.entries.map { $0.tensor.gradient?.values() ?? [] }
    }
    #expect(try run(1) == run(1))
    #expect(try run(1)[0] != run(2)[0])
  }

  @Test(arguments: kinds, [2, 3])
  func samplesDoNotMeet(_ kind: ConvolutionKind, _ dimensions: Int) {
    let (_, layer) = layer(kind, .init(16, 16, dimensions: dimensions))
    let x = input(16, dimensions, batch: 3)
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
      ConvolutionShape(16, 16), .init(13, 13), .init(16, 16, stride: 2), .init(16, 16, bias: true),
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

  #if compiler(>=6.2)
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
            store["routing.offset.weight"]?.fill(bad)
            let x = Tensor.full(bad, [2, 16, 5, 5])
            let y = layer(x)
            #expect(y.shape == x.shape && (bad.isFinite || !y.isFinite), "\(kind.name) of \(bad)")
            _ = layer(.normal(x.shape, seed: 1))
          }
        }
      }
    }
  #endif

  @Test func everyFileOfConvolutionsIsInTheCatalogue() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let folder = root.appendingPathComponent("Sources/Layers/Convolutions")
    let written = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      .map { $0.replacingOccurrences(of: ".swift", with: "") }.filter { $0 != "Catalog" }.sorted()
    // A kind's names say which file it is in, but for the halves of CAGR.
    let owners = Self.kinds.map { ["rolling": "cagr", "attention": "cagr"][$0.name] ?? $0.name }
    for file in written {
      #expect(owners.contains(file.lowercased()), "\(file) has no entry in ConvolutionKind.catalog")
    }
    #expect(written.contains("Standard") && written.contains("CAGR"))
  }
}

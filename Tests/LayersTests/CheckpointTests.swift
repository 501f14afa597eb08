import Failures
import Files
import Foundation
import Layers
import TestSupport
import Testing
import Torch

@Suite struct CheckpointTests {
  /// A fresh folder that is removed afterwards.
  private func inFolder(_ body: (URL) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(folder)
  }

  private func network(_ kind: ConvolutionKind, seed: UInt64, type: ElementType = .float32) -> (
    Parameters, any Layer
  ) {
    let store = Parameters(seed: seed, type: type)
    let layer = kind(store.root / "first", .init(16, 16))
    _ = store.root.buffer("mean", [16], .normal(1))
    return (store, layer)
  }

  private func write(_ store: Parameters, to path: String) throws {
    try Safetensors.write(
      store.saved.map { Safetensors.Tensor("net." + $0.name, $0.tensor) }, metadata: ["kind": "test"],
      to: path)
  }

  @Test(arguments: ConvolutionKind.catalog, [ElementType.float32, .float64])
  func everyKindComesBackBitForBit(_ kind: ConvolutionKind, _ type: ElementType) throws {
    try inFolder { folder in
      let path = folder.appendingPathComponent("a.safetensors").path
      let (saved, layer) = network(kind, seed: 1, type: type)
      try write(saved, to: path)
      let (loaded, other) = network(kind, seed: 2, type: type)
      // Without the dropout that some kinds have.
      for store in [saved, loaded] { store.beginEvaluating() }
      let x = Tensor.normal([1, 16, 5, 6], seed: 3, type: type)
      #expect(layer(x).values(Double.self) != other(x).values(Double.self))
      try Safetensors(contentsOf: path).load(loaded.saved, under: "net.")
      for (one, two) in zip(saved.saved, loaded.saved) {
        #expect(one.name == two.name && one.tensor.values(Double.self) == two.tensor.values(Double.self))
      }
      #expect(layer(x).values(Double.self) == other(x).values(Double.self))
      #expect(loaded.entries.allSatisfy { $0.tensor.requiresGradient })
    }
  }

  @Test func halvedNumbersComeBackAlmost() throws {
    try inFolder { folder in
      let path = folder.appendingPathComponent("a.safetensors").path
      let (saved, _) = network(.cagr(groups: 4), seed: 1)
      try Safetensors.write(
        saved.saved.map { Safetensors.Tensor(halved: "net." + $0.name, $0.tensor) }, metadata: [:], to: path)
      let file = try Safetensors(contentsOf: path)
      #expect(file.entries.allSatisfy { $0.type == .f16 })
      let (loaded, _) = network(.cagr(groups: 4), seed: 2)
      try file.load(loaded.saved, under: "net.")
      for (one, two) in zip(saved.saved, loaded.saved) {
        #expect(two.tensor.type == .float32)
        for (exact, half) in zip(one.tensor.values(Double.self), two.tensor.values(Double.self)) {
          #expect(abs(exact - half) <= 0x1p-11 * abs(exact) + 0x1p-25, "\(one.name)")
        }
      }
    }
  }

  @Test func whatDoesNotFitIsListedAndNothingIsTouched() throws {
    try inFolder { folder in
      let path = folder.appendingPathComponent("a.safetensors").path
      try write(network(.cagr(groups: 4), seed: 1).0, to: path)
      let (store, _) = network(.cagr(groups: 8, rolls: false), seed: 2)
      _ = store.root.parameter("extra", [2], .ones)
      let before = store.saved.map { $0.tensor.values(Float.self) }
      let failure = #expect(throws: Failure.self) {
        try Safetensors(contentsOf: path).load(store.saved, under: "net.")
      }
      #expect(failure?.kind == .invalidModel)
      let message = failure?.message ?? ""
      #expect(message.contains(path) && message.contains("missing: net.extra"))
      #expect(message.contains("unused: net.first.routing"))
      #expect(message.contains("net.first.attention.weight is [16, 8, 1, 1] instead of [16, 4, 1, 1]"))
      #expect(store.saved.map { $0.tensor.values(Float.self) } == before)
    }
  }

  @Test func aTypeThatNetworksDoNotUseIsRefused() throws {
    try inFolder { folder in
      let path = folder.appendingPathComponent("a.safetensors").path
      try Safetensors.write(
        [
          Safetensors.Tensor("p", shape: [2], values: [UInt8(1), 2]),
          Safetensors.Tensor("q", Tensor([Int64(5), -6], shape: [2])),
        ], metadata: [:], to: path)
      let file = try Safetensors(contentsOf: path)
      #expect(throws: Failure.self) { try file.tensor("p") }
      #expect(try file.tensor("q")?.values(Int64.self) == [5, -6])
      #expect(try file.tensor("r")?.shape == nil)
    }
  }
}

import TestSupport
import Testing
import Torch

/// Layers' operators beside PyTorch's, in double precision: output and every gradient.
@Suite struct GoldenOperatorTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let compute: @Sendable (Tensor, Tensor?, Tensor?) -> Tensor
    var testDescription: String { name }
    init(
      _ name: String,
      _ compute: @escaping @Sendable (_ x: Tensor, _ weight: Tensor?, _ bias: Tensor?) -> Tensor
    ) {
      (self.name, self.compute) = (name, compute)
    }
  }

  static let cases: [Case] = [
    Case("conv2d") { $0.convolved(with: $1 ?? $0, bias: $2, padding: 1) },
    Case("conv2d_stride2") { x, weight, _ in x.convolved(with: weight ?? x, stride: 2) },
    Case("conv2d_4x4_stride2") { $0.convolved(with: $1 ?? $0, bias: $2, stride: 2, padding: 1) },
    Case("conv2d_groups") { x, weight, _ in x.convolved(with: weight ?? x, padding: 1, groups: 2) },
    Case("conv_transpose2d") { x, weight, _ in x.convolvedTransposed(with: weight ?? x, stride: 2) },
    Case("conv3d") { $0.convolved(with: $1 ?? $0, bias: $2, padding: 1) },
    Case("conv_transpose3d") { x, weight, _ in x.convolvedTransposed(with: weight ?? x, stride: 2) },
    Case("linear") { $0.linear($1 ?? $0, bias: $2) },
    Case("channel_norm") { x, weight, bias in
      x.permuted([0, 2, 3, 1]).layerNormalized(weight: weight, bias: bias).permuted([0, 3, 1, 2])
    },
    Case("instance_norm") { x, _, _ in x.instanceNormalized() },
    Case("gelu") { x, _, _ in x.gelu() },
    Case("leaky_relu") { x, _, _ in x.leakyRelu(0.2) },
    Case("replicate_pad") { x, _, _ in x.padded([0, 4, 0, 3], .replicate) },
  ]

  @Test func everyCaseOfTheFileIsTried() throws {
    let golden = try Golden("layers")
    let stored = golden.names(under: "").filter { $0.hasSuffix("/output") }.map { String($0.dropLast(7)) }
    #expect(stored == Self.cases.map(\.name).sorted())
  }

  @Test(arguments: cases, [false, true])
  func agrees(_ trial: Case, channelsLast: Bool) throws {
    let golden = try Golden("layers")
    func leaf(_ key: String) throws -> Tensor? {
      let name = "\(trial.name)/\(key)"
      guard golden.has(name) else { return nil }
      var tensor = try golden(name)
      if channelsLast, tensor.rank == 4 || tensor.rank == 5 { tensor = tensor.channelsLast() }
      tensor.requiresGradient = true
      return tensor
    }
    let x = try #require(try leaf("input"))
    let weight = try leaf("parameter/weight")
    let bias = try leaf("parameter/bias")
    let output = trial.compute(x, weight, bias)
    expectClose(output, try golden("\(trial.name)/output"), within: 1e-13, "output")
    (output * (try golden("\(trial.name)/probe"))).sum().backward()
    for (key, tensor) in [("input", x), ("weight", weight), ("bias", bias)] {
      guard let tensor else { continue }
      let gradient = try #require(tensor.gradient)
      expectClose(gradient, try golden("\(trial.name)/gradient/\(key)"), within: 1e-12, "gradient of \(key)")
    }
  }
}

import Layers
import Networks
import TestSupport
import Testing
import Torch

@Suite struct PatchGANTests {
  @Test(arguments: [(PatchGANVariant.isola, 2_764_737), (.codebrain, 2_764_736)])
  func parameters(_ variant: PatchGANVariant, _ expected: Int) {
    let store = Parameters()
    _ = PatchGAN(store.root, channels: 3, variant: variant)
    #expect(store.count == expected)
  }

  @Test(arguments: [
    (PatchGANVariant.isola, 256, 30), (.isola, 240, 28), (.codebrain, 256, 16), (.codebrain, 240, 15),
  ])
  func outputSizes(_ variant: PatchGANVariant, _ size: Int, _ expected: Int) {
    let store = Parameters()
    let judge = PatchGAN(store.root, channels: 3, width: 4, variant: variant)
    let scores = store.evaluating { judge(.uniform([1, 3, size, size], seed: 1)) }
    #expect(scores.shape == [1, 1, expected, expected] && scores.isFinite)
  }

  @Test(
    arguments: [(PatchGANVariant.isola, "canonical"), (.codebrain, "padded")],
    [ElementType.float64, .float32])
  func agreesWithPyTorch(_ trial: (PatchGANVariant, String), _ type: ElementType) throws {
    let golden = try Golden("patchgan")
    let name = trial.1
    let store = Parameters(type: type)
    let judge = PatchGAN(store.root, channels: 3, width: 4, variant: trial.0)
    #expect(try golden.load(name + "/parameter/", into: store) == [])
    let x = try golden(name + "/input", type)
    x.requiresGradient = true
    let output = judge(x)
    (output * (try golden(name + "/probe", type))).sum().backward()
    let tolerance = type == .float64 ? 2e-7 : 1e-5
    expectClose(output, try golden(name + "/output"), within: tolerance, "output")
    expectClose(
      try #require(x.gradient), try golden(name + "/gradient/input"), within: tolerance, "gradient of input")
    // A bias before an instance norm has no effect: what is left of its gradient is rounding.
    try golden.expectGradients(
      of: store, under: name + "/gradient/", within: tolerance, orAbsolutely: type == .float64 ? 1e-12 : 1e-3)
  }

  @Test func theStartIsThatOfPix2pix() throws {
    let store = Parameters()
    _ = PatchGAN(store.root, channels: 3)
    for (name, tensor) in store.entries where name.hasSuffix("weight") {
      let deviation = tensor.detached.squared().mean().sqrt().item
      #expect(abs(deviation - 0.02) < 0.001, "\(name)")
    }
  }
}

import Foundation
import Layers
import TestSupport
import Testing
import Torch

/// ARC and GRA beside the same modules computed filter by filter in PyTorch.
@Suite struct RotatedTests {
  @Test func theMatricesAreThePublishedOnes() throws {
    let golden = try Golden("kernel_rotation")
    let angles = try golden("angles")
    let matrices = KernelRotation.mixing(angles)
    expectClose(matrices, try golden("matrices"), within: 1e-14)
    // Both signs, the ends of the range, and none at all.
    let values = angles.values(Double.self)
    #expect(values.contains { $0 < -0.69 } && values.contains { $0 > 0.69 } && values.contains(0))
    let identity = (0..<81).map { $0 % 10 == 0 ? 1.0 : 0 }
    expectClose(KernelRotation.mixing(.zeros([1], type: .float64)), identity, within: 0)
    // Constant kernels stay what they are.
    expectClose(matrices.sum(over: [2]), .ones([values.count, 9], type: .float64), within: 1e-14)
  }

  /// With rows downwards, a positive angle moves what is at the right towards the top.
  @Test func aPositiveAngleTurnsCounterclockwise() {
    let kernel = Tensor([0, 0, 0, 0, 0, 1, 0, 0, 0], shape: [9, 1])
    let turned = KernelRotation.mixing(.full(0.5, [1], type: .float64)).reshaped([9, 9]).matmul(kernel)
      .values(Double.self)
    #expect(turned[2] > 0.5 && turned[8] == 0, "\(turned)")
  }

  @Test(arguments: ["arc", "gra"], [ElementType.float64, .float32])
  func agreesWithPyTorch(_ name: String, _ type: ElementType) throws {
    let golden = try Golden(name)
    let store = Parameters(type: type)
    store.beginEvaluating()
    let layer: any Layer =
      name == "arc"
      ? ARC(store.root, .init(6, 5), kernels: 4) : GRA(store.root, .init(6, 8), groups: 4)
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

  @Test(arguments: [ConvolutionKind.arc(), .gra()])
  func dropoutIsForTrainingAlone(_ kind: ConvolutionKind) {
    let store = Parameters()
    let layer = kind(store.root, .init(16, 16))
    let x = Tensor.normal([1, 16, 6, 6], seed: 1)
    func run() -> [Float] { layer(x).values() }
    // Of sixteen features a head drops other ones each time.
    let training = (0..<4).map { _ in run() }
    #expect(Set(training).count > 1)
    #expect(store.evaluating(run) == store.evaluating(run))
  }

  @Test func anglesStayBelowFortyDegrees() throws {
    // A kernel of one channel that marks the middle of the upper row shows how far it was turned.
    let store = Parameters(type: .float64)
    store.beginEvaluating()
    let module = ARC(store.root, .init(4, 1), kernels: 1)
    let weight = try #require(store["weight"])
    weight.assign(Tensor((0..<36).map { $0 % 9 == 1 ? 1.0 : 0 }, shape: weight.shape))
    try #require(store["routing.scale.weight"]).fill(0)
    try #require(store["routing.scale.bias"]).fill(1e9)
    var x = Tensor.zeros([1, 4, 3, 3], type: .float64)
    x = x + Tensor((0..<9).map { $0 == 4 ? 1.0 : 0 }, shape: [1, 1, 3, 3])
    for sign in [-1.0, 1] {
      try #require(store["routing.angle.weight"]).fill(sign * 1e9)
      // The answer to a single bright pixel is the kernel, point-mirrored, summed over the channels.
      let kernel = Array(withoutGradient { module(x) }.values(Double.self).map { $0 / 4 }.reversed())
      let widest = KernelRotation.mixing(.full(sign * 40 * .pi / 180, [1], type: .float64))
        .narrowed(2, from: 1, length: 1)
      expectClose(kernel, widest.values(), within: 1e-6, "\(sign)")
    }
  }

  @Test func numbersThatMakeNoKernelAreRefused() {
    #expect(ConvolutionKind.arc(kernels: 0).refusal(.init(8, 8))?.contains("0") == true)
    #expect(ConvolutionKind.gra(groups: 3).refusal(.init(8, 8))?.contains("3 groups") == true)
    #expect(ConvolutionKind.gra(groups: 0).refusal(.init(8, 8)) != nil)
  }
}

import Foundation
import Layers
import Networks
import TestSupport
import Testing
import Torch

/// Every generator and discriminator at a width and size where single precision takes its fastest ways, beside plain PyTorch
/// in double precision (Support/golden/whole_networks.py): outputs, all gradients, and derivatives of derivatives.
@Suite(.serialized) struct WholeNetworkTests {
  /// A network, given the scope of its parameters.
  typealias Build = @Sendable (Scope) -> (Tensor) -> Tensor

  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    /// Channels in.
    var channels = 2
    /// Rows and columns, or planes, rows and columns.
    var space = [side, side]
    let build: Build
    var testDescription: String { name }
  }

  static let (width, side, levels) = (32, 64, 5)

  /// How far a gradient may be off, of its own norm. Where rounding moves a number to the other side of a ReLU's kink, some of
  /// the terms of a gradient change: by up to two hundredths in single precision, while no number here is so near
  /// that double precision moves it. Norms take nearly all of some biases' gradients away.
  static func tolerance(_ name: String, _ type: ElementType) -> Double {
    switch name {
    case _ where type == .float64: 1e-6
    case "ncsnpp", "patchgan_isola", "patchgan_codebrain", "patchgan_mmgan", "medsynth_discriminator": 1e-4
    case "ddpm_unet", "iddpm_unet": 3e-3
    default: 5e-2
    }
  }

  /// How far outputs, which have no kinks, may be off.
  static func outputTolerance(_ type: ElementType) -> Double { type == .float64 ? 1e-6 : 5e-5 }

  private static func backbone(_ name: String, _ kind: ConvolutionKind?) -> Case {
    Case(name: name) { scope in
      let network =
        kind.map { ResUnet(scope, sources: 2, width: width, replacing: $0, in: .agiNet) }
        ?? ResUnet(scope, sources: 2, width: width)
      return { network($0) }
    }
  }

  static func plain(
    _ name: String, channels: Int = 2, space: [Int] = [side, side],
    _ build: @escaping @Sendable (Scope) -> any Layer
  )
    -> Case
  {
    Case(name: name, channels: channels, space: space) { scope in
      let network = build(scope)
      return { network($0) }
    }
  }

  private static func timed(
    _ name: String, _ build: @escaping @Sendable (Scope) -> any TimedNetwork
  ) -> Case {
    Case(name: name, channels: 3) { scope in
      let network = build(scope)
      return { network($0, at: Tensor([13, 421.5], shape: [2]).to($0.type)) }
    }
  }

  static let cases = [
    backbone("resunet", nil),
    backbone("agi-net", .cagr()),
    backbone("rolling-resunet", .cagr(attends: false)),
    backbone("attention-resunet", .cagr(rolls: false)),
    backbone("deform-resunet", .dcnv3),
    backbone("deform2-resunet", .dcnv2),
    backbone("arc-resunet", .arc()),
    backbone("gra-resunet", .gra()),
    timed("timed-resunet") { ResUnet($0, sources: 3, width: width, blocks: 1, timed: true) },
    timed("timed-agi-net") {
      ResUnet($0, sources: 3, width: width, blocks: 1, replacing: .cagr(), in: .agiNet, timed: true)
    },
    plain("pix2pix_unet") { Pix2PixUnet($0, sources: 2, width: width, levels: levels, dropout: 0) },
    plain("resnet9") { ResNet9($0, sources: 2, width: width, dropout: 0) },
    plain("mmgan_unet", channels: 3) {
      MMGANUnet($0, modalities: 3, width: width, levels: levels, dropout: 0)
    },
    plain("medsynth_unet") { MedSynthUnet($0, sources: 2, longSkip: 1, width: width, dropout: 0) },
    plain("segmentation_unet") {
      SegmentationUnet($0, inputs: 2, outputs: 3, width: width, levels: levels)
    },
    timed("ddpm_unet") {
      DiffusionUnet($0, inputs: 3, outputs: 1, width: width, blocks: 2, DiffusionUnet.Architecture())
    },
    timed("iddpm_unet") {
      var architecture = DiffusionUnet.Architecture()
      (architecture.attention, architecture.heads, architecture.injection) = ([16, 32], 4, .scaleShift)
      return DiffusionUnet($0, inputs: 3, outputs: 2, width: width, blocks: 2, architecture)
    },
    Case(name: "ncsnpp", channels: 4) { scope in
      let network = NCSNpp(scope, inputs: 4, width: width)
      return {
        network(
          $0, at: Tensor([3, 10.0], shape: [2]).to($0.type),
          latent: known("ncsnpp.latent", [2, 100], type: $0.type))
      }
    },
    plain("patchgan_isola", channels: 3) { PatchGAN($0, channels: 3, width: width, variant: .isola) },
    plain("patchgan_codebrain", channels: 3) { PatchGAN($0, channels: 3, width: width, variant: .codebrain) },
    plain("patchgan_mmgan", channels: 6) {
      PatchGAN($0, channels: 6, outputs: 3, width: width, variant: .codebrain)
    },
    plain("medsynth_discriminator", channels: 1) { MedSynthDiscriminator($0) },
  ]

  static func check(_ test: Case, type: ElementType = .float32, file: String = "whole_networks") throws {
    let golden = try Golden(file)
    let (name, tolerance) = (test.name, tolerance(test.name, type))
    let store = Parameters(type: type)
    // Without dropout.
    if ["arc-resunet", "gra-resunet"].contains(name) { store.beginEvaluating() }
    let network = test.build(store.root)
    store.start(asKnown: name)
    // DCNv2's heads and GRA's gates read large numbers.
    for (key, tensor) in store.entries
    where key.hasSuffix(".first.head.weight") || name == "gra-resunet" && key.hasSuffix(".attention.weight") {
      tensor.assign(tensor.detached * 0.01)
    }
    let salt = Int(try golden("\(name)/salt").item)
    let x = knownImage("\(name).input\(salt)", [2, test.channels] + test.space, type: type)
    x.requiresGradient = true
    let output = network(x)
    try golden.expectMarks(
      "\(name)/output", of: output, named: "\(name).output", within: outputTolerance(type))
    let probe = known("\(name).probe", output.shape, type: type)
    (output * probe).sum().backward()
    let gradient = try #require(x.gradient)
    try golden.expectMarks("\(name)/input", of: gradient, named: "\(name).input", within: tolerance)
    try golden.expectMarks(
      "\(name)/gradients", ofGradientsIn: store, names: "\(name)/names", named: "\(name).gradient",
      within: tolerance)
    guard golden.has("\(name)/second") else { return }
    let slope = (network(x) * probe).sum().derivative(by: x)
    try golden.expectMarks("\(name)/slope", of: slope, named: "\(name).input", within: tolerance)
    for (_, tensor) in store.entries { tensor.clearGradient() }
    slope.squared().sum().backward()
    try golden.expectMarks(
      "\(name)/second", ofGradientsIn: store, names: "\(name)/names", named: "\(name).second",
      within: tolerance)
  }

  /// SelfRDB's discriminator and its penalty.
  static func checkTimedDiscriminator(type: ElementType = .float32) throws {
    let golden = try Golden("whole_networks")
    let name = "timed_discriminator"
    // The penalty's gradient as a whole to a ten thousandth; kinks may move a single tensor by more.
    let tolerance = type == .float64 ? 1e-6 : 2e-3
    let store = Parameters(type: type)
    var architecture = TimedDiscriminator.Architecture()
    architecture.width = width
    let network = TimedDiscriminator(store.root, architecture)
    store.start(asKnown: name)
    let salt = Int(try golden("\(name)/salt").item)
    let earlier = known("\(name).earlier\(salt)", [2, 1, side, side], type: type)
    let later = known("\(name).later\(salt)", [2, 1, side, side], type: type)
    later.requiresGradient = true
    func judge() -> Tensor { network(earlier, later, at: Tensor([2.0, 7], shape: [2]).to(type)) }
    let scores = judge()
    try golden.expectMarks(
      "\(name)/output", of: scores, named: "\(name).output", within: outputTolerance(type))
    let slope = scores.sum().derivative(by: later)
    try golden.expectMarks("\(name)/slope", of: slope, named: "\(name).slope", within: tolerance)
    (slope.squared().sum() * (0.5 / 2)).backward()
    try golden.expectMarks(
      "\(name)/second", ofGradientsIn: store, names: "\(name)/names", named: "\(name).second",
      within: tolerance, together: type == .float64 ? 1e-6 : 1e-4)
    for (_, tensor) in store.entries { tensor.clearGradient() }
    later.clearGradient()
    (judge() * known("\(name).probe", scores.shape, type: type)).sum().backward()
    try golden.expectMarks(
      "\(name)/input", of: try #require(later.gradient), named: "\(name).input", within: tolerance)
    try golden.expectMarks(
      "\(name)/gradients", ofGradientsIn: store, names: "\(name)/names", named: "\(name).gradient",
      within: tolerance)
  }

  static func checkAll() throws {
    for test in cases { try check(test) }
    // Of volumes those that have kernels of our own.
    for test in WholeVolumeTests.cases where test.name.contains("agi-net") || test.name.contains("-resunet") {
      try check(test, file: "whole_networks_3d")
    }
    try checkTimedDiscriminator()
  }

  // MARK: -

  @Test(arguments: cases, [ElementType.float64, .float32])
  func agreesWithPyTorch(_ test: Case, _ type: ElementType) throws { try Self.check(test, type: type) }

  @Test(arguments: [ElementType.float64, .float32])
  func theTimedDiscriminatorAndItsPenaltyAgreeWithPyTorch(_ type: ElementType) throws {
    try Self.checkTimedDiscriminator(type: type)
  }

  @Test func theFileHasNoNetworkBeside() throws {
    let names = try Golden("whole_networks").names(under: "").filter { $0.hasSuffix("/names") }
    let known = (Self.cases.map(\.name) + ["timed_discriminator"]).map { $0 + "/names" }
    #expect(names == known.sorted())
  }

  /// As on a processor with AVX2 and no AVX-512; LibTorch's kernels too.
  @Test func narrowerInstructionsAgreeToo() async {
    await #expect(processExitsWith: .success) {
      setenv("ATEN_CPU_CAPABILITY", "avx2", 1)
      setenv("ONEDNN_MAX_CPU_ISA", "AVX2", 1)
      #expect(LibTorch.limit(to: .v3) != .v4)
      #expect(["DEFAULT", "AVX2"].contains(LibTorch.capability))
      try WholeNetworkTests.checkAll()
    }
  }

  /// As on any processor of 64 bits.
  @Test func theNarrowestInstructionsAgreeToo() async {
    await #expect(processExitsWith: .success) {
      setenv("ATEN_CPU_CAPABILITY", "default", 1)
      setenv("ONEDNN_MAX_CPU_ISA", "SSE41", 1)
      #expect(LibTorch.limit(to: .any) == .any)
      #expect(LibTorch.capability == "DEFAULT")
      try WholeNetworkTests.checkAll()
    }
  }

  /// A tensor that is off by a thousandth, in one entry of a hundred or in all, is not taken for the same.
  @Test func marksTellTensorsApart() throws {
    let tensor = known("some", [20, 30])
    func differ(_ other: Tensor) -> Double {
      let (a, b) = (marks("x", tensor), marks("x", other))
      return (zip(a, b).map { abs($0 - $1) }.max() ?? 0) / a[0]
    }
    #expect(differ(tensor) == 0)
    #expect(differ(tensor * 1.001) > 9e-4)
    #expect(differ(tensor + known("noise", [20, 30]) * 1e-3) > 2e-5)
    #expect(differ(tensor.permuted([1, 0]).contiguous().reshaped([20, 30])) > 0.1)
    #expect(differ(-tensor) > 0.01)
    let one = Tensor([1.0] + Array(repeating: 0, count: 599), shape: [20, 30])
    #expect(differ(tensor + one) > 1e-3)
  }
}

import Layers
import Networks
import TestSupport
import Testing
import Torch

/// Every network that has a 3-D form at widths that are used, on volumes whose sides differ, beside plain PyTorch in double
/// precision (Support/golden/whole_networks_3d.py): outputs and all gradients.
@Suite(.serialized) struct WholeVolumeTests {
  private static let (width, levels) = (16, 4)
  private static let space = [16, 32, 48]

  private static func backbone(_ name: String, _ kind: ConvolutionKind, width: Int, _ space: [Int])
    -> WholeNetworkTests.Case
  {
    WholeNetworkTests.plain(name, space: space) {
      ResUnet($0, sources: 2, width: width, dimensions: 3, replacing: kind, in: .agiNet)
    }
  }

  static let cases = [
    backbone("resunet", .standard, width: 32, [16, 8, 24]),
    backbone("agi-net", .cagr(), width: 32, [16, 8, 24]),
    backbone("rolling-resunet", .cagr(attends: false), width: width, [16, 8, 24]),
    backbone("attention-resunet", .cagr(rolls: false), width: width, [16, 8, 24]),
    backbone("agi-net-16", .cagr(), width: width, space),
    WholeNetworkTests.plain("pix2pix_unet", space: space) {
      Pix2PixUnet($0, sources: 2, width: width, levels: levels, dropout: 0, dimensions: 3)
    },
    WholeNetworkTests.plain("resnet9", space: [16, 20, 24]) {
      ResNet9($0, sources: 2, width: width, dropout: 0, dimensions: 3)
    },
    WholeNetworkTests.plain("mmgan_unet", channels: 3, space: space) {
      MMGANUnet($0, modalities: 3, width: width, levels: levels, dropout: 0, dimensions: 3)
    },
    WholeNetworkTests.plain("medsynth_unet", space: space) {
      MedSynthUnet($0, sources: 2, longSkip: 1, width: width, dropout: 0, dimensions: 3)
    },
    WholeNetworkTests.plain("segmentation_unet", channels: 4, space: [32, 32, 48]) {
      SegmentationUnet($0, inputs: 4, outputs: 3, width: width, dimensions: 3)
    },
    WholeNetworkTests.plain("patchgan_isola", channels: 3, space: [24, 32, 40]) {
      PatchGAN($0, channels: 3, width: 32, variant: .isola, dimensions: 3)
    },
    WholeNetworkTests.plain("patchgan_codebrain", channels: 3, space: [32, 48, 40]) {
      PatchGAN($0, channels: 3, width: 32, variant: .codebrain, dimensions: 3)
    },
    WholeNetworkTests.plain("patchgan_mmgan", channels: 6, space: [32, 48, 40]) {
      PatchGAN($0, channels: 6, outputs: 3, width: 32, variant: .codebrain, dimensions: 3)
    },
    WholeNetworkTests.plain("medsynth_discriminator", channels: 1, space: [48, 48, 48]) {
      MedSynthDiscriminator($0, side: 48, dimensions: 3)
    },
  ]

  @Test(arguments: cases, [ElementType.float64, .float32])
  func agreesWithPyTorch(_ test: WholeNetworkTests.Case, _ type: ElementType) throws {
    try WholeNetworkTests.check(test, type: type, file: "whole_networks_3d")
  }

  @Test func theFileHasNoNetworkBeside() throws {
    let names = try Golden("whole_networks_3d").names(under: "").filter { $0.hasSuffix("/names") }
    #expect(names == Self.cases.map { $0.name + "/names" }.sorted())
  }

  // MARK: - At full width

  private static func backbone(_ kind: ConvolutionKind, width: Int) -> @Sendable (Scope) -> Void {
    { _ = ResUnet($0, sources: 3, width: width, dimensions: 3, replacing: kind, in: .agiNet) }
  }

  private static let published: [String: @Sendable (Scope) -> Void] = [
    "resunet 64": backbone(.standard, width: 64), "agi-net 64": backbone(.cagr(), width: 64),
    "resunet 32": backbone(.standard, width: 32), "agi-net 32": backbone(.cagr(), width: 32),
    "resunet 16": backbone(.standard, width: 16), "agi-net 16": backbone(.cagr(), width: 16),
    "pix2pix_unet": { _ = Pix2PixUnet($0, sources: 2, dimensions: 3) },
    "resnet9": { _ = ResNet9($0, sources: 2, dimensions: 3) },
    "mmgan_unet": { _ = MMGANUnet($0, modalities: 3, dimensions: 3) },
    "medsynth_unet": { _ = MedSynthUnet($0, sources: 2, dimensions: 3) },
    "segmentation_unet": { _ = SegmentationUnet($0, inputs: 4, outputs: 3, dimensions: 3) },
    "patchgan_isola": { _ = PatchGAN($0, channels: 3, variant: .isola, dimensions: 3) },
    "patchgan_codebrain": { _ = PatchGAN($0, channels: 3, variant: .codebrain, dimensions: 3) },
    "patchgan_mmgan": { _ = PatchGAN($0, channels: 6, outputs: 3, dimensions: 3) },
    "medsynth_discriminator": { _ = MedSynthDiscriminator($0, dimensions: 3) },
  ]

  @Test func countsAreThoseOfTheScript() throws {
    let golden = try Golden("whole_networks_3d")
    #expect(golden.names(under: "counts/") == Self.published.keys.sorted())
    for (name, build) in Self.published.sorted(by: { $0.key < $1.key }) {
      let store = Parameters()
      Parameters.outlining { build(store.root) }
      #expect(store.count == Int(try golden("counts/\(name)").item), "\(name)")
    }
  }

  /// Starts and their bounds follow the kernels: Xavier with gain √2 of 27 taps, by √3.
  @Test func theStartsKnowTheirTaps() throws {
    let store = Parameters()
    _ = MedSynthUnet(store.root, sources: 2, width: 8, dimensions: 3)
    let first = try #require(store["down1.first.weight"]).detached.squared().mean().sqrt().item
    #expect(abs(first / (4.0 / (27 * 24)).squareRoot() - 1) < 0.03)
  }
}

import Networks
import TestSupport
import Testing
import Torch

/// Networks, some of them in 3-D too, as other people's code computes them: torchvision, MONAI, diffusers and pix2pixHD, with our parameters
/// (Support/golden/independent_networks.py, which says what coincides and what was not to be had). Outputs, all gradients, and
/// for what is differentiated twice the derivatives of derivatives.
@Suite(.serialized) struct IndependentNetworkTests {
  static let cases =
    WholeNetworkTests.cases.filter {
      [
        "resunet", "resnet9", "segmentation_unet", "patchgan_isola", "patchgan_codebrain", "ddpm_unet",
        "iddpm_unet",
      ].contains($0.name)
    }
    + WholeVolumeTests.cases.filter {
      ["resunet", "segmentation_unet", "patchgan_isola"].contains($0.name)
    }.map {
      WholeNetworkTests.Case(
        name: $0.name + "_3d", channels: $0.channels, space: $0.space, build: $0.build)
    } + [
      WholeNetworkTests.Case(name: "vgg16", channels: 3) { scope in
        let network = VGG16(scope)
        return { network($0) }
      }
    ]

  @Test(arguments: cases) func agreesWithOthersCode(_ test: WholeNetworkTests.Case) throws {
    try WholeNetworkTests.check(test, type: .float64, file: "independent_networks")
  }

  @Test func theFileHasNoNetworkBeside() throws {
    let names = try Golden("independent_networks").names(under: "").filter { $0.hasSuffix("/names") }
    #expect(names == Self.cases.map { $0.name + "/names" }.sorted())
  }
}

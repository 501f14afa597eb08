import Layers
import Networks
import Testing
import Torch

/// Parameter counts at full width, computed by hand from the architecture (64, 128, 256, 512).
@Suite(.serialized) struct ParameterCountTests {
  private func count(
    _ kind: ConvolutionKind = .standard, in stages: [Stage] = .agiNet, sources: Int = 2, width: Int = 64,
    dimensions: Int = 2
  ) -> Int {
    let store = Parameters()
    _ = ResUnet(
      store.root, sources: sources, width: width, dimensions: dimensions, replacing: kind, in: stages)
    return store.count
  }

  @Test func resUnet() {
    #expect(count() == 17_008_320)
    #expect(count(sources: 3) == 17_008_896)
  }

  @Test(arguments: [(2, 21_580_884), (4, 19_320_168), (8, 18_211_728), (16, 17_701_344)])
  func agiNet(_ groups: Int, _ expected: Int) {
    #expect(count(.cagr(groups: groups)) == expected)
  }

  @Test func theHalves() {
    #expect(count(.cagr(attends: false)) == 18_002_448)
    #expect(count(.cagr(rolls: false)) == 17_217_600)
  }

  @Test(
    arguments: [
      (ConvolutionKind.dcnv3, 12_650_952), (.dcnv2, 17_599_566), (.arc(), 39_394_152),
      (.arc(kernels: 1), 17_039_946), (.gra(), 17_078_144), (.gra(groups: 32), 17_207_360),
    ])
  func theComparedConvolutions(_ kind: ConvolutionKind, _ expected: Int) {
    #expect(count(kind) == expected, "\(kind.name)")
  }

  /// Stages replaced from the shallow end on; none is ResUnet, five are AGI-Net.
  @Test(
    arguments: zip(
      [1, 2, 3, 4, 6, 7], [17_023_056, 17_075_040, 17_269_104, 18_017_664, 18_263_712, 18_278_448]))
  func replacedStages(_ stages: Int, _ expected: Int) {
    #expect(count(.cagr(), in: Array(Stage.allCases.prefix(stages))) == expected)
  }

  /// From 3 sources: 49.65 and 52.73 million, 12.41 and 13.21, 3.10 and 3.31.
  @Test(arguments: [(64, 49_650_432, 52_734_928), (32, 12_414_336, 13_206_800), (16, 3_104_448, 3_313_264)])
  func volumes(_ width: Int, _ plain: Int, _ rolled: Int) {
    #expect(count(sources: 3, width: width, dimensions: 3) == plain)
    #expect(count(.cagr(), sources: 3, width: width, dimensions: 3) == rolled)
  }

  private func count(_ build: (Scope) -> Void) -> Int {
    let store = Parameters()
    build(store.root)
    return store.count
  }

  @Test func generatorsAsPublished() {
    #expect(count { _ = Pix2PixUnet($0, sources: 2) } == 54_408_833)
    #expect(count { _ = ResNet9($0, sources: 2) } == 11_368_769)
    #expect(count { _ = MedSynthUnet($0, sources: 2) } == 32_446_145)
    #expect(count { _ = MMGANUnet($0, modalities: 3) } == 54_404_099)
    #expect(count { _ = MMGANUnet($0, modalities: 4) } == 54_407_172)
  }

  /// Widths 32 to 512: 3 x 3 kernels, two numbers a channel for every norm, 2 x 2 kernels between, and the last layer.
  @Test func theUnetThatSegments() {
    let widths = [32, 64, 128, 256, 512]
    var expected = 9 * 4 * 32 + 9 * 32 * 32 + 4 * 32
    for (shallow, deep) in zip(widths, widths.dropFirst()) {
      expected += 9 * shallow * deep + 9 * deep * deep + 4 * deep
      expected += 4 * deep * shallow + 9 * 2 * shallow * shallow + 9 * shallow * shallow + 4 * shallow
    }
    expected += 3 * 32 + 3
    #expect(expected == 7_762_915)
    #expect(count { _ = SegmentationUnet($0, inputs: 4, outputs: 3) } == expected)
  }

  @Test func discriminatorsAsPublished() {
    #expect(count { _ = MedSynthDiscriminator($0) } == 714_049)
    // Four times as many features of 64 x 64 as of 48 x 48, sixteen times as many as of 40 x 40.
    #expect(count { _ = MedSynthDiscriminator($0, side: 48) } == 714_049 - 768 * 512)
    #expect(count { _ = MedSynthDiscriminator($0, side: 40) } == 714_049 - 960 * 512)
    // mmGAN's for four modalities: all of them twice, one map of scores each.
    #expect(count { _ = PatchGAN($0, channels: 8, outputs: 4) } == 2_794_432)
  }
}

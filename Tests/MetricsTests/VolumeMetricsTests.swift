import Files
import Imaging
import Metrics
import ScanSupport
import Testing

@Suite struct VolumeMetricsTests {
  /// torchmetrics and scikit-image in 3-D: all three windows, inside a mask, with an inferred data range.
  @Test func volumesAgreeWithTheReferences() {
    let rows = goldenRows(goldenVolumes)
    #expect(rows.count == 40)
    for (seed, values) in rows {
      let pair = GoldenVolumes(seed: seed)
      let (p, t) = (pair.prediction, pair.target)
      let full = SSIM()(p, t, pair.extent, inside: pair.mask)
      let inferred = SSIM(.full, dataRange: SSIM.dataRange(of: p, t))
      var found = [full.image, full.inside, inferred(p, t, pair.extent)]
      found += [SSIM.Variant.crop, .uniform].map { SSIM($0)(p, t, pair.extent) }
      let inside = pair.mask.contains(true)
      #expect(inside != found[1].isNaN && inside != values[1].isNaN, "seed \(seed)")
      for (a, b) in zip(found, values) where !b.isNaN { #expect(abs(a - b) < 1e-9, "seed \(seed): \(found)") }
    }
  }

  @Test func doublesAndSinglesAgreeAndAVolumeIsLikeItself() {
    let pair = GoldenVolumes(seed: 2)
    let wide = (pair.prediction.map(Double.init), pair.target.map(Double.init))
    for variant in SSIM.Variant.allCases {
      let ssim = SSIM(variant)
      #expect(ssim(pair.prediction, pair.target, pair.extent) == ssim(wide.0, wide.1, pair.extent))
      #expect(abs(ssim(pair.target, pair.target, pair.extent) - 1) < 1e-12)
    }
  }

  /// The window reaches across planes: where each plane is flat, so is the slices' map, but not the volume's.
  @Test func theWindowReachesAcrossPlanes() {
    let extent = Extent(16, 12, 13)
    let size = extent.rows * extent.columns
    let planes = (0..<extent.count).map { Float($0 / size % 2) }
    let turned = planes.map { 1 - $0 }
    #expect(SSIM()(planes, turned, extent) < -0.5)
    let slice = SSIM()(Array(planes[..<size]), Array(turned[..<size]), Extent(12, 13))
    #expect(slice > 0 && slice < 0.01)
    // An image is a volume of one plane, whose border is its own mirror.
    let pair = GoldenPair(seed: 20)
    let (p, t) = (pair.prediction.map { Float($0) }, pair.target.map { Float($0) })
    let image = SSIM()(p, t, height: pair.height, width: pair.width)
    #expect(SSIM()(p, t, Extent(1, pair.height, pair.width)) == image)
    #expect(abs(SSIM()(p + p + p, t + t + t, Extent(3, pair.height, pair.width)) - image) < 1e-12)
    #expect(SSIM(.crop)(p + p + p, t + t + t, Extent(3, pair.height, pair.width)).isNaN)
  }

  /// Sums of planes are added in order, however many threads there are.
  @Test func theSameVolumeGivesTheSameBits() {
    let pair = GoldenVolumes(seed: 20)
    let first = SSIM()(pair.prediction, pair.target, pair.extent)
    for _ in 0..<5 { #expect(SSIM()(pair.prediction, pair.target, pair.extent) == first) }
  }

  @Test func braSynAgreesWithItsParts() {
    let rows = goldenRows(goldenBraSyn)
    #expect(rows.count == 40)
    for (seed, values) in rows {
      let pair = GoldenVolumes(seed: seed)
      let found = BraSyn.values(pair.prediction, pair.target, tumour: pair.mask, pair.extent)
      // Where both volumes are 0 all over the tumour, its formula divides by 0; they are equal.
      if values[0].isNaN { #expect(found[.tumour] == 1, "seed \(seed)") }
      for (measure, value) in zip(BraSynMeasure.allCases, values) where !value.isNaN {
        #expect(abs((found[measure] ?? 2) - value) < 1e-8, "seed \(seed), \(measure)")
      }
    }
  }

  @Test func braSynScalesEachVolumeByItself() {
    let pair = GoldenVolumes(seed: 1)
    let found = BraSyn.values(
      pair.prediction.map { 37 * $0 }, pair.target.map { $0 * 512 }, tumour: pair.mask, pair.extent)
    let plain = BraSyn.values(pair.prediction, pair.target, tumour: pair.mask, pair.extent)
    for measure in BraSynMeasure.allCases {
      #expect(abs((found[measure] ?? 2) - (plain[measure] ?? 3)) < 1e-6)
    }
    // 200 voxels from -99 to 100: the lower bound is 0, not the percentile, the upper one just below 99.
    let scaled = BraSyn.scaled((-99...100).map { Float($0) })
    #expect(scaled[..<100].allSatisfy { $0 == 0 } && scaled[199] == 1)
    #expect(abs(scaled[100] - 1 / 99.005) < 1e-6)
    #expect(BraSyn.scaled([0, 0, 0]) == [0, 0, 0] && BraSyn.scaled([5, 5]) == [0, 0])
  }

  /// Near 1 by construction, as the table says: noise in a small tumour.
  @Test func braSynFlattersSmallTumours() throws {
    let extent = Extent(30, 32, 34)
    var random = SplitMix64(seed: 1)
    let images = (0..<2).map { _ in (0..<extent.count).map { _ in Float(random.uniform()) } }
    let tumour = (0..<extent.count).map { voxel in
      [voxel / (32 * 34), voxel / 34 % 32, voxel % 34].allSatisfy { (14..<18).contains($0) }
    }
    let values = BraSyn.values(images[0], images[1], tumour: tumour, extent)
    #expect(try #require(values[.tumour]) > 0.9 && (values[.whole] ?? 1) < 0.1)
    let none = BraSyn.values(images[0], images[1], tumour: tumour.map { _ in false }, extent)
    #expect(none[.tumour] == nil && none[.healthy] == none[.whole])
    let model = ModelFigures(
      name: "m",
      subjects: [SubjectFigures(subject: "a", values: values), SubjectFigures(subject: "b", values: none)])
    let table = BraSyn.table("BraSyn", comparing: [model])
    #expect(
      table.columns.map(\.heading) == ["Model", "SSIM tumour (%)", "SSIM healthy (%)", "SSIM whole (%)"])
    #expect(table.caption.contains("SSIM is 1 by construction"))
    #expect(table.caption.contains("m, SSIM tumour (%): 1 subject with no figure left out."))
    #expect(!table.caption.contains("SSIM whole (%):"))
  }

  /// Where nothing is left to compare, both are the same; and without a label map nothing is said of tumour or health.
  @Test func emptyVolumesAreEqual() {
    let extent = Extent(12, 13, 14)
    let zeros = [Float](repeating: 0, count: extent.count)
    let ramp = (0..<extent.count).map { Float($0) }
    let all = zeros.map { _ in true }
    #expect(BraSyn.values(zeros, zeros, tumour: all, extent)[.whole] == 1)
    let values = BraSyn.values(ramp, ramp.reversed(), tumour: all, extent)
    #expect(values[.healthy] == 1 && (values[.whole] ?? 1) < 1 && values[.tumour] == values[.whole])
    let unknown = BraSyn.values(ramp, ramp.reversed(), tumour: nil, extent)
    #expect(unknown[.healthy] == nil && unknown[.tumour] == nil && unknown[.whole] == values[.whole])
  }

  @Test func theStepBetweenSlicesIsMeasured() {
    let scorer = Scorer(foreground: 0.1)
    let (t, u): ([Float], [Float]) = ([0, 0.5, 0, 0.25], [0, 0.75, 0.5, 0.25])
    #expect(scorer.throughPlane(t, t, next: (u, u)) == 0)
    // A prediction that is too bright by as much in both is right about the step.
    #expect(scorer.throughPlane(t.map { $0 + 0.25 }, t, next: (u.map { $0 + 0.25 }, u)) == 0)
    // Pixel 0 is background in both; of the others the errors are 0.25, 0.5 and 0.
    #expect(scorer.throughPlane([0.9, 0.5, 0, 0.25], t, next: ([0, 0.5, 0, 0.25], u)) == 0.25)
    // Clamped first: 7 is 1, -3 is 0.
    #expect(scorer.throughPlane([0, 7, 0, 0.25], t, next: ([0, 1.25, 0.5, 0.25], u)) == 0.25 / 3)
    #expect(scorer.throughPlane([0, -3, 0, 0.25], t, next: ([0, 0.25, 0.5, 0.25], u)) == 0)
    let dark: [Float] = [0, 0.1, 0, 0]
    #expect(scorer.throughPlane([0, 0, 0, 0], dark, next: ([1, 0, 0, 0], dark)) == 0.25)
    #expect(scorer.throughPlane([.nan, .nan, 0, 0], t, next: (u, u)).isNaN)
    #expect(
      Metric.throughPlane.heading == "Through-plane error (×100)" && Metric.throughPlane.best == .smallest)
    #expect(Metric.allCases.map(\.decimals) == [2, 2, 3, 3, 3, 2, 2, 3, 2, 2, 3, 2, 2, 3])
    #expect(
      Metric.allCases.filter { $0.best == .largest }.map(\.rawValue) == [
        "psnr", "ssim", "psnr_brain", "ssim_brain", "psnr_lesion", "ssim_lesion", "dice", "over_mean",
      ])
  }
}

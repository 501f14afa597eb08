import Foundation
import Metrics
import Testing

@Suite struct ImageMetricsTests {
  private func golden(_ name: String) throws -> [Double] {
    let line = try #require(goldenVectors.split(separator: "\n").first { $0.hasPrefix(name + " |") })
    return line.split(separator: "|")[1].split(separator: " ").compactMap { Double($0) }
  }

  @Test func agreesWithTheSmoothVector() throws {
    let pair = GoldenPair(height: 32, width: 32) { i, j in
      let target = 0.5 + 0.5 * sin(0.3 * Double(i)) * cos(0.2 * Double(j))
      return (clip(target + 0.05 * cos(0.7 * Double(i) + 0.4 * Double(j))), target)
    }
    #expect(difference(pair.score(), try golden("smooth")) < 1e-9)
    #expect(
      difference(pair.score(), [0.0313886882, 29.1163037, 0.9619369400, 0.9605428313, 0.9714305949]) < 6e-8)
    let errors = PixelErrors(pair.prediction, pair.target)
    #expect(abs(errors.psnr(dataRange: errors.peak) - 29.1099752) < 6e-8)
    #expect(abs(errors.rmse * errors.rmse - errors.mse) < 1e-15)
    let energy = pair.target.reduce(0) { $0 + $1 * $1 }
    #expect(abs(errors.nmse - errors.mse * 1024 / energy) < 1e-15)
  }

  @Test func agreesWithTheReferencesOnFiveHundredPairs() {
    var worst = 0.0
    var count = 0
    for line in goldenScores.split(separator: "\n") {
      let fields = line.split(separator: " ")
      guard let seed = Int(fields[0]) else { continue }
      let apart = difference(GoldenPair(seed: seed).score(), fields.dropFirst().compactMap { Double($0) })
      #expect(apart < 1e-8, "seed \(seed)")
      worst = max(worst, apart)
      count += 1
    }
    #expect(count == 500)
    #expect(worst < 1e-8)
  }

  @Test(arguments: [
    ("zero and zero", 16, 16, 0.0, 0.0), ("zero and one", 16, 16, 0, 1), ("one and one", 11, 11, 1, 1),
    ("constants", 13, 19, 0.25, 0.75), ("nearly equal constants", 20, 11, 0.5, 0.5 + 0x1p-40),
    ("tiny", 11, 40, 0x1p-60, 0),
  ])
  func agreesWithoutContrast(name: String, height: Int, width: Int, p: Double, t: Double) throws {
    let pair = GoldenPair(height: height, width: width) { _, _ in (p, t) }
    #expect(difference(pair.score(), try golden(name)) < 1e-9)
  }

  @Test func agreesOnBoards() throws {
    let same = GoldenPair(height: 12, width: 17) { y, x in (Double((y + x) % 2), Double((y + x) % 2)) }
    let opposite = GoldenPair(height: 12, width: 17) { y, x in (Double((y + x) % 2), Double((y + x + 1) % 2))
    }
    #expect(difference(same.score(), try golden("identical boards")) < 1e-9)
    #expect(difference(opposite.score(), try golden("opposite boards")) < 1e-9)
    #expect(same.score()[1] == .infinity)
  }

  @Test func singlePrecisionPixelsAreScoredInDouble() {
    let pair = GoldenPair(seed: 2)
    let p = pair.prediction.map { Float($0) }
    let t = pair.target.map { Float($0) }
    let wide = (p.map { Double($0) }, t.map { Double($0) })
    for variant in SSIM.Variant.allCases {
      let ssim = SSIM(variant)
      #expect(
        ssim(p, t, height: pair.height, width: pair.width)
          == ssim(wide.0, wide.1, height: pair.height, width: pair.width))
    }
    #expect(PixelErrors(p, t) == PixelErrors(wide.0, wide.1))
  }

  @Test func ssimIsSymmetricAndKnowsTheDataRange() {
    let pair = GoldenPair(seed: 11)
    let (h, w) = (pair.height, pair.width)
    let score = SSIM()(pair.prediction, pair.target, height: h, width: w)
    #expect(abs(SSIM()(pair.target, pair.prediction, height: h, width: w) - score) < 1e-12)
    let bright = (pair.prediction.map { $0 * 255 }, pair.target.map { $0 * 255 })
    #expect(abs(SSIM(.full, dataRange: 255)(bright.0, bright.1, height: h, width: w) - score) < 1e-12)
    #expect(abs(SSIM()(bright.0, bright.1, height: h, width: w) - score) > 1e-3)
  }

  @Test(arguments: 1...12) func slicesSmallerThanTheWindowAreMirroredOrNotScored(side: Int) {
    let pair = GoldenPair(height: side, width: 13 - side) { y, x in
      (Double(y * 7 % 5) / 5, Double(x * 3 % 4) / 4)
    }
    let (h, w) = (pair.height, pair.width)
    let score = SSIM()(pair.prediction, pair.target, height: h, width: w)
    #expect(score.isFinite && score < 1)
    #expect(abs(SSIM()(pair.target, pair.target, height: h, width: w) - 1) < 1e-12)
    #expect(SSIM(.crop)(pair.prediction, pair.target, height: h, width: w).isNaN)
  }

  @Test func masksSelectPixels() {
    let pair = GoldenPair(seed: 20)
    let p = pair.prediction.map { Float($0) }
    let t = pair.target.map { Float($0) }
    let mask = t.indices.map { $0 % 7 < 3 || $0 > t.count - 40 }
    let kept = t.indices.filter { mask[$0] }
    let expected = PixelErrors(kept.map { p[$0] }, kept.map { t[$0] })
    let errors = PixelErrors(p, t, mask: mask)
    #expect(errors.count == kept.count)
    #expect(abs(errors.mae - expected.mae) < 1e-12 && abs(errors.mse - expected.mse) < 1e-12)
    #expect(errors.peak == expected.peak)
    #expect(PixelErrors(p, t, mask: t.map { _ in false }).mae.isNaN)

    for variant in SSIM.Variant.allCases {
      let ssim = SSIM(variant)
      let (h, w) = (pair.height, pair.width)
      let all = ssim(p, t, height: h, width: w, inside: [Bool](repeating: true, count: t.count))
      #expect(abs(all.image - all.inside) < 1e-12)
      let some = ssim(p, t, height: h, width: w, inside: mask)
      let rest = ssim(p, t, height: h, width: w, inside: mask.map { !$0 })
      #expect(some.image == all.image && some.inside != rest.inside)
      let inner = mask.indices.filter { i in
        let (y, x) = (i / w, i % w)
        return min(y, x, h - 1 - y, w - 1 - x) >= ssim.margin
      }
      let share = Double(inner.filter { mask[$0] }.count) / Double(inner.count)
      #expect(abs(some.inside * share + rest.inside * (1 - share) - all.image) < 1e-12)
    }
  }

  @Test func errorsOfSlicesAddUpToThoseOfTheVolume() {
    let pair = GoldenPair(seed: 4)
    let cut = pair.target.count / 3
    var sum = PixelErrors(Array(pair.prediction[..<cut]), Array(pair.target[..<cut]))
    sum += PixelErrors(Array(pair.prediction[cut...]), Array(pair.target[cut...]))
    let whole = PixelErrors(pair.prediction, pair.target)
    #expect(sum.count == whole.count && sum.peak == whole.peak)
    #expect(abs(sum.psnr() - whole.psnr()) < 1e-12 && abs(sum.mae - whole.mae) < 1e-15)
  }

  @Test func clampingReportsItsShareAndKeepsWhatIsNotANumber() {
    let values: [Float] = [-0.5, 0, 0.25, 1, 1.5, .infinity, .nan, -0.0]
    let (image, share) = values.withUnsafeBufferPointer { clampedToUnit($0) }
    #expect(image[0..<6] == [0, 0, 0.25, 1, 1, 1])
    #expect(image[6].isNaN && share == 3.0 / 8)
    #expect(PixelErrors(image, [Float](repeating: 0, count: 8)).mae.isNaN)
  }
}

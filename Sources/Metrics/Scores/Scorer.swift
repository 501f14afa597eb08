/// How a slice is scored: one rule for every model and baseline of a table.
///
/// The prediction is clamped to [0, 1] first; the share that was outside is kept with the scores.
public struct Scorer: Sendable, Equatable, Codable {
  public var ssim: SSIM
  /// Targets above this count as brain in the `_brain` columns; 0 suits skull-stripped images.
  public var foreground: Float

  public init(ssim: SSIM = SSIM(), foreground: Float = 0) {
    self.ssim = ssim
    self.foreground = foreground
  }

  /// Scores one slice of `height` rows of `width` pixels; both images scaled to [0, 1].
  ///
  /// - Parameter lesion: as long as the images; the `_lesion` columns appear if it holds at least one pixel.
  public func callAsFunction(
    _ prediction: UnsafeBufferPointer<Float>, _ target: UnsafeBufferPointer<Float>, height: Int, width: Int,
    lesion: [Bool]? = nil, subject: String, slice: Int
  ) -> SliceScores {
    let (clamped, share) = clampedToUnit(prediction)
    return clamped.withUnsafeBufferPointer { clamped in
      let errors = PixelErrors(clamped, target)
      var values = MetricValues()
      values[.psnr] = errors.psnr(dataRange: ssim.dataRange)
      values[.mae] = errors.mae
      values[.rmse] = errors.rmse
      values[.nmse] = errors.nmse
      let brain = target.map { $0 > foreground }
      if brain.contains(true) {
        let errors = PixelErrors(clamped, target, mask: brain)
        let similarity = ssim(clamped, target, height: height, width: width, inside: brain)
        values[.ssim] = similarity.image
        values[.psnrBrain] = errors.psnr(dataRange: ssim.dataRange)
        values[.ssimBrain] = similarity.inside
        values[.maeBrain] = errors.mae
      } else {
        values[.ssim] = ssim(clamped, target, height: height, width: width)
      }
      if let lesion, lesion.contains(true) {
        let errors = PixelErrors(clamped, target, mask: lesion)
        values[.psnrLesion] = errors.psnr(dataRange: ssim.dataRange)
        values[.ssimLesion] = ssim(clamped, target, height: height, width: width, inside: lesion).inside
        values[.maeLesion] = errors.mae
      }
      return SliceScores(
        subject: subject, slice: slice, values: values, clampedShare: share, emptyTarget: errors.peak == 0)
    }
  }

  public func callAsFunction(
    _ prediction: [Float], _ target: [Float], height: Int, width: Int, lesion: [Bool]? = nil, subject: String,
    slice: Int
  ) -> SliceScores {
    prediction.withUnsafeBufferPointer { p in
      target.withUnsafeBufferPointer { t in
        self(p, t, height: height, width: width, lesion: lesion, subject: subject, slice: slice)
      }
    }
  }

  /// The PSNR in dB of each of several images of `count` pixels that follow one another: what `callAsFunction` gives,
  /// without the rest, which costs more.
  public func psnr(_ predictions: [Float], _ targets: [Float], of count: Int) -> [Double] {
    predictions.withUnsafeBufferPointer { predictions in
      targets.withUnsafeBufferPointer { targets in
        stride(from: 0, to: predictions.count, by: count).map { start in
          let range = start..<start + count
          let (clamped, _) = clampedToUnit(UnsafeBufferPointer(rebasing: predictions[range]))
          return PixelErrors(clamped, Array(targets[range])).psnr(dataRange: ssim.dataRange)
        }
      }
    }
  }
}

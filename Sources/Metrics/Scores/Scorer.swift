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
  /// - Parameter lesion: as long as the images; the `_lesion` columns appear if it holds at least one pixel.
  public func callAsFunction(
    _ prediction: [Float], _ target: [Float], height: Int, width: Int, lesion: [Bool]? = nil, subject: String,
    slice: Int
  ) -> SliceScores {
    let (clamped, share) = prediction.withUnsafeBufferPointer(clampedToUnit)
    let errors = PixelErrors(clamped, target)
    var values = MetricValues()
    values[.psnr] = errors.psnr(dataRange: ssim.dataRange)
    values[.mae] = errors.mae
    values[.rmse] = errors.rmse
    values[.nmse] = errors.nmse
    func add(inside mask: [Bool], _ psnr: Metric, _ ssim: Metric, _ mae: Metric) {
      guard mask.contains(true) else { return }
      let errors = PixelErrors(clamped, target, mask: mask)
      let similarity = self.ssim(clamped, target, height: height, width: width, inside: mask)
      values[.ssim] = similarity.image
      values[psnr] = errors.psnr(dataRange: self.ssim.dataRange)
      values[ssim] = similarity.inside
      values[mae] = errors.mae
    }
    add(inside: target.map { $0 > foreground }, .psnrBrain, .ssimBrain, .maeBrain)
    if let lesion { add(inside: lesion, .psnrLesion, .ssimLesion, .maeLesion) }
    if values[.ssim] == nil { values[.ssim] = ssim(clamped, target, height: height, width: width) }
    return SliceScores(
      subject: subject, slice: slice, values: values, clampedShare: share, emptyTarget: errors.peak == 0)
  }

  /// The PSNR in dB of each of several images of `count` pixels that follow one another: what `callAsFunction` gives,
  /// without the rest, which costs more.
  public func psnr(_ predictions: [Float], _ targets: [Float], of count: Int) -> [Double] {
    stride(from: 0, to: predictions.count, by: count).map { start in
      let range = start..<start + count
      let (clamped, _) = predictions[range].withUnsafeBufferPointer(clampedToUnit)
      return PixelErrors(clamped, Array(targets[range])).psnr(dataRange: ssim.dataRange)
    }
  }
}

import Imaging

/// What the BraSyn challenge's protocol measures of a synthesised volume: three structural similarities.
public enum BraSynMeasure: String, Measure {
  /// Of both volumes with everything but the tumour set to 0.
  case tumour = "ssim_tumour"
  /// Of both volumes with the tumour set to 0.
  case healthy = "ssim_healthy"
  /// Of the volumes as they are.
  case whole = "ssim_whole"

  public var heading: String {
    switch self {
    case .tumour: "SSIM tumour (%)"
    case .healthy: "SSIM healthy (%)"
    case .whole: "SSIM whole (%)"
    }
  }

  public var scale: Double { 100 }
  public var decimals: Int { 2 }
  public var best: Table.Column.Best? { .largest }
}

/// The image metric of the Brain MR Image Synthesis challenge (Li et al. 2023, arXiv 2305.09011; the organisers' `ssim.py`).
///
/// Real and synthesised volume are each clipped to their own 0.5 and 99.5 percentiles, the lower of which is at least 0, and
/// scaled to [0, 1]; SSIM has a Gaussian window of 11 voxels along each axis, sigma 1.5, and a data range inferred from the
/// volumes (``SSIM/dataRange(of:_:)``). A volume without contrast becomes 0 everywhere, where the organisers' divides by 0;
/// and where both are 0 everywhere, they are equal: their SSIM is 1, where its formula divides by 0 too.
public enum BraSyn {
  /// What a reader of the figures has to know.
  public static let caution =
    "What is set to 0 is the same in both volumes, as is the air around the head; there SSIM is 1 by construction, so that "
    + "a tumour, which is a small part of a volume, has an SSIM near 100 % however it is synthesised."

  /// Scores one subject's whole volume.
  /// - Parameters:
  ///   - prediction: intensities of the synthesised volume in any unit, [plane][row][column].
  ///   - target: those of the real one.
  ///   - tumour: which voxels the label map marks; nothing has `tumour` where it marks none. Without a map there is
  ///     `whole` alone.
  public static func values(
    _ prediction: [Float], _ target: [Float], tumour: [Bool]?, _ extent: Extent
  ) -> MeasuredValues<BraSynMeasure> {
    precondition(
      extent.dimensions == 3 && (tumour?.count ?? extent.count) == extent.count,
      "a label map of \(tumour?.count ?? 0) voxels for \(extent)")
    let (p, t) = (scaled(prediction), scaled(target))
    func ssim(_ p: [Float], _ t: [Float]) -> Double {
      let range = SSIM.dataRange(of: p, t)
      return range > 0 ? SSIM(.full, dataRange: range)(p, t, extent) : 1
    }
    var values = MeasuredValues<BraSynMeasure>()
    values[.whole] = ssim(p, t)
    guard let tumour else { return values }
    func ssim(inTumour: Bool) -> Double {
      func masked(_ image: [Float]) -> [Float] { zip(image, tumour).map { $1 == inTumour ? $0 : 0 } }
      return ssim(masked(p), masked(t))
    }
    values[.tumour] = tumour.contains(true) ? ssim(inTumour: true) : nil
    values[.healthy] = ssim(inTumour: false)
    return values
  }

  /// A volume between its own percentiles, as [0, 1].
  package static func scaled(_ volume: [Float]) -> [Float] {
    guard let low = Percentile.of(volume, 0.5).map({ max(0, $0) }), let high = Percentile.of(volume, 99.5),
      high > low
    else { return volume.map { _ in 0 } }
    return volume.map { Float((min(max(Double($0), low), high) - low) / (high - low)) }
  }

  /// Models as rows; the caption says what is compared and what to think of it.
  public static func table(_ title: String, comparing models: [ModelFigures<BraSynMeasure>]) -> Table {
    return Table(
      title,
      caption:
        "Mean ± standard deviation (n − 1) over \(Table.subjects(models.map(\.subjects.count))). BraSyn protocol: each volume clipped to its own 0.5 and "
        + "99.5 percentiles and scaled to [0, 1], 3-D SSIM (Gaussian, 11 voxels along each axis) of the volumes with all "
        + "but the tumour set to 0, with the tumour set to 0, and whole. \(caution)",
      comparing: models)
  }
}

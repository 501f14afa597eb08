import Imaging

/// What a synthesis is judged by at a lesion, over a subject's volume; ``LesionScorer`` defines each.
public enum LesionMeasure: String, Measure {
  case volume = "lesion_ml"
  case mae = "mae"
  case ssim = "ssim"
  case targetContrast = "contrast_target"
  case predictedContrast = "contrast_predicted"
  case contrastRatio = "contrast_ratio"
  case enhancing = "enhancing_ml"
  case missed = "missed_ml"
  case invented = "invented_ml"

  public var heading: String {
    switch self {
    case .volume: "Lesion (ml)"
    case .mae: "MAE (×100)"
    case .ssim: "SSIM (%)"
    case .targetContrast: "Contrast, real (×100)"
    case .predictedContrast: "Contrast, synthesised (×100)"
    case .contrastRatio: "Contrast ratio"
    case .enhancing: "Bright (ml)"
    case .missed: "Missed (ml)"
    case .invented: "Invented (ml)"
    }
  }

  public var scale: Double {
    switch self {
    case .mae, .ssim, .targetContrast, .predictedContrast: 100
    case .volume, .contrastRatio, .enhancing, .missed, .invented: 1
    }
  }

  public var decimals: Int { self == .mae ? 3 : 2 }

  public var best: Table.Column.Best? {
    switch self {
    case .ssim: .largest
    case .mae, .missed, .invented: .smallest
    // The nearer to the truth the better, which is neither end.
    case .volume, .targetContrast, .predictedContrast, .contrastRatio, .enhancing: nil
    }
  }
}

/// How a synthesis is judged at a lesion: one rule for every model of a table, and the one place that defines it.
///
/// Images are scaled to [0, 1], predictions clamped to it. The **lesion** is what the label map marks. The **shell** is the
/// tissue around it: voxels within `reach` mm of the lesion, outside it, where the target is brighter than `foreground`.
///
/// - `lesion_ml`: the lesion's volume.
/// - `mae`, `ssim`: mean absolute error, and mean of the slices' SSIM maps, over the lesion's voxels.
/// - `contrast_target`, `contrast_predicted`: mean of the lesion minus mean of the shell, in the real and in the synthesised
///   image; `contrast_ratio` is the second by the first, 1 where the lesion stands out as it should.
/// - `enhancing_ml`: voxels of lesion and shell where the real image is brighter than the shell's median + `deviations` x
///   1.4826 x its median absolute deviation from that median (1.4826 makes it the standard deviation of normal numbers).
///   The threshold is the real image's for both: `missed_ml` are the voxels above it in the real image alone, `invented_ml`
///   those above it in the synthesised image alone. Where the threshold lies above 1, which no image reaches, there are none of
///   these figures: 0 would be said of a lesion that was lost too.
///
/// All within the slices that are scored: what a lesion has beyond them is not known.
///
/// Without a shell there are no contrasts and no enhancement; without a lesion there is nothing.
public struct LesionScorer: Sendable, Equatable, Codable {
  public var ssim: SSIM
  /// Targets above this count as tissue; 0 suits skull-stripped images.
  public var foreground: Float
  /// How far the shell reaches, in mm.
  public var reach: Double
  public var deviations: Double

  public init(ssim: SSIM = SSIM(), foreground: Float = 0, reach: Double = 10, deviations: Double = 3) {
    (self.ssim, self.foreground) = (ssim, foreground)
    (self.reach, self.deviations) = (reach, deviations)
  }

  /// Judges one subject's volume, or a stack of its slices that follow one another without a gap, [plane][row][column].
  /// - Returns: nothing where the lesion is empty.
  public func callAsFunction(_ prediction: [Float], _ target: [Float], lesion: [Bool], on grid: VoxelGrid)
    -> MeasuredValues<LesionMeasure>?
  {
    precondition(
      [prediction.count, target.count, lesion.count].allSatisfy { $0 == grid.extent.count },
      "images and lesion do not have \(grid.extent) voxels")
    guard let voxel = grid.voxelVolume else { preconditionFailure("a volume in ml needs planes") }
    guard let box = grid.box(of: lesion, margin: reach) else { return nil }
    let (prediction, _) = prediction.withUnsafeBufferPointer(clampedToUnit)
    var values = MeasuredValues<LesionMeasure>()
    values[.volume] = Double(lesion.count { $0 }) * voxel
    values[.mae] = PixelErrors(prediction, target, mask: lesion).mae
    values[.ssim] = similarity(prediction, target, lesion, grid.extent)

    let (p, t, inside) = (box.cut(prediction), box.cut(target), box.cut(lesion))
    let squares = DistanceTransform.squared(to: inside, on: box.grid)
    let shell = inside.indices.filter {
      !inside[$0] && squares[$0] <= reach * reach && t[$0] > foreground
    }
    let around = shell.map { t[$0] }
    guard let median = Percentile.of(around, 50),
      let deviation = Percentile.of(around.map { Float(abs(Double($0) - median)) }, 50)
    else { return values }
    let lesion = inside.indices.filter { inside[$0] }
    func contrast(_ image: [Float]) -> Double {
      func mean(_ voxels: [Int]) -> Double {
        voxels.reduce(0) { $0 + Double(image[$1]) } / Double(voxels.count)
      }
      return mean(lesion) - mean(shell)
    }
    let contrasts = (contrast(t), contrast(p))
    (values[.targetContrast], values[.predictedContrast]) = contrasts
    if contrasts.0 != 0 { values[.contrastRatio] = contrasts.1 / contrasts.0 }

    let threshold = median + deviations * 1.4826 * deviation
    guard threshold < 1 else { return values }
    func volume(where isCounted: (_ real: Bool, _ synthesised: Bool) -> Bool) -> Double {
      Double((lesion + shell).count { isCounted(Double(t[$0]) > threshold, Double(p[$0]) > threshold) })
        * voxel
    }
    values[.enhancing] = volume { real, _ in real }
    values[.missed] = volume { real, synthesised in real && !synthesised }
    values[.invented] = volume { real, synthesised in synthesised && !real }
    return values
  }

  /// The mean over the lesion's voxels of the map of the slice that each lies in.
  private func similarity(_ prediction: [Float], _ target: [Float], _ lesion: [Bool], _ extent: Extent)
    -> Double
  {
    let slice = Extent(extent.rows, extent.columns)
    let sums = Parallel.map(count: extent.planes) { plane in
      let range = plane * slice.count..<(plane + 1) * slice.count
      let mask = Array(lesion[range])
      guard mask.contains(true) else { return SSIM.Sum() }
      return ssim.sum(Array(prediction[range]), Array(target[range]), slice, inside: mask)
    }
    return sums.reduce(into: SSIM.Sum()) { $0 += $1 }.means.inside
  }

  /// Models as rows; the caption says what is measured.
  public func table(
    _ title: String, comparing models: [ModelFigures<LesionMeasure>],
    measures: [LesionMeasure] = LesionMeasure.allCases
  ) -> Table {
    return Table(
      title,
      caption:
        "Mean ± standard deviation (n − 1) over \(Table.subjects(models.map(\.subjects.count))) with a lesion. MAE and SSIM (\(ssim.variant.title)) inside "
        + "the lesion; contrast: mean of the lesion minus mean of the tissue within \(short(reach)) mm of it; bright: "
        + "brighter than that tissue's median + \(short(deviations)) × 1.4826 × median absolute deviation in the real "
        + "image, missed: above that in the real image alone, invented: in the synthesised image alone (none of the three "
        + "where that lies above 1, which no image reaches). Volumes are within the chosen slices.\(Table.cut(models.map { $0.subjects.map(\.isCut) }, "lesion"))",
      comparing: models, measures: measures)
  }
}

/// What the scores of a slice hold: a column of the tables.
public enum Metric: String, Measure {
  case psnr, ssim, mae, rmse, nmse
  /// The same where the target is brighter than the scorer's `foreground`; background is trivially right.
  case psnrBrain = "psnr_brain"
  case ssimBrain = "ssim_brain"
  case maeBrain = "mae_brain"
  /// The same inside the lesion mask, where there is one.
  case psnrLesion = "psnr_lesion"
  case ssimLesion = "ssim_lesion"
  case maeLesion = "mae_lesion"
  /// The mean over the regions of a segmentation, in validation.
  case dice
  /// How far the error is below that of an image of one intensity, the target's mean, in validation on computed heads.
  case overMean = "over_mean"
  /// The error of the step to the next slice, where that was scored too: see ``Scorer/throughPlane(_:_:next:)``.
  case throughPlane = "through_plane"

  /// The three the paper prints.
  public static let paper: [Metric] = [.psnr, .ssim, .mae]

  public var heading: String {
    if self == .throughPlane { return "Through-plane error (\(unit))" }
    if self == .overMean { return "Above a constant image (\(unit))" }
    if self == .dice { return "Dice (\(unit))" }
    let region = rawValue.dropFirst(base.rawValue.count).replacing("_", with: " ")
    return "\(base.rawValue.uppercased())\(region) (\(unit))"
  }

  /// Unit of the printed figure: SSIM in per cent, errors times 100, as in the paper.
  public var unit: String {
    switch base {
    case .psnr, .overMean: "dB"
    case .ssim, .dice: "%"
    default: "×100"
    }
  }

  public var scale: Double { unit == "dB" ? 1 : 100 }

  public var decimals: Int { isError ? 3 : 2 }

  public var best: Table.Column.Best? { isError ? .smallest : .largest }

  private var isError: Bool { [.mae, .rmse, .nmse, .throughPlane].contains(base) }

  private var base: Metric {
    switch self {
    case .psnr, .psnrBrain, .psnrLesion: .psnr
    case .ssim, .ssimBrain, .ssimLesion: .ssim
    case .mae, .maeBrain, .maeLesion: .mae
    case .rmse, .nmse, .dice, .overMean, .throughPlane: self
    }
  }
}

public typealias MetricValues = MeasuredValues<Metric>

/// What a synthesis is judged by on one person, whatever unit its intensities have; ``PersonScorer`` defines each.
public enum PersonMeasure: String, Measure {
  case brain = "db_brain"
  case psnr = "psnr_brain"
  case correlation = "r_brain"
  case fitted = "db_fitted"
  case core = "db_core"
  case coreCorrelation = "r_core"
  case sharpness = "sharpness"
  case gradientCorrelation = "r_gradient"
  case lesionError = "db_lesion"
  case lesionContrast = "lesion_contrast"
  case falseBright = "false_bright"

  public var heading: String {
    switch self {
    case .brain: "Brain (dB over mean)"
    case .psnr: "PSNR (dB)"
    case .correlation: "Correlation"
    case .fitted: "Brain, best line (dB over mean)"
    case .core: "Core (dB over mean)"
    case .coreCorrelation: "Correlation, core"
    case .sharpness: "Sharpness"
    case .gradientCorrelation: "Gradient correlation"
    case .lesionError: "Lesion (dB over brain's mean)"
    case .lesionContrast: "Lesion contrast"
    case .falseBright: "False bright (% of white matter)"
    }
  }

  public var scale: Double { self == .falseBright ? 100 : 1 }

  public var decimals: Int {
    switch self {
    case .correlation, .coreCorrelation, .gradientCorrelation: 3
    default: 2
    }
  }

  public var best: Table.Column.Best? {
    switch self {
    case .brain, .psnr, .correlation, .fitted, .core, .coreCorrelation, .gradientCorrelation, .lesionError:
      .largest
    case .falseBright: .smallest
    // The nearer to 1 the better, which is neither end.
    case .sharpness, .lesionContrast: nil
    }
  }
}

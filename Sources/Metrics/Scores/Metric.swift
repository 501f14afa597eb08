/// A column of the tables: what is measured, and how the field prints it.
public enum Metric: String, Sendable, Codable, CaseIterable, CodingKeyRepresentable {
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

  /// The three the paper prints.
  public static let paper: [Metric] = [.psnr, .ssim, .mae]

  /// Name and unit, as the head of a column.
  public var heading: String {
    let region = rawValue.dropFirst(base.rawValue.count).replacing("_", with: " ")
    return "\(base.rawValue.uppercased())\(region) (\(unit))"
  }

  /// Unit of the printed figure: SSIM in per cent, errors times 100, as in the paper.
  public var unit: String {
    switch base {
    case .psnr: "dB"
    case .ssim, .dice: "%"
    default: "×100"
    }
  }

  /// From the stored figure to the printed one.
  public var scale: Double { base == .psnr ? 1 : 100 }

  public var decimals: Int { base == .mae || base == .rmse || base == .nmse ? 3 : 2 }

  public var largerIsBetter: Bool { [.psnr, .ssim, .dice].contains(base) }

  private var base: Metric {
    switch self {
    case .psnr, .psnrBrain, .psnrLesion: .psnr
    case .ssim, .ssimBrain, .ssimLesion: .ssim
    case .mae, .maeBrain, .maeLesion: .mae
    case .rmse, .nmse, .dice: self
    }
  }
}

/// Some of the metrics with their values; the rest were not measured.
///
/// Stored as an object by metric name. JSON knows no infinity, so that is kept as the string `inf`.
public struct MetricValues: Sendable, Equatable, Codable {
  private var values: [Metric: Double] = [:]

  public init() {}

  public subscript(_ metric: Metric) -> Double? {
    get { values[metric] }
    set { values[metric] = newValue }
  }

  public init(from decoder: any Decoder) throws {
    values = try [Metric: Figure](from: decoder).mapValues(\.value)
  }

  public func encode(to encoder: any Encoder) throws {
    try values.mapValues(Figure.init).encode(to: encoder)
  }
}

/// A number as files have it: `inf`, `-inf` and `nan` are texts in JSON.
struct Figure: Codable {
  var value: Double

  init(_ value: Double) { self.value = value }

  /// Every digit, as in CSV.
  var text: String { value.isNaN ? "nan" : "\(value)" }

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    guard let text = try? container.decode(String.self) else {
      value = try container.decode(Double.self)
      return
    }
    guard ["inf", "-inf", "nan"].contains(text), let special = Double(text) else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "\(text) is neither a number nor inf, nan")
    }
    value = special
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    if value.isFinite { try container.encode(value) } else { try container.encode(text) }
  }
}

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

  /// The three the paper prints.
  public static let paper: [Metric] = [.psnr, .ssim, .mae]

  /// Name and unit, as the head of a column.
  public var heading: String {
    let name =
      switch base {
      case .psnr: "PSNR"
      case .ssim: "SSIM"
      case .mae: "MAE"
      case .rmse: "RMSE"
      default: "NMSE"
      }
    let region = rawValue.hasSuffix("_brain") ? " brain" : (rawValue.hasSuffix("_lesion") ? " lesion" : "")
    return "\(name)\(region) (\(unit))"
  }

  /// Unit of the printed figure: SSIM in per cent, errors times 100, as in the paper.
  public var unit: String {
    switch base {
    case .psnr: "dB"
    case .ssim: "%"
    default: "×100"
    }
  }

  /// From the stored figure to the printed one.
  public var scale: Double { base == .psnr ? 1 : 100 }

  public var decimals: Int { base == .mae || base == .rmse || base == .nmse ? 3 : 2 }

  public var largerIsBetter: Bool { base == .psnr || base == .ssim }

  private var base: Metric {
    switch self {
    case .psnr, .psnrBrain, .psnrLesion: .psnr
    case .ssim, .ssimBrain, .ssimLesion: .ssim
    case .mae, .maeBrain, .maeLesion: .mae
    case .rmse, .nmse: self
    }
  }
}

/// Some of the metrics with their values; the rest were not measured.
///
/// Stored as an object by metric name. JSON knows no infinity, so that is kept as the string `inf`.
public struct MetricValues: Sendable, Equatable, Codable {
  private var values = [Double?](repeating: nil, count: Metric.allCases.count)

  public init() {}

  public subscript(_ metric: Metric) -> Double? {
    get { values[metric.position] }
    set { values[metric.position] = newValue }
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    for metric in Metric.allCases {
      let key = Key(metric)
      guard container.contains(key) else { continue }
      if let text = try? container.decode(String.self, forKey: key) {
        guard let value = NonFinite(rawValue: text) else {
          throw DecodingError.dataCorruptedError(
            forKey: key, in: container,
            debugDescription: "\(metric.rawValue) is neither a number nor inf, nan")
        }
        self[metric] = value.number
      } else {
        self[metric] = try container.decode(Double.self, forKey: key)
      }
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    for metric in Metric.allCases {
      guard let value = self[metric] else { continue }
      if let special = NonFinite(value) {
        try container.encode(special.rawValue, forKey: Key(metric))
      } else {
        try container.encode(value, forKey: Key(metric))
      }
    }
  }

  private struct Key: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }
    init(_ metric: Metric) { stringValue = metric.rawValue }
    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }
}

/// How numbers that JSON and CSV do not know are written.
enum NonFinite: String {
  case infinity = "inf"
  case negativeInfinity = "-inf"
  case notANumber = "nan"

  /// Nothing for a finite number.
  init?(_ value: Double) {
    if value.isFinite { return nil }
    self = value.isNaN ? .notANumber : (value > 0 ? .infinity : .negativeInfinity)
  }

  var number: Double {
    switch self {
    case .infinity: .infinity
    case .negativeInfinity: -.infinity
    case .notANumber: .nan
    }
  }
}

extension Metric {
  fileprivate var position: Int {
    switch self {
    case .psnr: 0
    case .ssim: 1
    case .mae: 2
    case .rmse: 3
    case .nmse: 4
    case .psnrBrain: 5
    case .ssimBrain: 6
    case .maeBrain: 7
    case .psnrLesion: 8
    case .ssimLesion: 9
    case .maeLesion: 10
    }
  }
}

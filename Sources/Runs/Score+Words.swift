import Foundation
import Inference
import Metrics

extension Score {
  private var metric: Metric? { Metric(rawValue: name) }

  /// What was measured: `PSNR`.
  public var title: String {
    metric?.heading.prefix { $0 != "(" }.trimmingCharacters(in: .whitespaces) ?? name
  }

  /// The figure with its unit, as tables print it: `31.42 dB`.
  public var figure: String {
    guard let metric else { return "\(value)" }
    return String(format: "%.*f", metric.decimals, value * metric.scale) + " " + metric.unit
  }

  /// `PSNR 31.42 dB`, `7.02 dB over a constant image`
  public var words: String {
    metric == .overMean ? "\(figure) over a constant image" : "\(title) \(figure)"
  }

  /// What it is of, where others are dB over a constant image of something else.
  public var scope: String? {
    metric == .overMean ? "of slices, face and neck of whole heads included" : nil
  }
}

extension ModelCard {
  /// `aginet 0.2.0, libtorch 2.8.0`
  public var versionWords: String {
    versions.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
  }
}

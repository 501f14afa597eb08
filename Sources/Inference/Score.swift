/// How good a network is, as one figure of which larger is better.
public struct Score: Codable, Sendable, Equatable {
  /// What was measured, as a metric is called in files: `psnr`.
  public let name: String
  public let value: Double

  public init(_ name: String, _ value: Double) { (self.name, self.value) = (name, value) }

  /// The only one that version 0.1.0 knew, in dB; its files do not say the name.
  static let earlier = "psnr"

  /// What a file of version 0.1.0 holds.
  public init(earlier value: Double) { self.init(Score.earlier, value) }

  /// Whether this is the best so far. Scores of two names do not compare, and what is no number beats nothing.
  public func beats(_ best: Score?) -> Bool {
    guard let best, best.name == name else { return value > -.infinity }
    return value > best.value
  }
}

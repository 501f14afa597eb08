import Foundation

/// A figure with the limit it is to keep.
struct Goal: Sendable {
  var what: String
  /// A ratio, unless `text` says it otherwise.
  var value: Double?
  var limit: Double
  /// Value and limit in words, where they are not ratios.
  var text: (value: String, limit: String)?

  init(_ what: String, _ value: Double?, limit: Double, text: (value: String, limit: String)? = nil) {
    (self.what, self.value, self.limit, self.text) = (what, value, limit, text)
  }

  var row: [String] {
    [
      what, text?.limit ?? String(format: "<= %.2f", limit),
      value == nil ? "not measured" : text?.value ?? String(format: "%.3f", value ?? 0),
      value.map { $0 <= limit ? "yes" : "no" } ?? "",
    ]
  }
}

/// What a section of the benchmark found.
struct Section: Sendable {
  var title: String
  /// Sentences that say how it was measured.
  var method: String
  var header: [String]
  var rows: [[String]]
  var goals: [Goal] = []

  var markdown: String {
    "## \(title)\n\n\(method)\n\n" + markdownTable(header, rows)
  }
}

/// First column to the left, the others to the right; empty cells say that nothing was measured.
func markdownTable(_ header: [String], _ rows: [[String]]) -> String {
  let rule = header.indices.map { $0 == 0 ? "---" : "---:" }
  return ([header, rule] + rows).map { "| " + $0.joined(separator: " | ") + " |\n" }.joined()
}

/// The quotient of two medians, smaller being better for `ours`.
func ratio(_ ours: Timing?, _ other: Timing?) -> Double? {
  guard let ours, let other else { return nil }
  return ours.median / other.median
}

func ratioText(_ ours: Timing?, _ other: Timing?) -> String {
  ratio(ours, other).map { String(format: "%.3f", $0) } ?? ""
}

extension Double {
  /// Rounded to so many significant digits, without an exponent.
  func text(significant digits: Int) -> String {
    guard self > 0, isFinite else { return "\(self)" }
    let decimals = max(0, digits - 1 - Int(log10(self).rounded(.down)))
    return String(format: "%.\(decimals)f", self)
  }
}

extension Int {
  /// Bytes as megabytes.
  var megabytes: String { String(format: "%.0f MB", Double(self) / 1e6) }
}

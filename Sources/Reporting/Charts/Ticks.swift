import Foundation

/// Round numbers along an axis that covers some values.
package struct Ticks: Sendable, Equatable {
  /// From the first tick to the last, every step.
  package let values: [Double]
  package let step: Double

  package var lower: Double { values.first ?? 0 }
  package var upper: Double { values.last ?? 1 }

  /// About `count` steps of 1, 2 or 5 times a power of ten; one value alone gets room on both sides.
  package init(covering values: some Sequence<Double>, count: Int = 5) {
    let finite = values.filter { $0.isFinite && abs($0) < 1e100 }
    var (low, high) = (finite.min() ?? 0, finite.max() ?? 1)
    if !(high - low > 1e-9 * max(abs(low), abs(high))) {
      let room = low == 0 ? 1 : abs(low) * 0.1
      (low, high) = (low - room, high + room)
    }
    let step = Ticks.rounded((high - low) / Double(max(1, count)))
    let first = (low / step).rounded(.down)
    let last = (high / step).rounded(.up)
    self.step = step
    self.values = (0...Int(last - first)).map { (first + Double($0)) * step }
  }

  /// The smallest of 1, 2, 5 x 10^n that is no less than a positive number.
  package static func rounded(_ value: Double) -> Double {
    let power = pow(10, log10(value).rounded(.down))
    let fraction = value / power
    return (fraction <= 1 ? 1 : fraction <= 2 ? 2 : fraction <= 5 ? 5 : 10) * power
  }

  /// A tick as print: no more digits than the step needs.
  package func label(_ value: Double) -> String {
    if step >= 1 && abs(value) < 1e15 { return grouped(Int(value.rounded())) }
    let decimals = min(12, max(0, Int((-log10(step)).rounded(.up))))
    return number(value, decimals)
  }
}

/// A number with so many digits after the point, a true minus sign, and no negative zero.
package func number(_ value: Double, _ decimals: Int) -> String {
  guard value.isFinite else { return value.isNaN ? "–" : value < 0 ? "−∞" : "∞" }
  let text = String(format: "%.*f", decimals, abs(value))
  return value < 0 && text.contains { $0 != "0" && $0 != "." } ? "−" + text : text
}

/// A whole number with commas between the thousands, whatever the machine's language.
package func grouped(_ value: Int) -> String {
  (value < 0 ? "−" : "") + value.magnitude.formatted(.number.locale(Locale(identifier: "en_US")))
}

/// A coordinate in a drawing, short.
package func coordinate(_ value: Double) -> String {
  let text = String(format: "%.2f", value.isFinite ? value : 0)
  return text == "-0.00" ? "0.00" : text
}

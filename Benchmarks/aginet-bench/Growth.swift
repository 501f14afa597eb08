import Foundation

/// How a quantity grows with the work that it comes from, along one curve.
struct Growth {
  /// The work of each point, in whatever unit, and the quantity, nil where it was not measured.
  private let points: [(work: Double, value: Double?)]
  private let base: Int

  /// - Parameter base: the point to which the others are compared.
  init(_ points: [(work: Double, value: Double?)], base: Int) {
    (self.points, self.base) = (points.map { ($0.work, $0.value.flatMap { $0 > 0 ? $0 : nil }) }, base)
  }

  /// The quantity for a unit of work at each point, relative to the base's.
  var relative: [Double?] {
    let each = points.map { point in point.value.map { $0 / point.work } }
    guard let reference = each[base] else { return each.map { _ in nil } }
    return each.map { $0.map { $0 / reference } }
  }

  /// The slope of the straight line that fits the logarithms best: above 1, the quantity grows faster than its work. Nil
  /// where the work of what was measured is nearly the same everywhere.
  var exponent: Double? {
    let logarithms = points.compactMap { point in point.value.map { (x: log(point.work), y: log($0)) } }
    let xs = logarithms.map(\.x)
    let count = Double(logarithms.count)
    guard let least = xs.min(), let most = xs.max(), most - least > log(1.5) else { return nil }
    let (x, y) = (xs.reduce(0, +) / count, logarithms.map(\.y).reduce(0, +) / count)
    let products = logarithms.map { ($0.x - x) * ($0.y - y) }.reduce(0, +)
    return products / xs.map { ($0 - x) * ($0 - x) }.reduce(0, +)
  }

  /// Above which an exponent counts as growth faster than the work.
  static let limit = 1.1

  /// The exponent as a table's cell.
  var exponentText: String { exponent.map { String(format: "%.2f", $0) } ?? "" }
  /// The same of `relative`.
  var relativeTexts: [String] { relative.map { $0.map { String(format: "%.2f", $0) } ?? "" } }
}

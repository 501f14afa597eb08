/// A line chart as SVG: what was measured against the iteration.
package struct Chart: Sendable {
  package struct Point: Sendable, Equatable {
    package var x: Double
    package var y: Double

    package init(x: Double, y: Double) { (self.x, self.y) = (x, y) }
  }

  package struct Line: Sendable {
    package var name: String
    /// The colour's number; the style sheet knows eight.
    package var colour: Int
    package var points: [Point]
    /// Whether a running mean is drawn over the points' own, fainter line.
    package var smooth: Bool

    package init(_ name: String, colour: Int, _ points: [Point], smooth: Bool = false) {
      self.name = name
      self.colour = colour
      self.points = points.filter { $0.x.isFinite && $0.y.isFinite }
      self.smooth = smooth
    }
  }

  package var title: String
  /// Name and unit of each axis.
  package var horizontal: String
  package var vertical: String
  package var lines: [Line]

  package init(title: String, horizontal: String, vertical: String, lines: [Line]) {
    (self.title, self.horizontal, self.vertical, self.lines) = (title, horizontal, vertical, lines)
  }

  private static let width = 560.0
  private static let height = 300.0
  private static let margin = (left: 62.0, right: 14.0, top: 12.0, bottom: 46.0)
  /// More points than pixels cannot be seen.
  private static let mostPoints = 600

  package var html: HTML {
    let drawn = lines.map { ($0, Chart.thinned($0.points)) }
    let all = drawn.flatMap(\.1)
    let x = Ticks(covering: all.map(\.x) + (all.isEmpty ? [] : [0]), count: 6)
    let y = Ticks(covering: all.map(\.y))
    let frame = Chart.margin
    let (right, bottom) = (Chart.width - frame.right, Chart.height - frame.bottom)
    func across(_ value: Double) -> Double {
      frame.left + (value - x.lower) / (x.upper - x.lower) * (right - frame.left)
    }
    func down(_ value: Double) -> Double {
      bottom - (value - y.lower) / (y.upper - y.lower) * (bottom - frame.top)
    }
    func path(_ points: [Point]) -> String {
      points.enumerated().map { index, point in
        "\(index == 0 ? "M" : "L")\(coordinate(across(point.x))) \(coordinate(down(point.y)))"
      }.joined()
    }
    return HTML("figure", ["class": "chart"]) {
      HTML("figcaption") { title }
      HTML(
        "svg",
        ["viewBox": "0 0 \(Int(Chart.width)) \(Int(Chart.height))", "role": "img", "aria-label": summary]
      ) {
        for tick in y.values {
          Chart.line(frame.left, down(tick), right, down(tick), "grid")
          Chart.text(y.label(tick), frame.left - 7, down(tick) + 4, "tick end")
        }
        for tick in x.values {
          Chart.line(across(tick), bottom, across(tick), bottom + 4, "axis")
          Chart.text(x.label(tick), across(tick), bottom + 18, "tick middle")
        }
        Chart.line(frame.left, bottom, right, bottom, "axis")
        Chart.text(horizontal, (frame.left + right) / 2, Chart.height - 6, "label middle")
        HTML(
          "text",
          [
            "class": "label middle",
            "transform": "translate(14 \(coordinate((frame.top + bottom) / 2))) rotate(-90)",
          ]
        ) { vertical }
        if all.isEmpty {
          Chart.text("nothing was logged", (frame.left + right) / 2, (frame.top + bottom) / 2, "label middle")
        }
        for (line, points) in drawn {
          if line.smooth && points.count > 2 {
            HTML("path", ["class": "line faint c\(line.colour % 8)", "d": path(points)])
            HTML("path", ["class": "line c\(line.colour % 8)", "d": path(Chart.smoothed(points))])
          } else {
            HTML("path", ["class": "line c\(line.colour % 8)", "d": path(points)])
            if points.count <= 60 {
              for point in points {
                HTML(
                  "circle",
                  [
                    "class": "dot c\(line.colour % 8)", "cx": coordinate(across(point.x)),
                    "cy": coordinate(down(point.y)), "r": "2.6",
                  ])
              }
            }
          }
        }
      }
      if lines.count > 1 || lines.contains(where: \.smooth) {
        HTML("p", ["class": "legend"]) {
          for line in lines {
            HTML("span") {
              HTML("i", ["class": "key c\(line.colour % 8)"])
              line.name
            }
          }
        }
      }
    }
  }

  /// The chart in words, for those who do not see it.
  private var summary: String {
    let parts = lines.map { line in
      guard let first = line.points.first, let last = line.points.last else { return "\(line.name): nothing" }
      return
        "\(line.name): from \(number(first.y, 4)) at \(Int(first.x)) to \(number(last.y, 4)) at \(Int(last.x))"
    }
    return "\(title), \(vertical) against \(horizontal). " + parts.joined(separator: "; ")
  }

  /// A running mean over a thirtieth of the points, shorter at the ends so that it stays centred.
  package static func smoothed(_ points: [Point]) -> [Point] {
    let reach = max(1, points.count / 30)
    return points.indices.map { index in
      let half = min(reach, index, points.count - 1 - index)
      let window = points[index - half...index + half]
      return Point(x: points[index].x, y: window.reduce(0) { $0 + $1.y } / Double(window.count))
    }
  }

  /// Means of neighbours where there are more points than the picture can show.
  package static func thinned(_ points: [Point]) -> [Point] {
    guard points.count > mostPoints else { return points }
    return (0..<mostPoints).map { part in
      let range = points[part * points.count / mostPoints..<(part + 1) * points.count / mostPoints]
      let count = Double(range.count)
      return Point(x: range.reduce(0) { $0 + $1.x } / count, y: range.reduce(0) { $0 + $1.y } / count)
    }
  }

  package static func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ kind: String) -> HTML {
    HTML(
      "line",
      [
        "class": kind, "x1": coordinate(x1), "y1": coordinate(y1), "x2": coordinate(x2), "y2": coordinate(y2),
      ])
  }

  package static func text(_ text: String, _ x: Double, _ y: Double, _ kind: String) -> HTML {
    HTML("text", ["class": kind, "x": coordinate(x), "y": coordinate(y)]) { text }
  }
}

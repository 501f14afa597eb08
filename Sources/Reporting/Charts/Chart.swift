/// A line chart as SVG: what was measured against the iteration.
package struct Chart: Sendable {
  package typealias Point = SIMD2<Double>

  package struct Line: Sendable {
    package var name: String
    /// The colour's number; the style sheet knows eight.
    package var colour: Int
    package var points: [Point]
    /// Whether a running mean is drawn over the points' own, fainter line.
    package var smooth: Bool
    /// Whether a line runs from point to point; all are drawn where none does.
    package var isJoined: Bool

    package init(
      _ name: String, colour: Int, _ points: [Point], smooth: Bool = false, isJoined: Bool = true
    ) {
      self.name = name
      self.colour = colour
      self.points = points.filter { $0.x.isFinite && $0.y.isFinite }
      (self.smooth, self.isJoined) = (smooth, isJoined)
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
  private static let margin = (left: 62.0, right: 22.0, top: 12.0, bottom: 46.0)
  /// More points than pixels cannot be seen.
  private static let mostPoints = 600

  package var html: HTML {
    HTML("figure", ["class": "chart"]) {
      HTML("figcaption") { title }
      HTML("svg", ["viewBox": Chart.viewBox, "role": "img", "aria-label": summary]) { drawing }
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

  /// The chart as a file of its own, with its legend inside and without a style sheet around it.
  package var svg: String {
    let legend = lines.enumerated().map { index, line in
      let y = coordinate(Chart.height + 16 + 18 * Double(index))
      return HTML("text", ["class": "key c\(line.colour % 8)", "x": "72", "y": y]) { "— " + line.name }
    }
    let height = Int(Chart.height) + 18 * lines.count + 10
    let picture = HTML(
      "svg",
      [
        "xmlns": "http://www.w3.org/2000/svg", "viewBox": "0 0 \(Int(Chart.width)) \(height)",
        "width": "\(Int(Chart.width))", "height": "\(height)",
      ]
    ) {
      HTML("title") { summary }
      HTML("style") { HTML(trusted: Chart.style) }
      drawing
      legend
    }
    return picture.source + "\n"
  }

  private static let viewBox = "0 0 \(Int(width)) \(Int(height))"

  /// The page's colours on white, as plain CSS that any viewer of SVG knows.
  private static let style: StaticString = """
    text{fill:#5b6570;font:12px sans-serif} .label{font-size:13px} .middle{text-anchor:middle} .end{text-anchor:end}
    .grid{stroke:#d9dee4} .axis{stroke:#5b6570} .line{fill:none;stroke-width:2;stroke-linejoin:round}
    .faint{stroke-width:1;opacity:.28} .dot{fill:#fff;stroke-width:1.6}
    .c0{stroke:#0b5cad} .c1{stroke:#c2410c} .c2{stroke:#15803d} .c3{stroke:#7e22ce} .c4{stroke:#a16207}
    .c5{stroke:#0e7490} .c6{stroke:#be185d} .c7{stroke:#4b5563} .key{stroke:none;font-size:13px} .key.c0{fill:#0b5cad}
    .key.c1{fill:#c2410c} .key.c2{fill:#15803d} .key.c3{fill:#7e22ce} .key.c4{fill:#a16207} .key.c5{fill:#0e7490}
    .key.c6{fill:#be185d} .key.c7{fill:#4b5563}
    """

  private var drawing: HTML {
    let drawn = lines.map { ($0, $0.isJoined ? Chart.thinned($0.points) : $0.points) }
    let all = drawn.flatMap(\.1)
    let x = Ticks(covering: all.map(\.x) + (all.isEmpty ? [] : [0]), count: 6)
    let y = Ticks(covering: drawn.flatMap { Chart.shown($1, of: $0) })
    let frame = Chart.margin
    let (right, bottom) = (Chart.width - frame.right, Chart.height - frame.bottom)
    func across(_ value: Double) -> Double {
      frame.left + (value - x.lower) / (x.upper - x.lower) * (right - frame.left)
    }
    func down(_ value: Double) -> Double {
      max(frame.top, bottom - (value - y.lower) / (y.upper - y.lower) * (bottom - frame.top))
    }
    func path(_ points: [Point]) -> String {
      points.enumerated().map { index, point in
        "\(index == 0 ? "M" : "L")\(coordinate(across(point.x))) \(coordinate(down(point.y)))"
      }.joined()
    }
    return HTML {
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
      let turn = "translate(14 \(coordinate((frame.top + bottom) / 2))) rotate(-90)"
      HTML("text", ["class": "label middle", "transform": turn]) { vertical }
      if all.isEmpty {
        Chart.text("nothing was logged", (frame.left + right) / 2, (frame.top + bottom) / 2, "label middle")
      }
      for (line, points) in drawn {
        let colour = "c\(line.colour % 8)"
        let isSmoothed = line.smooth && points.count > 2
        if isSmoothed { HTML("path", ["class": "line faint \(colour)", "d": path(points)]) }
        if line.isJoined {
          HTML("path", ["class": "line \(colour)", "d": path(isSmoothed ? Chart.smoothed(points) : points)])
        }
        if !line.isJoined || !isSmoothed && points.count <= 60 {
          for point in points {
            let (x, y) = (coordinate(across(point.x)), coordinate(down(point.y)))
            HTML("circle", ["class": "dot \(colour)", "cx": x, "cy": y, "r": "2.6"])
          }
        }
      }
    }
  }

  /// The chart in words, for those who do not see it.
  private var summary: String {
    func place(_ x: Double) -> String { x == x.rounded() ? "\(Int(x))" : number(x, 2) }
    let parts = lines.map { line in
      guard let first = line.points.first, let last = line.points.last else { return "\(line.name): nothing" }
      guard line.isJoined else { return "\(line.name): \(grouped(line.points.count)) points" }
      return
        "\(line.name): from \(number(first.y, 4)) at \(place(first.x)) to \(number(last.y, 4)) at \(place(last.x))"
    }
    return "\(title), \(vertical) against \(horizontal). " + parts.joined(separator: "; ")
  }

  /// The heights that an axis covers: of a line that is smoothed all but the highest fiftieth, lest one batch, or the first ones,
  /// hide all others.
  package static func shown(_ points: [Point], of line: Line) -> [Double] {
    let heights = points.map(\.y)
    return line.smooth ? Array(heights.sorted().prefix(heights.count - heights.count / 50)) : heights
  }

  /// A running mean over a thirtieth of the points, shorter at the ends so that it stays centred.
  package static func smoothed(_ points: [Point]) -> [Point] {
    let reach = max(1, points.count / 60)
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
      return range.reduce(.zero, +) / Double(range.count)
    }
  }

  static func line(
    _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ kind: String, stroke: String? = nil
  ) -> HTML {
    HTML(
      "line",
      [
        "class": kind, "x1": coordinate(x1), "y1": coordinate(y1), "x2": coordinate(x2), "y2": coordinate(y2),
        "stroke": stroke,
      ])
  }

  static func text(_ text: String, _ x: Double, _ y: Double, _ kind: String) -> HTML {
    HTML("text", ["class": kind, "x": coordinate(x), "y": coordinate(y)]) { text }
  }
}

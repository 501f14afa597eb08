import Foundation
import Imaging

/// One picture of a montage: pixels with a sentence that says what it shows.
package struct Panel: Sendable {
  /// Intensities 0 ... 1 in grey, or errors 0 ... `scale` in colour.
  package enum Tone: Sendable, Equatable {
    case intensity
    case error(scale: Float)
  }

  let title: String
  let view: View
  private let tone: Tone
  private let description: String
  private let marks: (left: String, right: String, top: String, bottom: String)
  /// A rectangle to draw: the detail that is shown larger elsewhere, and what is shown here.
  var frame: (detail: Box, whole: Box)?
  /// Masks whose borders are drawn: those of a label map, and those that a network found.
  var outlines: [View] = [], found: [View] = []

  package init(
    _ title: String = "", view: View, tone: Tone, description: String,
    marks: (left: String, right: String, top: String, bottom: String)
  ) {
    (self.title, self.view, self.tone) = (title, view, tone)
    (self.description, self.marks) = (description, marks)
  }

  package func png() throws -> [UInt8] {
    switch tone {
    case .intensity: return try PNG.encode(gray: grey, width: view.width, height: view.height)
    case .error: return try PNG.encode(rgb: rgb, width: view.width, height: view.height)
    }
  }

  /// Red, green and blue of each pixel in turn.
  var rgb: [UInt8] {
    switch tone {
    case .intensity: grey.flatMap { [$0, $0, $0] }
    case .error(let scale): Colormap.error.rgb(view.values, over: 0...scale)
    }
  }

  private var grey: [UInt8] { view.values.map { $0 > 0 ? UInt8((min($0, 1) * 255).rounded()) : 0 } }

  func html() throws -> HTML {
    try HTML(png: png(), aspect: view.aspect, description) {
      if frame != nil || !outlines.isEmpty || !found.isEmpty { overlay }
      for (side, mark) in [
        ("left", marks.left), ("right", marks.right), ("top", marks.top), ("bottom", marks.bottom),
      ] {
        HTML("span", ["class": "mark \(side)", "aria-hidden": "true"]) { mark }
      }
    }
  }

  /// Below its title, which is quiet but in the first row; above what else is said of it.
  func cell(isFirst: Bool, @HTMLBuilder below: () -> HTML) throws -> HTML {
    try HTML("div", ["class": "cell"]) {
      HTML("p", ["class": isFirst ? "name" : "name quiet"]) { title }
      try html()
      below()
    }
  }

  private var overlay: HTML {
    HTML(
      "svg",
      [
        "class": "overlay", "viewBox": "0 0 \(view.width) \(view.height)", "preserveAspectRatio": "none",
        "aria-hidden": "true",
      ]
    ) {
      for (kind, masks) in [("lesion", outlines), ("found", found)] where !masks.isEmpty {
        HTML("path", ["class": kind, "d": masks.map(Panel.contour).joined()])
      }
      if let (detail, whole) = frame {
        let (columns, rows) = (detail.columns, detail.rows)
        let x = coordinate(Double(columns.lowerBound - whole.columns.lowerBound))
        let y = coordinate(Double(rows.lowerBound - whole.rows.lowerBound))
        let (width, height) = (coordinate(Double(columns.count)), coordinate(Double(rows.count)))
        HTML("rect", ["class": "detail", "x": x, "y": y, "width": width, "height": height])
      }
    }
  }

  /// `rgb` with the borders of the masks, as a picture without anything laid over it has them.
  var marked: [UInt8] {
    var pixels = rgb
    for (masks, colour) in [(outlines, [57, 208, 255] as [UInt8]), (found, [255, 157, 60])] {
      for mask in masks {
        func inside(_ x: Int, _ y: Int) -> Bool {
          x >= 0 && y >= 0 && x < mask.width && y < mask.height && mask.values[x + y * mask.width] > 0
        }
        for y in 0..<mask.height {
          for x in 0..<mask.width where inside(x, y) {
            let isWithin = inside(x - 1, y) && inside(x + 1, y) && inside(x, y - 1) && inside(x, y + 1)
            if !isWithin {
              pixels.replaceSubrange(3 * (x + y * mask.width)..<3 * (x + y * mask.width) + 3, with: colour)
            }
          }
        }
      }
    }
    return pixels
  }

  /// The edges between pixels above 0 and others, as an SVG path in pixels.
  package static func contour(_ mask: View) -> String {
    func inside(_ x: Int, _ y: Int) -> Bool {
      x >= 0 && y >= 0 && x < mask.width && y < mask.height && mask.values[x + y * mask.width] > 0
    }
    var path = ""
    for y in 0...mask.height {
      for x in 0...mask.width {
        if inside(x, y) != inside(x, y - 1) { path += "M\(x) \(y)h1" }
        if inside(x, y) != inside(x - 1, y) { path += "M\(x) \(y)v1" }
      }
    }
    return path
  }
}

extension HTML {
  /// A picture that lies beside the page, whose columns of one width are named above it.
  static func strip(_ names: [String], file: String, caption: String, _ description: String) -> HTML {
    montage(caption, columns: names.count, isWide: false) {
      for name in names { HTML("p", ["class": "name"]) { name } }
      HTML(
        "img",
        [
          "src": file.addingPercentEncoding(withAllowedCharacters: .urlPathAllowed), "loading": "lazy",
          "style": "grid-column:1/-1;width:100%;display:block", "alt": description,
        ])
    }
  }

  /// Pictures in columns below a caption, in a frame that scrolls sideways on a narrow screen.
  /// - Parameter isWide: whether few columns fill the page too, as large as they become.
  static func montage(
    _ caption: String, columns: Int, isWide: Bool = true, @HTMLBuilder _ rows: () throws -> HTML
  ) rethrows -> HTML {
    let style = "--columns:\(columns)" + (isWide ? "" : ";max-width:\(15 * columns)rem")
    return try HTML("figure", ["class": "montage-frame"]) {
      HTML("figcaption") { caption }
      try HTML("div", ["class": "scroll", "tabindex": "0"]) {
        try HTML("div", ["class": "montage", "style": style]) { try rows() }
      }
    }
  }
}

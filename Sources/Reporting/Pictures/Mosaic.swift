import Imaging

/// A picture in colours: red, green and blue of each pixel in turn, rows from the top.
package struct Tile: Sendable {
  package let width: Int
  package let height: Int
  package let rgb: [UInt8]
  /// Width over height as it is to be shown.
  package let aspect: Double

  package init(width: Int, height: Int, rgb: [UInt8], aspect: Double? = nil) {
    precondition(rgb.count == 3 * width * height)
    (self.width, self.height, self.rgb) = (width, height, rgb)
    self.aspect = aspect ?? Double(width) / Double(height)
  }

  init(_ panel: Panel) {
    self.init(
      width: panel.view.width, height: panel.view.height, rgb: panel.marked, aspect: panel.view.aspect)
  }

  func html(_ description: String) throws -> HTML {
    let png = try PNG.encode(rgb: rgb, width: width, height: height)
    return HTML(png: png, aspect: aspect, kind: "pixels", description) {}
  }
}

/// Pictures in rows and columns as one PNG, for a paper; a place may stay empty.
package struct Mosaic: Sendable {
  package var rows: [[Tile?]]
  /// Width of a column, in pixels.
  private let side: Int
  /// Of the black lines between.
  private static let gap = 4

  package init(_ rows: [[Tile?]], side: Int = 256) { (self.rows, self.side) = (rows, side) }

  package func png() throws -> [UInt8] {
    let gap = Mosaic.gap
    let columns = max(1, rows.map(\.count).max() ?? 1)
    // The tallest of a row gives its height.
    let heights = rows.map { row in
      row.compactMap { $0.map { max(1, Int((Double(side) / $0.aspect).rounded())) } }.max() ?? 1
    }
    let width = columns * (side + gap) - gap
    let height = max(1, heights.reduce(0, +) + gap * (rows.count - 1))
    var pixels = [UInt8](repeating: 0, count: 3 * width * height)
    var top = 0
    for (row, tall) in zip(rows, heights) {
      for (column, tile) in row.enumerated() {
        guard let tile else { continue }
        let shown = max(1, Int((Double(side) / tile.aspect).rounded()))
        for y in 0..<shown {
          for x in 0..<side {
            let source = 3 * (x * tile.width / side + y * tile.height / shown * tile.width)
            let place = 3 * ((top + y) * width + column * (side + gap) + x)
            pixels.replaceSubrange(place..<place + 3, with: tile.rgb[source..<source + 3])
          }
        }
      }
      top += tall + gap
    }
    return try PNG.encode(rgb: pixels, width: width, height: height)
  }
}

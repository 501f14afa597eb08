/// Holes of a region, plane by plane: what it encloses.
package enum PlaneHoles {
  /// Fills those of at most so many voxels.
  ///
  /// - Parameters:
  ///   - places: by voxel, columns first, then rows, then planes.
  ///   - largest: larger holes stay.
  package static func fill(_ places: inout [Bool], columns: Int, rows: Int, largest: Int) {
    let area = columns * rows
    guard area > 0, largest > 0 else { return }
    // What was looked at, in a frame of one voxel that all of the outside is joined by.
    let width = columns + 2
    var isKnown = [Bool](repeating: false, count: width * (rows + 2))
    var found: [Int] = []
    for plane in 0..<places.count / area {
      let first = plane * area
      for at in isKnown.indices { isKnown[at] = false }
      for row in 0..<rows {
        for column in 0..<columns where places[first + row * columns + column] {
          isKnown[(row + 1) * width + column + 1] = true
        }
      }
      spread(from: 0, over: &isKnown, width, into: &found)
      for start in isKnown.indices where !isKnown[start] {
        spread(from: start, over: &isKnown, width, into: &found)
        guard found.count <= largest else { continue }
        for at in found { places[first + (at / width - 1) * columns + at % width - 1] = true }
      }
    }
  }

  /// All that is joined to a place by sides, and not known yet.
  private static func spread(
    from start: Int, over isKnown: inout [Bool], _ width: Int, into found: inout [Int]
  ) {
    found.removeAll(keepingCapacity: true)
    found.append(start)
    isKnown[start] = true
    var next = 0
    while next < found.count {
      let at = found[next]
      next += 1
      let column = at % width
      func visit(_ other: Int) {
        guard isKnown.indices.contains(other), !isKnown[other] else { return }
        isKnown[other] = true
        found.append(other)
      }
      if column > 0 { visit(at - 1) }
      if column < width - 1 { visit(at + 1) }
      visit(at - width)
      visit(at + width)
    }
  }
}

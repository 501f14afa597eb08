import Imaging
import Testing

/// What a region encloses belongs to it where it is small.
@Suite struct PlaneHolesTests {
  /// Planes of rows of `#` and `.`, apart by nothing.
  private func filled(_ rows: [String], rows count: Int, largest: Int) -> [String] {
    var places = rows.flatMap { $0.map { $0 == "#" } }
    let columns = rows[0].count
    PlaneHoles.fill(&places, columns: columns, rows: count, largest: largest)
    return rows.indices.map { row in
      String(places[row * columns..<(row + 1) * columns].map { $0 ? "#" : "." })
    }
  }

  @Test func smallHolesAreFilledAndLargeOnesStay() {
    let rows = [
      "########", "#.##...#", "####...#", "########",
    ]
    let expected = ["########", "####...#", "####...#", "########"]
    #expect(filled(rows, rows: 4, largest: 5) == expected)
    #expect(filled(rows, rows: 4, largest: 6) == [String](repeating: "########", count: 4))
    #expect(filled(rows, rows: 4, largest: 0) == rows)
  }

  /// What is open to the side of the image is outside, also through a corner of the image; through corners of voxels nothing is open.
  @Test func whatIsOpenStaysOutside() {
    let rows = ["##.###", "#..###", "####.#", "#####."]
    #expect(filled(rows, rows: 4, largest: 100) == ["##.###", "#..###", "######", "#####."])
    let empty = ["...", "...", "..."]
    #expect(filled(empty, rows: 3, largest: 100) == empty)
  }

  /// A spot that is open in the plane above is a hole of its own plane all the same.
  @Test func planesStandAlone() {
    let planes = ["###", "#.#", "###", "#.#", "#.#", "###"]
    #expect(filled(planes, rows: 3, largest: 4) == ["###", "###", "###", "#.#", "#.#", "###"])
  }
}

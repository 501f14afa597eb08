import Reporting
import Testing

@Suite struct PlaneTests {
  /// 5 columns, 7 rows, 4 slices; bright where told.
  private func stack(_ column: Int, _ row: Int, _ slice: Int) -> Stack {
    var stack = Stack(
      columns: 5, rows: 7, slices: 4, spacing: [1, 2, 3], firstSlice: 60,
      values: [Float](repeating: 0, count: 140))
    stack.values[column + 5 * (row + 7 * slice)] = 1
    return stack
  }

  private let whole = Box(columns: 0..<5, rows: 0..<7, slices: 0..<4)

  /// Column and row of the only bright pixel.
  private func marker(_ view: View) -> [Int]? {
    view.values.firstIndex(of: 1).map { [$0 % view.width, $0 / view.width] }
  }

  /// Column 0 is the patient's right, row 0 anterior, the last slice superior.
  @Test func anAsymmetricMarkerLandsWhereRadiologistsLook() {
    let right = stack(0, 1, 3)
    let voxel: SIMD3<Int> = [0, 1, 3]
    // Right at the picture's left, anterior near the top.
    #expect(marker(Plane.axial.view(of: right, through: voxel, in: whole)) == [0, 1])
    #expect(Plane.axial.marks == ("R", "L", "A", "P"))
    // Right at the left, superior at the top.
    #expect(marker(Plane.coronal.view(of: right, through: voxel, in: whole)) == [0, 0])
    #expect(Plane.coronal.marks == ("R", "L", "S", "I"))
    // Anterior at the left, superior at the top.
    #expect(marker(Plane.sagittal.view(of: right, through: voxel, in: whole)) == [1, 0])
    #expect(Plane.sagittal.marks == ("A", "P", "S", "I"))
    // The lowest slice is at the bottom.
    #expect(marker(Plane.coronal.view(of: stack(4, 1, 0), through: [4, 1, 0], in: whole)) == [4, 3])
  }

  @Test func picturesHaveThePatientsProportions() {
    let empty = stack(0, 0, 0)
    #expect(Plane.axial.view(of: empty, through: .zero, in: whole).aspect == 5 / 14.0)
    #expect(Plane.coronal.view(of: empty, through: .zero, in: whole).aspect == 5 / 12.0)
    #expect(Plane.sagittal.view(of: empty, through: .zero, in: whole).aspect == 14 / 12.0)
  }

  /// The line that tells what was computed takes nothing of the image away, least of all the topmost of few thick slices.
  @Test(arguments: [4, 24, 63, 64, 65, 155, 512])
  func aLineHasRowsOfItsOwn(_ height: Int) {
    let view = View(3, height, pixel: (1, 5)) { $0 = (0..<3 * height).map { Float($0 % 200) / 255 } }
    let pictures = [true, false].map { Tile(grey: view, isMade: $0) }
    #expect(pictures[0].height == pictures[1].height && pictures[0].aspect == pictures[1].aspect)
    for (tile, colour) in zip(pictures, [[255, 157, 60], [0, 0, 0]] as [[UInt8]]) {
      let all = (0..<tile.height).map { Array(tile.rgb[9 * $0..<9 * $0 + 9]) }
      let line = all.prefix { $0 == colour + colour + colour }.count
      let count = tile.height % height
      #expect(count > 0 && Double(count) / Double(tile.height) < 1 / 40.0)
      #expect(line == count && tile.height / height == (height < 64 ? (63 + height) / height : 1))
      // Below it every row, as often as the others.
      let grey = view.values.map { UInt8(($0 * 255).rounded()) }
      let copies = (tile.height - count) / height
      let rows = (0..<height).map { row in grey[3 * row..<3 * row + 3].flatMap { [$0, $0, $0] } }
      #expect(Array(all.dropFirst(count)) == rows.flatMap { row in (0..<copies).map { _ in row } })
      // The image has the patient's proportions.
      let share = Double(tile.height - count) / Double(tile.height)
      #expect(abs(tile.aspect / share - view.aspect) < 1e-12)
    }
  }

  @Test func theBoxEnclosesWhatIsBright() {
    let box = Box(enclosing: [stack(2, 3, 1), stack(3, 3, 2)], margin: 1)
    #expect(box == Box(columns: 1..<5, rows: 2..<5, slices: 1..<3))
    var empty = stack(0, 0, 0)
    empty.values[0] = 0
    #expect(Box(enclosing: [empty]) == whole)
  }

  @Test func detailsStayInsideTheImage() {
    let detail = whole.detail(about: [4, 0, 2], side: 4, of: stack(0, 0, 0))
    #expect(detail == Box(columns: 1..<5, rows: 0..<2, slices: 2..<3))
  }

  @Test func theFocusIsTheLargestLesion() throws {
    var lesions = stack(0, 0, 0)
    for row in 3..<6 { lesions.values[3 + 5 * (row + 7 * 2)] = 1 }
    let focus = try #require(Focus(lesions: lesions))
    #expect(focus.voxel == [3, 4, 2] && focus.isLesion)
    // Voxels at the end of one row and the start of the next do not touch.
    lesions.values = lesions.values.map { _ in 0 }
    lesions.values[4] = 1
    lesions.values[5] = 1
    #expect(Focus.largestComponent(of: lesions).count == 1)
    lesions.values = lesions.values.map { _ in 0 }
    #expect(Focus(lesions: lesions) == nil)
  }

  @Test func slicesAreStackedFromTheirOwnNumbers() {
    var stack = stack(0, 0, 0)
    stack.put([Float](repeating: 0.5, count: 35), at: 62)
    #expect(stack[2, 3, 2] == 0.5 && stack[2, 3, 1] == 0)
  }

  @Test func contoursFollowPixelEdges() {
    let mask = View(3, 1, pixel: (1, 1)) { $0 = [0, 1, 0] }
    #expect(Set(Panel.contour(mask).split(separator: "M")) == ["1 0h1", "1 1h1", "1 0v1", "2 0v1"])
  }

  @Test func numbersThatAreNoneAreBlack() throws {
    let view = View(2, 1, pixel: (1, 1)) { $0 = [.nan, 2] }
    for tone in [Panel.Tone.intensity, .error(scale: 0.1)] {
      #expect(try !Panel(view: view, tone: tone, description: "", marks: Plane.axial.marks).png().isEmpty)
    }
  }
}

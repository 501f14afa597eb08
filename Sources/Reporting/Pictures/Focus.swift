/// Where a subject's planes are laid, and how much around it is shown larger.
package struct Focus: Sendable, Equatable {
  /// Column, row and slice of the stack.
  package var voxel: SIMD3<Int>
  /// Edge of the detail in mm.
  package var side: Double
  /// Whether it is a lesion, rather than the middle of the volume.
  package var isLesion: Bool

  /// The largest connected lesion of a label map, in the slice where it is widest; nothing where the map is empty.
  package init?(lesions: Stack) {
    let (columns, plane) = (lesions.columns, lesions.columns * lesions.rows)
    var areas = [Int](repeating: 0, count: lesions.slices)
    let largest = Focus.largestComponent(of: lesions)
    for index in largest { areas[index / plane] += 1 }
    guard !largest.isEmpty, let slice = areas.firstIndex(of: areas.max() ?? 0) else { return nil }
    // A lesion of several arms may cut the slice more than once; the larger cut is looked at.
    var cut = Stack(
      columns: columns, rows: lesions.rows, slices: 1, spacing: lesions.spacing,
      values: [Float](repeating: 0, count: plane))
    for index in largest where index / plane == slice { cut.values[index % plane] = 1 }
    let pixels = Focus.largestComponent(of: cut).map { SIMD2($0 % columns, $0 / columns) }
    let centre = pixels.reduce(SIMD2.zero, &+) / SIMD2(repeating: pixels.count)
    func distance(_ pixel: SIMD2<Int>) -> Int { ((pixel &- centre) &* (pixel &- centre)).wrappedSum() }
    // A lesion that is bent may not hold its own centre.
    guard let nearest = pixels.min(by: { distance($0) < distance($1) }) else { return nil }
    voxel = [nearest.x, nearest.y, slice]
    isLesion = true
    let edges = pixels.reduce(nearest, pointwiseMax) &- pixels.reduce(nearest, pointwiseMin) &+ 1
    side = min(
      90, max(44, 1.7 * max(Double(edges.x) * lesions.spacing.x, Double(edges.y) * lesions.spacing.y)))
  }

  /// The middle of what is shown; the detail is taken where the errors are largest in that slice.
  package init(middleOf box: Box) {
    voxel = box.centre
    side = 56
    isLesion = false
  }

  /// The same slice, at the middle of the square with the largest summed error.
  package func detail(errors: Stack, in box: Box) -> SIMD3<Int> {
    if isLesion { return voxel }
    let half = (
      columns: max(1, Int(side / errors.spacing.x / 4)), rows: max(1, Int(side / errors.spacing.y / 4))
    )
    var (best, place) = (-Float.infinity, voxel)
    for row in stride(from: box.rows.lowerBound, to: box.rows.upperBound, by: 2) {
      for column in stride(from: box.columns.lowerBound, to: box.columns.upperBound, by: 2) {
        var sum: Float = 0
        for y in max(0, row - half.rows)..<min(errors.rows, row + half.rows) {
          for x in max(0, column - half.columns)..<min(errors.columns, column + half.columns) {
            sum += errors[x, y, voxel.z]
          }
        }
        if sum > best { (best, place) = (sum, [column, row, voxel.z]) }
      }
    }
    return place
  }

  /// Indices of the largest set of voxels above 0 that touch by their faces; the first of equals.
  package static func largestComponent(of stack: Stack) -> [Int] {
    var free = stack.values.map { $0 > 0 }
    let (columns, plane) = (stack.columns, stack.columns * stack.rows)
    var largest: [Int] = []
    for start in free.indices where free[start] {
      var found = [start]
      free[start] = false
      var next = 0
      while next < found.count {
        let index = found[next]
        next += 1
        let (column, row) = (index % columns, index / columns % stack.rows)
        func visit(_ neighbour: Int, _ inside: Bool) {
          if inside && free[neighbour] {
            free[neighbour] = false
            found.append(neighbour)
          }
        }
        visit(index - 1, column > 0)
        visit(index + 1, column < columns - 1)
        visit(index - columns, row > 0)
        visit(index + columns, row < stack.rows - 1)
        visit(index - plane, index >= plane)
        visit(index + plane, index + plane < free.count)
      }
      if found.count > largest.count { largest = found }
    }
    return largest
  }
}

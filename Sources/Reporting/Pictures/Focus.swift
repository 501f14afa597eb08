/// Where a subject's planes are laid, and how much around it is shown larger.
package struct Focus: Sendable, Equatable {
  /// Column, row and slice of the stack.
  package var voxel: SIMD3<Int>
  /// Edge of the detail in mm.
  package var side: Double
  /// Whether it is a lesion, rather than the middle of the volume.
  package var isLesion: Bool

  /// The largest connected lesion of a label map; nothing where it is empty.
  package init?(lesions: Stack) {
    let largest = Focus.largestComponent(of: lesions)
    guard !largest.isEmpty else { return nil }
    let (columns, rows) = (lesions.columns, lesions.rows)
    let voxels = largest.map { index in
      SIMD3<Int>(index % columns, index / columns % rows, index / (columns * rows))
    }
    let count = voxels.count
    let sum = voxels.reduce(SIMD3<Int>.zero, &+)
    let centre = SIMD3<Int>(sum.x / count, sum.y / count, sum.z / count)
    func distance(_ voxel: SIMD3<Int>) -> Int {
      let d = voxel &- centre
      return d.x * d.x + d.y * d.y + d.z * d.z
    }
    // A lesion that is bent may not hold its own centre.
    guard let nearest = voxels.min(by: { distance($0) < distance($1) }) else { return nil }
    voxel = nearest
    isLesion = true
    let slice = voxels.filter { $0.z == nearest.z }
    func extent(_ values: [Int], _ spacing: Double) -> Double {
      Double((values.max() ?? 0) - (values.min() ?? 0) + 1) * spacing
    }
    let size = max(
      extent(slice.map(\.x), lesions.spacing.x), extent(slice.map(\.y), lesions.spacing.y))
    side = min(110, max(44, 1.6 * size))
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

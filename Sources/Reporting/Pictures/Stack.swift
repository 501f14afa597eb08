import Cohorts

/// One image of one subject in three dimensions, put together from its stored slices.
///
/// Columns run from the patient's right to left, rows from anterior to posterior, slices from foot to head; the first
/// stored slice is the lowest here, wherever in the patient it lies. Slices that are not stored are 0.
package struct Stack: Sendable {
  package let columns: Int
  package let rows: Int
  package let slices: Int
  /// Voxel size in mm along columns, rows and slices.
  package let spacing: SIMD3<Double>
  /// Index of the lowest slice in the subject's own grid.
  package let firstSlice: Int
  /// `values[column + columns * (row + rows * slice)]`
  package var values: [Float]

  package init(
    columns: Int, rows: Int, slices: Int, spacing: SIMD3<Double>, firstSlice: Int = 0, values: [Float]
  ) {
    precondition(values.count == columns * rows * slices)
    (self.columns, self.rows, self.slices, self.spacing) = (columns, rows, slices, spacing)
    (self.firstSlice, self.values) = (firstSlice, values)
  }

  /// An empty stack for a subject of a prepared cohort.
  package init(for subject: CohortManifest.Subject, in manifest: CohortManifest) {
    let first = subject.slices.first ?? 0
    let count = (subject.slices.last ?? first) - first + 1
    self.init(
      columns: manifest.width, rows: manifest.height, slices: count, spacing: manifest.spacing(of: subject),
      firstSlice: first,
      values: [Float](repeating: 0, count: manifest.width * manifest.height * count))
  }

  package subscript(column: Int, row: Int, slice: Int) -> Float {
    values[column + columns * (row + rows * slice)]
  }

  /// Puts an image in the place of the slice that has this index in the subject's own grid.
  package mutating func put(_ image: [Float], at slice: Int) {
    let start = (slice - firstSlice) * rows * columns
    precondition(image.count == rows * columns && start >= 0 && start < values.count)
    values.replaceSubrange(start..<start + image.count, with: image)
  }

  package func error(against other: Stack) -> Stack {
    var result = self
    result.values = zip(values, other.values).map { abs($0 - $1) }
    return result
  }
}

/// A box of voxels: what a picture shows.
package struct Box: Sendable, Equatable {
  package var columns: Range<Int>
  package var rows: Range<Int>
  package var slices: Range<Int>

  /// What encloses the voxels above `threshold` in any of the stacks, with a margin; the whole where there are none.
  package init(enclosing stacks: [Stack], above threshold: Float = 0.02, margin: Int = 5) {
    let first = stacks[0]
    var low = SIMD3<Int>(first.columns, first.rows, first.slices)
    var high = SIMD3<Int>(repeating: -1)
    for stack in stacks {
      for (index, value) in stack.values.enumerated() where value > threshold {
        let row = index / stack.columns
        let place = SIMD3(index % stack.columns, row % stack.rows, row / stack.rows)
        (low, high) = (pointwiseMin(low, place), pointwiseMax(high, place))
      }
    }
    guard high.min() >= 0 else {
      self.init(columns: 0..<first.columns, rows: 0..<first.rows, slices: 0..<first.slices)
      return
    }
    self.init(
      columns: max(0, low.x - margin)..<min(first.columns, high.x + 1 + margin),
      rows: max(0, low.y - margin)..<min(first.rows, high.y + 1 + margin), slices: low.z..<high.z + 1)
  }

  package init(columns: Range<Int>, rows: Range<Int>, slices: Range<Int>) {
    (self.columns, self.rows, self.slices) = (columns, rows, slices)
  }

  package var centre: SIMD3<Int> {
    [
      (columns.lowerBound + columns.upperBound) / 2, (rows.lowerBound + rows.upperBound) / 2,
      (slices.lowerBound + slices.upperBound) / 2,
    ]
  }

  /// A square of `side` mm in an axial slice about a voxel, moved inside this box's image where it would stick out.
  package func detail(about centre: SIMD3<Int>, side: Double, of stack: Stack) -> Box {
    func range(_ middle: Int, _ spacing: Double, _ whole: Int) -> Range<Int> {
      let length = min(whole, max(2, Int((side / spacing).rounded())))
      let start = max(0, min(whole - length, middle - length / 2))
      return start..<start + length
    }
    return Box(
      columns: range(centre.x, stack.spacing.x, stack.columns),
      rows: range(centre.y, stack.spacing.y, stack.rows), slices: centre.z..<centre.z + 1)
  }
}

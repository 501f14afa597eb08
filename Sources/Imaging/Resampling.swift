extension Volume {
  /// The volume at the voxels of another grid; 0 outside its own.
  ///
  /// Outside means more than half a voxel beyond the outermost voxel centres; within that half voxel the border's
  /// value holds. Nothing is smoothed first: going to much larger voxels, take a grid in between or accept aliasing.
  /// Grids whose axes run parallel are done one axis after another; oblique ones voxel by voxel.
  public func resampled(
    to grid: Grid, interpolation: Interpolation = .linear, threads: Int = Parallel.coreCount
  ) -> Volume {
    if self.grid == grid { return self }
    // Axes in the same order first, so that parallel grids differ by a step and an offset along each axis.
    let turned = reoriented(to: Orientation(of: grid.affine))
    let map = turned.affine.inverse * grid.affine
    if map.isDiagonal(over: grid.dimensions) {
      return turned.resampledAlongAxes(map, grid, interpolation, threads)
    }
    return turned.resampledObliquely(map, grid, interpolation, threads)
  }

  private func resampledAlongAxes(
    _ map: Affine, _ grid: Grid, _ interpolation: Interpolation, _ threads: Int
  ) -> Volume {
    let axes = (0..<3).map { axis in
      AxisWeights(
        count: grid.dimensions[axis], inputCount: dimensions[axis], step: map.rows[axis][axis],
        offset: map.rows[axis].w, interpolation)
    }
    // k and j first: their passes run along whole rows, and a field of view that shrinks leaves less for i.
    var values = axes[2].apply(voxels, inner: dimensions.x * dimensions.y, threads: threads)
    values = axes[1].apply(values, inner: dimensions.x, threads: threads)
    values = axes[0].apply(values, inner: 1, threads: threads)
    return Volume(grid: grid, voxels: values)
  }

  private func resampledObliquely(
    _ map: Affine, _ grid: Grid, _ interpolation: Interpolation, _ threads: Int
  ) -> Volume {
    let size = grid.dimensions
    let result = [Float](unsafeUninitializedCapacity: grid.voxelCount) { output, written in
      nonisolated(unsafe) let output = output
      voxels.withUnsafeBufferPointer { input in
        nonisolated(unsafe) let input = input
        Parallel.forEach(count: size.z, threads: threads) { k in
          var to = k * size.x * size.y
          for j in 0..<size.y {
            let start = map([0, Double(j), Double(k)])
            for i in 0..<size.x {
              output[to] = sample(input, start + map.column(0) * Double(i), interpolation)
              to += 1
            }
          }
        }
      }
      written = grid.voxelCount
    }
    return Volume(grid: grid, voxels: result)
  }

  /// The value at a fractional index.
  @inline(__always)
  private func sample(
    _ input: UnsafeBufferPointer<Float>, _ index: SIMD3<Double>, _ interpolation: Interpolation
  ) -> Float {
    let size = SIMD3<Double>(dimensions)
    let tolerance = 1e-6
    guard all(index .>= -0.5 - tolerance), all(index .< size - 0.5 + tolerance) else { return 0 }
    let last = dimensions &- 1
    let strides = SIMD3(1, dimensions.x, dimensions.x * dimensions.y)
    switch interpolation {
    case .nearest:
      let place = SIMD3<Int>(index.rounded(.toNearestOrAwayFromZero)).clamped(
        lowerBound: .zero, upperBound: last)
      return input[(place &* strides).wrappedSum()]
    case .linear:
      let floor = index.rounded(.down)
      let t = SIMD3<Float>(index - floor)
      let low = SIMD3<Int>(floor)
      let a = low.clamped(lowerBound: .zero, upperBound: last) &* strides
      let b = (low &+ 1).clamped(lowerBound: .zero, upperBound: last) &* strides
      func row(_ y: Int, _ z: Int) -> Float {
        input[a.x + y + z] + (input[b.x + y + z] - input[a.x + y + z]) * t.x
      }
      let near = row(a.y, a.z) + (row(b.y, a.z) - row(a.y, a.z)) * t.y
      let far = row(a.y, b.z) + (row(b.y, b.z) - row(a.y, b.z)) * t.y
      return near + (far - near) * t.z
    }
  }
}

extension Affine {
  /// Whether an index map moves each axis along itself, within a thousandth of a voxel over a whole grid.
  fileprivate func isDiagonal(over dimensions: SIMD3<Int>) -> Bool {
    (0..<3).allSatisfy { row in
      (0..<3).allSatisfy { $0 == row || abs(rows[row][$0]) * Double(dimensions[$0]) < 1e-3 }
    }
  }
}

extension Grid {
  /// So many voxels along each axis over the same field of view; as many planes as there are where none are named.
  public func resized(columns: Int, rows: Int, planes: Int? = nil) -> Grid {
    let planes = planes ?? dimensions.z
    precondition(columns > 0 && rows > 0 && planes > 0)
    let steps = SIMD3<Double>(dimensions) / SIMD3(Double(columns), Double(rows), Double(planes))
    let affine = Affine(
      columns: (0..<3).map { self.affine.column($0) * steps[$0] }, origin: self.affine((steps - 1) / 2))
    return Grid(dimensions: [columns, rows, planes], affine: affine)
  }
}

extension Volume {
  /// So many voxels along each axis over the same field of view, as many planes as there are where none are named: linear, with
  /// anti-aliasing where they are fewer.
  public func resized(
    columns: Int, rows: Int, planes: Int? = nil, threads: Int = Parallel.coreCount
  ) -> Volume {
    let sizes = SIMD3(columns, rows, planes ?? dimensions.z)
    if sizes == dimensions { return self }
    var (values, inner) = (voxels, 1)
    for axis in 0..<3 {
      let size = sizes[axis]
      if size != dimensions[axis] {
        values = AxisWeights(resizing: dimensions[axis], to: size).apply(
          values, inner: inner, threads: threads)
      }
      inner *= size
    }
    return Volume(grid: grid.resized(columns: columns, rows: rows, planes: planes), voxels: values)
  }

  /// A part of every plane.
  public func cropped(columns: Range<Int>, rows: Range<Int>) -> Volume {
    if columns == 0..<dimensions.x && rows == 0..<dimensions.y { return self }
    let affine = Affine(
      columns: (0..<3).map { self.affine.column($0) },
      origin: self.affine([Double(columns.lowerBound), Double(rows.lowerBound), 0]))
    var values: [Float] = []
    values.reserveCapacity(columns.count * rows.count * dimensions.z)
    for plane in 0..<dimensions.z {
      for row in rows {
        let start = (plane * dimensions.y + row) * dimensions.x
        values += voxels[start + columns.lowerBound..<start + columns.upperBound]
      }
    }
    return Volume(dimensions: [columns.count, rows.count, dimensions.z], affine: affine, voxels: values)
  }

  /// What `cropped` took from a volume of this grid at its place again, between zeros.
  public func uncropped(columns: Range<Int>, rows: Range<Int>, to grid: Grid) -> Volume {
    if dimensions == grid.dimensions { return Volume(grid: grid, voxels: voxels) }
    var values = [Float](repeating: 0, count: grid.voxelCount)
    var from = 0
    for plane in 0..<grid.dimensions.z {
      for row in rows {
        let start = (plane * grid.dimensions.y + row) * grid.dimensions.x + columns.lowerBound
        values.replaceSubrange(start..<start + columns.count, with: voxels[from..<from + columns.count])
        from += columns.count
      }
    }
    return Volume(grid: grid, voxels: values)
  }

  /// Slice k as an image of `dimensions.y` rows of `dimensions.x` values.
  public func slice(_ k: Int) -> [Float] {
    let area = dimensions.x * dimensions.y
    return Array(voxels[k * area..<(k + 1) * area])
  }
}

/// Images of numbers: rows from the top, `width` values each.
public enum Picture {
  /// Another size with the outer edges in place: bilinear, with anti-aliasing where it shrinks.
  public static func resized(
    _ values: [Float], width: Int, height: Int, toWidth: Int, toHeight: Int
  ) -> [Float] {
    precondition(values.count == width * height && toWidth > 0 && toHeight > 0)
    let rows = AxisWeights(resizing: width, to: toWidth).apply(values, inner: 1, threads: 1)
    return AxisWeights(resizing: height, to: toHeight).apply(rows, inner: toWidth, threads: 1)
  }
}

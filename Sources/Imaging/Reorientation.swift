extension Grid {
  /// For each axis of the same grid in another orientation: which own axis it is, and whether it is reversed.
  func axes(for target: Orientation) -> (source: SIMD3<Int>, reversed: SIMD3<Int>) {
    let own = Orientation(of: affine)
    var source = SIMD3<Int>.zero
    var reversed = SIMD3<Int>.zero
    for axis in 0..<3 {
      for candidate in 0..<3 where own.axes[candidate] == target.axes[axis] {
        source[axis] = candidate
        reversed[axis] = own.signs[candidate] == target.signs[axis] ? 0 : 1
      }
    }
    return (source, reversed)
  }

  /// The same voxels counted in another order: axes swapped and reversed, nothing moved in space.
  public func reoriented(to orientation: Orientation) -> Grid {
    let (source, reversed) = axes(for: orientation)
    var dimensions = SIMD3<Int>.zero
    var columns: [SIMD3<Double>] = []
    var origin = affine.origin
    for axis in 0..<3 {
      let from = source[axis]
      dimensions[axis] = self.dimensions[from]
      let step = affine.column(from)
      if reversed[axis] == 1 {
        columns.append(-step)
        origin += step * Double(self.dimensions[from] - 1)
      } else {
        columns.append(step)
      }
    }
    var turned = Affine(columns: columns, origin: origin)
    turned.freeTurn = affine.freeTurn
    return Grid(dimensions: dimensions, affine: turned)
  }
}

extension Volume {
  public var orientation: Orientation { Orientation(of: affine) }

  /// The same voxels in the order of another orientation; no interpolation, and turning back restores them all.
  ///
  /// An oblique grid stays oblique: its axes are only renamed.
  public func reoriented(to target: Orientation) -> Volume {
    let (source, reversed) = grid.axes(for: target)
    if source == [0, 1, 2] && reversed == .zero { return self }
    let turned = grid.reoriented(to: target)
    let ownStrides = SIMD3(1, dimensions.x, dimensions.x * dimensions.y)
    var strides = SIMD3<Int>.zero
    var start = 0
    for axis in 0..<3 {
      let stride = ownStrides[source[axis]]
      strides[axis] = reversed[axis] == 1 ? -stride : stride
      if reversed[axis] == 1 { start += stride * (dimensions[source[axis]] - 1) }
    }
    let voxels = gather(turned.dimensions, strides: strides, start: start)
    return Volume(grid: turned, voxels: voxels)
  }

  private func gather(_ size: SIMD3<Int>, strides: SIMD3<Int>, start: Int) -> [Float] {
    [Float](unsafeUninitializedCapacity: voxels.count) { output, count in
      voxels.withUnsafeBufferPointer { input in
        // Tiles keep both the read and the written lines in cache when i is not the fastest axis of the source.
        let tile = abs(strides.x) == 1 ? size.x : 16
        for k0 in stride(from: 0, to: size.z, by: tile) {
          for j in 0..<size.y {
            for i0 in stride(from: 0, to: size.x, by: tile) {
              for k in k0..<min(k0 + tile, size.z) {
                var from = start + i0 * strides.x + j * strides.y + k * strides.z
                let to = size.x * (j + size.y * k)
                for i in i0..<min(i0 + tile, size.x) {
                  output[to + i] = input[from]
                  from += strides.x
                }
              }
            }
          }
        }
      }
      count = voxels.count
    }
  }
}

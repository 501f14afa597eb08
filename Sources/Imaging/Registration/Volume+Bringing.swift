extension Volume {
  /// The same voxels where a motion puts them.
  /// - Parameter motion: from where they come to lie to where they are, in mm, as a registration finds it.
  public func moved(by motion: RigidMotion) -> Volume {
    var moved = self
    if motion != RigidMotion() { moved.affine = motion.affine.inverse * affine }
    return moved
  }

  /// The volume at the voxels of another grid, moved: linear, with the mean over the new voxels where they are larger, 0 where it
  /// shows nothing.
  /// - Parameter motion: from positions on the new grid to the volume's own, in mm.
  public func brought(
    to grid: Grid, by motion: RigidMotion = RigidMotion(), threads: Int = Parallel.coreCount
  ) -> Volume {
    let placed = moved(by: motion).reoriented(to: Orientation(of: grid.affine))
    // How many of its voxels lie in one of the new ones, along each of the new axes.
    let inverse = placed.affine.inverse
    let parts = (0..<3).map { axis in
      max(1, Int(length(inverse(grid.affine.column(axis)) - inverse.origin).rounded()))
    }
    if parts.max() == 1 { return placed.resampled(to: grid, threads: threads) }
    // Some planes at a time, so that finer voxels take little memory; the mean reaches to the planes beside them.
    let (size, step) = (grid.dimensions, 16)
    var voxels: [Float] = []
    voxels.reserveCapacity(grid.voxelCount)
    for start in stride(from: 0, to: size.z, by: step) {
      let end = min(start + step, size.z)
      let planes = max(0, start - 1)..<min(size.z, end + 1)
      let fine = grid.planes(planes).resized(
        columns: size.x * parts[0], rows: size.y * parts[1], planes: planes.count * parts[2])
      let block = placed.resampled(to: fine, threads: threads)
        .resized(columns: size.x, rows: size.y, planes: planes.count, threads: threads)
      let area = size.x * size.y
      voxels += block.voxels[(start - planes.lowerBound) * area..<(end - planes.lowerBound) * area]
    }
    return Volume(grid: grid, voxels: voxels)
  }
}

extension Grid {
  /// Some of its planes.
  fileprivate func planes(_ range: Range<Int>) -> Grid {
    let origin = affine([0, 0, Double(range.lowerBound)])
    return Grid(
      dimensions: [dimensions.x, dimensions.y, range.count],
      affine: Affine(columns: (0..<3).map { affine.column($0) }, origin: origin))
  }
}

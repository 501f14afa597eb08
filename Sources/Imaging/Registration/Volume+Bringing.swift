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
    let placed = moved(by: motion)
    // How many of its voxels lie in one of the new ones, along each of the new axes.
    let inverse = placed.affine.inverse
    let parts = (0..<3).map { axis in
      let step = grid.affine.column(axis)
      let steps = SIMD3(
        dot(SIMD3(inverse.rows[0].x, inverse.rows[0].y, inverse.rows[0].z), step),
        dot(SIMD3(inverse.rows[1].x, inverse.rows[1].y, inverse.rows[1].z), step),
        dot(SIMD3(inverse.rows[2].x, inverse.rows[2].y, inverse.rows[2].z), step))
      return max(1, Int(length(steps).rounded()))
    }
    let size = grid.dimensions
    let between = grid.resized(
      columns: size.x * parts[0], rows: size.y * parts[1], planes: size.z * parts[2])
    let fine = placed.resampled(to: between, threads: threads)
    let result = fine.resized(columns: size.x, rows: size.y, planes: size.z, threads: threads)
    return Volume(grid: grid, voxels: result.voxels)
  }
}

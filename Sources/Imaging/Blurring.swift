extension Volume {
  /// Every plane under a Gaussian.
  /// - Parameter deviation: its standard deviation in mm.
  public func blurredInPlane(by deviation: Double, threads: Int = Parallel.coreCount) -> Volume {
    precondition(deviation > 0)
    let spacing = affine.spacing
    let columns = AxisWeights(blurring: dimensions.x, deviation: deviation / spacing.x)
    let rows = AxisWeights(blurring: dimensions.y, deviation: deviation / spacing.y)
    let values = columns.apply(voxels, inner: 1, threads: threads)
    return Volume(grid: grid, voxels: rows.apply(values, inner: dimensions.x, threads: threads))
  }
}

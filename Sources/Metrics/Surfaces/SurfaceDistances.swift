import Imaging

/// How far the surfaces of two masks lie apart, in mm.
///
/// The surface is those voxels of a mask that have a neighbour outside it: of six in a volume, of four in an image; what lies
/// beyond the image is outside. Distances lead from the middle of a surface voxel to that of the nearest of the other
/// surface. These are the definitions of MONAI's `compute_hausdorff_distance` and `compute_surface_dice`
/// (`use_subvoxels=False`), which the golden values come from. Like there, distances are kept in single precision, so that
/// 10 steps of 0.1 mm do not exceed 1 mm by the rounding of 0.1.
///
/// Where both masks are empty there is nothing to measure (MONAI: not a number); where one is, the distance is infinite
/// (MONAI: infinite, and not a number for a percentile) and no part of a surface is close to the other.
public struct SurfaceDistances: Sendable, Equatable {
  /// From each surface voxel of the prediction to the reference's surface, in no particular order; infinite where that is
  /// empty.
  public let fromPrediction: [Float]
  /// The other way.
  public let fromReference: [Float]

  /// - Parameters: masks with a value for each voxel of the grid, [plane][row][column].
  public init(_ prediction: [Bool], _ reference: [Bool], on grid: VoxelGrid) {
    precondition(
      prediction.count == grid.extent.count && reference.count == grid.extent.count,
      "masks of \(prediction.count) and \(reference.count) voxels on a grid of \(grid.extent)")
    // Beyond the box of both there is no surface.
    guard let box = grid.box(of: zip(prediction, reference).map { $0 || $1 }) else {
      (fromPrediction, fromReference) = ([], [])
      return
    }
    let grid = box.grid
    let surfaces = [prediction, reference].map { Self.surface(of: box.cut($0), on: grid) }
    let distances = Parallel.map(count: 2) { (index) -> [Float] in
      let squares = DistanceTransform.squared(to: surfaces[1 - index], on: grid)
      return zip(surfaces[index], squares).compactMap { $0 ? Float($1.squareRoot()) : nil }
    }
    (fromPrediction, fromReference) = (distances[0], distances[1])
  }

  /// The larger of both directions' percentiles, by linear interpolation between the nearest ranks (as NumPy's and
  /// PyTorch's): 95 for the robust Hausdorff distance, 100 for the distance itself. nil where both masks are empty.
  public func hausdorff(percentile: Double = 95) -> Double? {
    if fromPrediction.isEmpty && fromReference.isEmpty { return nil }
    if fromPrediction.isEmpty || fromReference.isEmpty { return .infinity }
    return [fromPrediction, fromReference].compactMap { Percentile.of($0, percentile) }.max()
  }

  /// The share of both surfaces, 0 to 1, that lies within `tolerance` mm of the other: the normalised surface Dice
  /// (Nikolov et al. 2018). nil where both masks are empty.
  public func dice(tolerance: Double = 1) -> Double? {
    precondition(tolerance >= 0 && tolerance.isFinite, "a tolerance of \(tolerance) mm")
    let all = fromPrediction.count + fromReference.count
    guard all > 0 else { return nil }
    let near = [fromPrediction, fromReference].reduce(0) { $0 + $1.count { $0 <= Float(tolerance) } }
    return Double(near) / Double(all)
  }

  private static func surface(of mask: [Bool], on grid: VoxelGrid) -> [Bool] {
    var surface = [Bool](repeating: false, count: mask.count)
    for (size, stride) in zip(grid.extent.sizes, grid.strides) {
      for voxel in mask.indices where mask[voxel] && !surface[voxel] {
        let place = voxel / stride % size
        surface[voxel] =
          place == 0 || place == size - 1 || !mask[voxel - stride] || !mask[voxel + stride]
      }
    }
    return surface
  }
}

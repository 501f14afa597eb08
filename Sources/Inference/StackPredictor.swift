import Cohorts
import Failures
import Imaging
import Methods

/// Applies a network to whole subjects of a cohort, whatever it sees of them: slices, slabs or patches (`VolumePass`). For
/// networks of images on the scale of their 99.5th percentile, as a cohort has them.
public struct StackPredictor {
  private let predictor: Predictor
  private let region: Region

  /// - Parameter region: what the network sees.
  public init(_ predictor: Predictor, seeing region: Region) {
    (self.predictor, self.region) = (predictor, region)
  }

  /// Everything that the network makes, on the grid of the sources.
  /// - Parameters:
  ///   - images: by contrast, [plane][row][column] in [0, 1]; those that the predictor's scenario has for sources.
  ///   - extent: planes, rows and columns.
  ///   - planes: those that are wanted; slices that are not are left at 0.
  ///   - batchSize: slices at a time; patches go through as many at a time as have the voxels of these, one at least.
  ///   - progress: slices or patches done, of how many.
  /// - Returns: in [0, 1]; of a segmentation one map for each region, else one image.
  /// - Throws: `.inconsistent` for a source that is not there, what the predictor and `progress` throw.
  public func callAsFunction(
    _ images: [Modality: [Float]], _ extent: Extent, planes: [Int]? = nil, batchSize: Int = 4,
    progress: (Int, Int) throws -> Void = { _, _ in }
  ) throws -> [[Float]] {
    let size = SIMD3(extent.columns, extent.rows, extent.planes)
    let sources = try predictor.scenario.sources.map { modality in
      guard let voxels = images[modality] else {
        throw Failure(.inconsistent, "\(predictor.scenario): \(modality.title) is missing")
      }
      return Volume(dimensions: size, affine: .identity, voxels: voxels)
    }
    let slice = Extent(extent.rows, extent.columns)
    let seen = region.extent(ofSlices: slice)
    var pass = VolumePass(
      sources, extent: seen, depth: region.depth, channels: Array(0..<predictor.method.outputs))
    let boxes = seen.dimensions == 3 ? max(1, batchSize * slice.count / seen.count) : batchSize
    try pass.run(predictor, batchSize: boxes, planes: planes, progress: progress)
    return pass.takeOutputs().map(\.voxels)
  }
}

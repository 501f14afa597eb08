import Cohorts
import Imaging
import Methods

/// Predicts the slices of a cohort, whatever the network sees of a volume: slices as they are, the slabs around them, or
/// patches, by which whole volumes are computed. For networks of images on the scale of their 99.5th percentile, as a cohort
/// has them.
public final class SlicePredictor {
  private let predictor: Predictor
  private let cohort: PreparedCohort
  private let contents: SampleContents
  /// The volume that was computed last: slices come subject by subject.
  private var volume: (subject: String, outputs: [[Float]])?

  /// - Parameters:
  ///   - region: what the network sees.
  ///   - perturbation: of a source, as the slices themselves are translated.
  /// - Throws: what `SampleContents` throws.
  public init(
    _ predictor: Predictor, seeing region: Region, of cohort: PreparedCohort,
    perturbation: Perturbation? = nil
  ) throws {
    (self.predictor, self.cohort) = (predictor, cohort)
    contents = try SampleContents(predictor.scenario, region: region, perturbation: perturbation)
  }

  /// The target of every slice: `count x outputs x rows x columns`.
  /// - Parameters:
  ///   - slices: of the cohort, read for the predictor's scenario; patches go through as many at a time as have the voxels
  ///     of these, one at least.
  ///   - passed: passes through the network, done and in all.
  /// - Throws: what the predictor throws; `.inconsistent` where the store holds no volumes.
  public func callAsFunction(_ slices: SampleBatch, passed: (Int, Int) throws -> Void) throws -> [Float] {
    switch contents.region {
    case .slice: return try predictor(slices, passed: passed)
    case .slab:
      let slabs = try cohort.batches(of: slices.references, contents, batchSize: slices.count)[0]
      return try predictor(slabs, passed: passed)
    case .patch:
      let pixels = slices.extent.count
      return try slices.references.flatMap { slice in
        try outputs(of: slice.subject, batchSize: slices.count, passed: passed).flatMap {
          $0[slice.slice * pixels..<(slice.slice + 1) * pixels]
        }
      }
    }
  }

  /// All planes of a subject as the cohort's slices have them, one after the other.
  private func outputs(
    of id: String, batchSize: Int, passed: (Int, Int) throws -> Void
  ) throws -> [[Float]] {
    if let volume, volume.subject == id { return volume.outputs }
    volume = nil
    let stack = try cohort.stack(of: id, contents)
    let outputs = try StackPredictor(predictor, seeing: contents.region)(
      stack.images, stack.extent, batchSize: batchSize, progress: passed)
    volume = (id, outputs)
    return outputs
  }
}

import Failures
import Files
import Foundation
import Imaging
import Methods
import Torch

/// A trained method applied to one patient's volumes: the missing modality on the reference input's own grid.
public struct Synthesizer {
  /// How the result's intensities are expressed.
  public enum Intensity: String, Sendable, CaseIterable {
    /// [0, 1], as the network sees images: 1 is the 99.5th percentile of a volume.
    case unit
    /// The training cohort's scale undone: times the median intensity that stood for 1 in the target modality.
    case reference
  }

  public let card: ModelCard
  private let predictor: Predictor

  public init(_ method: any Method, card: ModelCard, device: Device) {
    self.card = card
    predictor = Predictor(method, for: card.scenario, device: device)
  }

  /// What was made, and what a careful reader wants to know of it.
  public struct Result: Sendable {
    /// On the reference's grid.
    public var volume: Volume
    /// Share of voxels that the network put below 0 or above 1 and that were brought to the border.
    public var clippedBelow: Double
    public var clippedAbove: Double
    /// Factor from [0, 1] to the volume's intensities.
    public var scale: Double
    /// Per source: the intensity that became 1 and the share of voxels above it.
    public var sources: [(modality: Modality, scale: IntensityScale)]
    /// Slices without any signal in any source, left at 0.
    public var emptySlices: Int
    /// What the user should know, one sentence each.
    public var notes: [String]
  }

  /// What synthesising from volumes of this size (columns, rows and planes in LPS order) will take at the most.
  public func estimate(of size: SIMD3<Int>, batchSize: Int = 2) throws -> Estimate {
    try predictor.estimate(of: size, by: card, batchSize: batchSize)
  }

  /// Synthesises the target modality.
  ///
  /// Volumes are brought to LPS order, scaled by their own 99.5th percentile, cut into axial slices, centred on the
  /// training slices' size where they are smaller, and put back without loss. A network of volumes sees patches that
  /// overlap by half, and their images are blended without a seam (`PatchAxis`). Slices and patches go through in batches,
  /// so memory is bounded: four bytes a voxel for each source and for two volumes more, plus one batch. That holds where
  /// the caller hands over its only reference to the volumes.
  /// - Parameters:
  ///   - volumes: one per source modality of the card, on one grid; the names are paths.
  ///   - batchSize: slices or patches at a time.
  ///   - progress: slices or patches done, of how many; where one takes several passes through the network, those. What
  ///     it throws ends the synthesis.
  /// - Throws: `.inconsistent` for a modality that is missing or not taken and where grids differ (with the mismatch in
  ///   mm), `.malformed` for volumes that cannot be scaled or that no network should see (`ScanCheck`),
  ///   `.numerical` where the network gives NaN.
  public func callAsFunction(
    _ volumes: consuming [Modality: (name: String, volume: Volume)], intensity: Intensity = .unit,
    batchSize: Int = 2, progress: (Int, Int) throws -> Void = { _, _ in }
  ) throws -> Result {
    var inputs = try PatientImages(volumes, for: card)
    volumes = [:]
    let drawn = (predictor.method.sampling?.description).map { ["drawn by \($0)"] } ?? []
    let notes = inputs.findings + drawn + inputs.voxelNotes
    var pass = VolumePass(inputs.take(), extent: card.extent, depth: card.region.depth)
    try pass.run(predictor, batchSize: batchSize, progress: progress)
    let scale = intensity == .unit ? 1 : try card.scales[card.scenario.contrast] ?? 1
    var output = pass.takeOutputs()[0]
    if scale != 1 {
      let factor = Float(scale)
      for index in output.voxels.indices { output.voxels[index] *= factor }
    }
    let total = Double(output.voxels.count)
    output = output.reoriented(to: inputs.orientation)
    return Result(
      volume: output, clippedBelow: Double(pass.below) / total, clippedAbove: Double(pass.above) / total,
      scale: scale, sources: inputs.scales, emptySlices: pass.empty, notes: notes)
  }
}

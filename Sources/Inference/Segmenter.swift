import Failures
import Imaging
import Methods
import Torch

/// A trained segmentation applied to one patient's volumes: a label map on the reference input's own grid.
public struct Segmenter {
  public let regions: [LabelRegion]
  private let pass: PatientPass
  /// Whether it is looked whether the scans show the head in one place; they need not have been registered.
  public var looksForMotion = true

  /// - Parameter regions: what the method's outputs are, in order.
  public init(_ method: any Method, regions: [LabelRegion], card: ModelCard, device: Device) {
    self.regions = regions
    pass = PatientPass(method, card: card, device: device)
  }

  public var card: ModelCard { pass.card }

  /// What was found, and what a careful reader wants to know of it.
  public struct Result: Sendable {
    /// Labels on the reference's grid, 0 where nothing was found.
    public var labels: Volume
    /// Of each region, in ml.
    public var volumes: [Double]
    /// Per source: the intensity that became 1 and the share of voxels above it.
    public var sources: [(modality: Modality, scale: IntensityScale)]
    /// Slices without any signal in any source, left at 0.
    public var emptySlices: Int
    /// What the user should know, one sentence each.
    public var notes: [String]
  }

  /// What segmenting volumes on this grid, in LPS order, will take at the most.
  public func estimate(of grid: Grid, batchSize: Int = 2) throws -> Estimate {
    try pass.estimate(
      of: grid, given: card.scenario.sources.count, made: pass.predictor.method.outputs, verifies: false,
      batchSize: batchSize)
  }

  /// Segments. Volumes go through the network as in `Synthesizer`; memory is four bytes a voxel for each source, for each
  /// region and for one volume more, plus one batch. Where much of what is marked lies in air, a note tells.
  /// - Parameters: as `Synthesizer`'s.
  /// - Throws: as `Synthesizer`.
  public func callAsFunction(
    _ volumes: consuming [Modality: (name: String, volume: Volume)], batchSize: Int = 2,
    progress: (Int, Int) throws -> Void = { _, _ in }, begins: (String) throws -> Void = { _ in }
  ) throws -> Result {
    var inputs = try PatientImages(volumes, for: card)
    volumes = [:]
    var notes = inputs.findings + inputs.voxelNotes
    if looksForMotion { notes += try inputs.displaced(begins: begins) }
    let foreground = inputs.foreground
    try begins("segmenting")
    let made = try pass.run(
      &inputs, making: Array(regions.indices), batchSize: batchSize, progress: progress)
    let maps = made.volumes
    let grid = maps[0].grid
    let labels = regions.likeliest(of: maps[0].voxels.count) { maps[$0].voxels[$1] }
    let millilitres = abs(grid.affine.determinant) / 1000
    let shown = inputs.restored(foreground)
    let marked = labels.count { $0 > 0 }
    let inAir = zip(labels, shown.voxels).count { $0 > 0 && $1 < 0.5 }
    if inAir * 10 > marked, Double(inAir) * millilitres > 1 {
      notes.append(
        "\(100 * inAir / marked) % of what is marked lies in air, where no scan shows anything: the model does not fit these scans, or "
          + "was hardly trained")
    }
    return Result(
      labels: Volume(grid: grid, voxels: labels.map(Float.init)),
      volumes: regions.map { region in
        Double(labels.count { region.labels.contains($0) }) * millilitres
      },
      sources: inputs.scales, emptySlices: made.emptySlices, notes: notes)
  }
}

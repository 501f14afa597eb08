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

  /// Synthesises the target modality.
  ///
  /// Volumes are brought to LPS order, scaled by their own 99.5th percentile, cut into axial slices, centred on the
  /// training slices' size where they are smaller, and put back without loss. A network of volumes sees patches that
  /// overlap by half, and their images are blended. Slices go through in batches, so memory is bounded: four bytes a
  /// voxel for each source and for two volumes more (three with patches), plus one batch. That holds where the caller
  /// hands over its only reference to the volumes.
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
    var inputs = try ordered(volumes)
    volumes = [:]
    let (reference, grid) = (inputs[0].name, inputs[0].volume.grid)
    for input in inputs.dropFirst() {
      if let mismatch = input.volume.grid.mismatch(with: grid) {
        throw Failure(
          .inconsistent,
          "\(input.name) and \(reference) are not on one grid: \(mismatch); register or resample first")
      }
    }

    var scales: [(modality: Modality, scale: IntensityScale)] = []
    var images: [Volume] = []
    var (checks, findings): ([ScanCheck], [ScanCheck.Finding]) = ([], [])
    for modality in card.scenario.sources {
      // Out of the list, so that a volume in LPS order is scaled in place and any other goes once it is turned.
      var (name, image) = inputs.removeFirst()
      let check = try ScanCheck(image, path: name, name: Path.name(name))
      for other in checks { findings += other.findings(with: check) }
      findings += check.findings
      checks.append(check)
      let scale = try IntensityScale(of: image.voxels, name: name)
      scales.append((modality, scale))
      image = image.reoriented(to: .lps)
      scale.normalise(inPlace: &image.voxels)
      images.append(image)
    }
    let drawn = (predictor.method.sampling?.description).map { ["drawn by \($0)"] } ?? []
    let notes = ScanCheck.lines(findings) + drawn + voxelNotes(images[0])

    var pass = VolumePass(images, extent: card.extent, depth: card.depth ?? 1)
    images = []
    try pass.run(predictor, batchSize: batchSize, progress: progress)
    let scale = intensity == .unit ? 1 : card.scales[card.scenario.target] ?? 1
    var output = pass.takeOutput()
    if scale != 1 {
      let factor = Float(scale)
      for index in output.voxels.indices { output.voxels[index] *= factor }
    }
    let total = Double(output.voxels.count)
    output = output.reoriented(to: Orientation(of: grid.affine))
    return Result(
      volume: output, clippedBelow: Double(pass.below) / total, clippedAbove: Double(pass.above) / total,
      scale: scale, sources: scales, emptySlices: pass.empty, notes: notes)
  }

  /// The inputs in the model's channel order.
  private func ordered(_ volumes: [Modality: (name: String, volume: Volume)]) throws -> [(
    name: String, volume: Volume
  )] {
    let wanted = card.scenario.sources
    let takes = "the model takes \(wanted.titles)"
    for modality in Modality.allCases where volumes[modality] != nil && !wanted.contains(modality) {
      throw Failure(.inconsistent, "\(Term.scan(modality.rawValue)): \(takes), not \(modality.title)")
    }
    return try wanted.map { modality in
      guard let input = volumes[modality] else {
        throw Failure(.inconsistent, "\(Term.scan(modality.rawValue)) is missing: \(takes)")
      }
      return input
    }
  }

  private func voxelNotes(_ image: Volume) -> [String] {
    let (spacing, trained) = (image.affine.spacing, card.spacing)
    guard trained.count == 3 else { return [] }
    let ratios = (0..<2).map { spacing[$0] / trained[$0] }
    guard ratios.contains(where: { $0 < 0.8 || $0 > 1.25 }) else { return [] }
    func mm(_ a: Double, _ b: Double) -> String { String(format: "%.2f x %.2f mm", a, b) }
    return [
      "slices have voxels of \(mm(spacing.x, spacing.y)), the model was trained at \(mm(trained[0], trained[1])); expect worse"
    ]
  }
}

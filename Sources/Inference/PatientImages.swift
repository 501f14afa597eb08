import Failures
import Files
import Foundation
import Imaging

/// A patient's volumes as a model takes them: on one grid, checked, scaled, in LPS order.
struct PatientImages {
  /// Per source: the intensity that became 1 and the share of voxels above it.
  let scales: [(modality: Modality, scale: IntensityScale)]
  /// Of the reference, the model's first source.
  let orientation: Orientation
  /// What the voxels betray, and how far they are from what the model was trained on; one sentence each.
  let findings: [String], voxelNotes: [String]
  private var images: [Volume]

  /// - Parameter volumes: one per source modality of the card; the names are paths.
  /// - Throws: `.inconsistent` for a modality that is missing or not taken and where grids differ (with the mismatch in
  ///   mm), `.malformed` for volumes that cannot be scaled or that no network should see (`ScanCheck`).
  init(_ volumes: consuming [Modality: (name: String, volume: Volume)], for card: ModelCard) throws {
    var inputs = try card.ordered(volumes)
    volumes = [:]
    let grid = inputs[0].volume.grid
    try inputs.map { (name: $0.name, grid: $0.volume.grid) }.checkAlike()
    var scales: [(modality: Modality, scale: IntensityScale)] = []
    var (checks, found): ([ScanCheck], [ScanCheck.Finding]) = ([], [])
    images = []
    for modality in card.scenario.sources {
      // Out of the list, so that a volume in LPS order is scaled in place and any other goes once it is turned.
      var (name, image) = inputs.removeFirst()
      let check = try ScanCheck(image, path: name, name: Path.name(name))
      for other in checks { found += other.findings(with: check) }
      found += check.findings
      checks.append(check)
      let scale = try IntensityScale(of: image.voxels, name: name)
      scales.append((modality, scale))
      image = image.reoriented(to: .lps)
      scale.normalise(inPlace: &image.voxels)
      images.append(image)
    }
    (self.scales, orientation) = (scales, Orientation(of: grid.affine))
    findings = ScanCheck.lines(found)
    voxelNotes = PatientImages.voxelNotes(images[0], card)
  }

  /// The volumes, whose memory is the caller's from now on.
  mutating func take() -> [Volume] {
    defer { images = [] }
    return images
  }

  private static func voxelNotes(_ image: Volume, _ card: ModelCard) -> [String] {
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

extension [(name: String, grid: Grid)] {
  /// - Throws: `.inconsistent` where the grids of volumes differ, with the mismatch in mm.
  package func checkAlike() throws {
    guard let reference = first else { return }
    for other in dropFirst() {
      guard let mismatch = other.grid.mismatch(with: reference.grid) else { continue }
      throw Failure(
        .inconsistent,
        "\(other.name) and \(reference.name) are not on one grid: \(mismatch); register or resample first")
    }
  }
}

extension ModelCard {
  /// What there is of each source, in the model's channel order.
  /// - Throws: `.inconsistent` for a modality that is missing or not taken.
  package func ordered<Input>(_ inputs: [Modality: Input]) throws -> [Input] {
    let wanted = scenario.sources
    let takes = "the model takes \(wanted.titles)"
    for modality in Modality.allCases where inputs[modality] != nil && !wanted.contains(modality) {
      throw Failure(.inconsistent, "\(Term.scan(modality.rawValue)): \(takes), not \(modality.title)")
    }
    return try wanted.map { modality in
      guard let input = inputs[modality] else {
        throw Failure(.inconsistent, "\(Term.scan(modality.rawValue)) is missing: \(takes)")
      }
      return input
    }
  }
}

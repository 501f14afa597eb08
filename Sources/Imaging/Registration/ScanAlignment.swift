import Failures
import Files
import Foundation

/// How a patient's scans come onto one grid.
public struct ScanAlignment: Sendable, Equatable {
  public enum Rule: String, Sendable, Codable {
    /// By the scanner's coordinates, as the headers have them.
    case headers
    /// By the motion of the head between the scans, which is found (`RigidRegistration`).
    case registration
  }

  /// nil where scans must lie on one grid.
  public var rule: Rule?
  /// Whose grid it is; nil for the first of the model's sources that is given.
  public var reference: Modality?

  public init(_ rule: Rule? = nil, onto reference: Modality? = nil) {
    (self.rule, self.reference) = (rule, reference)
  }

  /// What moves less than this, in mm within the head, and lies on the reference's grid already, is left as it is.
  public static let negligible = 0.5
  /// What is displaced by as much, in mm within the head, a reader is told of: of 20 people whose scans were registered with care
  /// none was by more than 0.9 mm.
  public static let noticeable = 1.5
  /// Of the reference's head as large a share must be shown by each of the others.
  public static let leastCoverage = 0.25

  /// Whose grid scans come onto, or lie on where they must lie on one.
  /// - Parameter given: in the model's order, one at the least.
  public func reference(of given: [Modality]) -> Modality {
    guard rule != nil, let reference, given.contains(reference) else { return given[0] }
    return reference
  }

  /// Brings scans onto one grid, the others one after another.
  /// - Parameters:
  ///   - volumes: with their names, which are paths.
  ///   - order: of the contrasts, all of which there are.
  ///   - begins: is told in words what begins.
  /// - Returns: where each of the others came to lie; nothing where scans must lie on one grid.
  /// - Throws: `.malformed` for a volume with voxels that are no numbers or with nothing above 0, `.inconsistent` where one shows
  ///   hardly anything of the reference's head.
  package func align(
    _ volumes: inout [Modality: (name: String, volume: Volume)], in order: [Modality],
    begins: (String) throws -> Void = { _ in }
  ) throws -> [ScanPlacement] {
    guard let rule, !order.isEmpty else { return [] }
    let modality = reference(of: order)
    guard let fixed = volumes[modality] else { return [] }
    let others = order.filter { $0 != modality }
    if rule == .headers,
      others.allSatisfy({ volumes[$0]?.volume.grid.matches(fixed.volume.grid) ?? true })
    {
      return []
    }
    let reference = try AlignmentReference(modality, fixed.volume, name: fixed.name, by: rule)
    return try others.compactMap { other in
      // Out of the list, so that the volume goes once it is on the other grid.
      guard let (name, volume) = volumes.removeValue(forKey: other) else { return nil }
      if rule == .registration { try begins("registering \(other.title)") }
      let placed = try reference.place(volume, of: other, name: name)
      volumes[other] = (name, placed.volume)
      return placed.placement
    }
  }
}

/// The scan onto whose grid others come.
package struct AlignmentReference: Sendable {
  private let modality: Modality
  package let volume: Volume
  private let name: String
  private let rule: ScanAlignment.Rule
  private let places: HeadPlaces

  /// - Parameter name: a path.
  /// - Throws: `.malformed` for a volume with voxels that are no numbers or with nothing above 0.
  package init(_ modality: Modality, _ volume: Volume, name: String, by rule: ScanAlignment.Rule) throws {
    try volume.check(name: name)
    guard let places = HeadPlaces(volume) else {
      throw Failure(.malformed, "\(name): nothing of it lies above 0, so nothing can be brought to it")
    }
    (self.modality, self.volume, self.name) = (modality, volume, name)
    (self.rule, self.places) = (rule, places)
  }

  /// A scan on the reference's grid.
  /// - Throws: `.malformed` as `init`; `.inconsistent` where it shows hardly anything of the reference's head.
  package func place(
    _ moving: Volume, of modality: Modality, name: String, threads: Int = Parallel.coreCount
  ) throws -> (volume: Volume, placement: ScanPlacement) {
    try moving.check(name: name)
    var found: RigidRegistration?
    if rule == .registration {
      do { found = try RigidRegistration(of: moving, to: volume, threads: threads) } catch {
        throw Failure(error.kind, "\(name): \(error.message)")
      }
    }
    let motion = found?.motion ?? RigidMotion()
    let coverage = found?.coverage ?? places.coverage(by: moving, moved: motion)
    guard coverage >= ScanAlignment.leastCoverage else {
      let share = ScanPlacement.percent(coverage)
      let cure =
        rule == .headers
        ? "their headers do not put them in one place (\(Term.registers) looks for it)"
        : "they cannot be registered"
      throw Failure(
        .inconsistent,
        "\(Path.name(name)) shows \(share) of the head that \(Path.name(self.name)) shows: \(cure)")
    }
    let isMoved = motion.displacement(within: RigidRegistration.radius) >= ScanAlignment.negligible
    let placement = ScanPlacement(
      modality, motion, coverage: coverage, onto: self.modality,
      isResampled: isMoved || !moving.grid.isSame(as: volume.grid))
    guard placement.isResampled else {
      // Its axes may be in another order.
      let turned = moving.reoriented(to: Orientation(of: volume.affine))
      return (Volume(grid: volume.grid, voxels: turned.voxels), placement)
    }
    return (moving.brought(to: volume.grid, by: motion, threads: threads), placement)
  }
}

/// Where a scan came to lie on another's grid.
public struct ScanPlacement: Sendable, Equatable, Codable {
  public var modality: Modality
  /// Whose grid it is.
  public var reference: Modality
  /// From positions of the reference to those in the scan: along the axis, in degrees; in mm; and about which point, in mm.
  public var rotation: SIMD3<Double>, translation: SIMD3<Double>, centre: SIMD3<Double>
  /// How far, in mm, that moves what lies within 80 mm of the point, at the most.
  public var moved: Double
  /// The share of the reference's head that the scan shows.
  public var coverage: Double
  /// Whether it was resampled; where not, it lies on the reference's grid as it is, and within half a millimetre.
  public var isResampled: Bool

  enum CodingKeys: String, CodingKey {
    case modality = "Modality"
    case reference = "Onto"
    case rotation = "RotationDegrees"
    case translation = "TranslationMillimetres"
    case centre = "CentreMillimetres"
    case moved = "MovedMillimetres"
    case coverage = "Shown"
    case isResampled = "Resampled"
  }

  init(
    _ modality: Modality, _ motion: RigidMotion, coverage: Double, onto reference: Modality, isResampled: Bool
  ) {
    (self.modality, self.reference) = (modality, reference)
    (self.coverage, self.isResampled) = (coverage, isResampled)
    rotation = motion.rotation * 180 / .pi
    (translation, centre) = (motion.translation, motion.centre)
    moved = motion.displacement(within: RigidRegistration.radius)
  }

  /// Whether it came to lie as another did, of one reference.
  func isTogether(with other: ScanPlacement) -> Bool {
    let turned = RigidRegistration.radius * length(rotation - other.rotation) * .pi / 180
    return turned + length(translation - other.translation) < ScanAlignment.noticeable
  }

  public var motion: RigidMotion {
    RigidMotion(rotation: rotation * .pi / 180, translation: translation, about: centre)
  }

  /// `FLAIR was moved by up to 3.4 mm (turned by 1.2 degrees) to where T1 is and resampled onto its grid; it shows 83 % of the head that T1 shows`
  package var note: String {
    let onto = reference.title
    var words: String
    if !isResampled {
      words = String(
        format: "\(modality.title) lies within %.1f mm of \(onto) and was left as it is", max(moved, 0.1))
    } else if moved == 0 {
      words = "\(modality.title) was resampled onto the grid of \(onto)"
    } else {
      words = String(
        format:
          "\(modality.title) was moved by up to %.1f mm (turned by %.1f degrees) to where \(onto) is, and resampled onto its grid",
        moved, motion.degrees)
    }
    if coverage < 0.98 {
      words += "; it shows \(ScanPlacement.percent(coverage)) of the head that \(onto) shows"
    }
    return words
  }

  fileprivate static func percent(_ share: Double) -> String { String(format: "%.0f %%", 100 * share) }
}

extension [ScanPlacement] {
  /// A label map on the reference's grid: it was drawn on the scan whose grid it has, and lies where that came to lie.
  /// - Parameters:
  ///   - map: on another grid than the reference's.
  ///   - scans: the grid on which a scan lay.
  /// - Throws: `.inconsistent` where it matters which scan that is, and cannot be told; what `scans` throws.
  package func bring(
    _ map: Volume, to grid: Grid, from scans: (Modality) throws -> Grid?, threads: Int = Parallel.coreCount
  ) throws -> Volume {
    let drawn = try filter { try scans($0.modality)?.isSame(as: map.grid) ?? false }
    let isMoved = (drawn.isEmpty ? self : drawn).contains { $0.moved >= ScanAlignment.noticeable }
    if isMoved, drawn.isEmpty || !drawn.allSatisfy({ $0.isTogether(with: drawn[0]) }) {
      let what =
        drawn.isEmpty
        ? "is on no scan's grid" : "is on the grid of \(drawn.map(\.modality).titles)"
      throw Failure(
        .inconsistent,
        "a label map \(what), and scans were moved differently: on which it was drawn cannot be told; choose that one's grid"
      )
    }
    return map.moved(by: drawn.first?.motion ?? RigidMotion())
      .resampled(to: grid, interpolation: .nearest, threads: threads)
  }
}

extension Grid {
  /// Whether its voxels lie where another's do, in whatever order of axes.
  package func isSame(as other: Grid) -> Bool {
    reoriented(to: .lps).matches(other.reoriented(to: .lps))
  }
}

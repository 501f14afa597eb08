import Failures
import Foundation
import Imaging

/// Subjects computed from an anatomical atlas and the physics of magnetic resonance: every test and the demonstration
/// run on them, and what they hide (the true shift, lesion, noise) is known.
///
/// Heads are without skull and scalp because the atlas is: as in registered and stripped scans, voxels outside one mask
/// of the brain, the T1 scan's, are 0 in all of them.
public struct Phantom: Sendable {
  public let options: PhantomOptions
  let atlas: Atlas

  /// Reads the atlas that set-up puts into a folder. Throws `.usage` for options out of range, `.notFound` for a
  /// missing atlas, `.malformed` for a damaged one.
  public init(atlas folder: String, options: PhantomOptions = PhantomOptions()) throws {
    // Before the atlas, which takes a while to read.
    try options.validate()
    try self.init(atlas: Atlas(folder: folder), options: options)
  }

  /// From an atlas of one's own.
  package init(atlas: Atlas, options: PhantomOptions) throws {
    try options.validate()
    (self.atlas, self.options) = (atlas, options)
  }

  /// The grid of every scan: 192 x 224 x 160 mm about the brain in RAS order; 96 x 112 x 80 voxels of 2 mm.
  public var grid: Grid {
    let edge = options.voxelSize
    let low = SIMD3<Double>(-96, -130, -74)
    let size = SIMD3<Double>(192, 224, 160)
    let counts = (size / edge).rounded(.up)
    return Grid(
      dimensions: SIMD3<Int>(Int(counts.x), Int(counts.y), Int(counts.z)),
      affine: Affine(spacing: SIMD3<Double>(repeating: edge), origin: low + edge / 2))
  }

  /// One subject, 0 ..< `options.subjects`. It does not depend on the others, nor on the number of threads.
  public func subject(_ index: Int, threads: Int = Parallel.coreCount) -> PhantomSubject {
    precondition(index >= 0 && index < options.subjects)
    let grid = grid
    let person = Person(index, of: options, atlas: atlas)
    let scanner = Scanner(person: person, atlas: atlas, grid: grid, options: options, subject: index)
    let kind = options.lesion(of: index)
    var mask: [Bool]?
    var labels: Volume?
    let scans = Modality.allCases.enumerated().map { number, modality in
      let made = scanner.scan(modality, stripped: mask, threads: threads)
      if modality == .t1 {
        mask = made.mask
        labels = kind == .none ? nil : made.labels
      }
      return PhantomSubject.Scan(modality: modality, volume: made.scan, shift: person.shifts[number])
    }
    // As many digits as the cohort needs, at least three.
    let width = max(3, String(options.subjects).count)
    return PhantomSubject(
      id: "sub-" + String(format: "%0\(width)ld", index + 1), fieldStrength: person.fieldStrength,
      lesion: kind, scans: scans, labels: labels)
  }
}

/// One computed subject.
public struct PhantomSubject: Sendable {
  public struct Scan: Sendable {
    public let modality: Modality
    /// Whole numbers from 0, 0 outside the brain.
    public let volume: Volume
    /// How far the anatomy is displaced in this scan against the T1 scan, in mm (right, anterior, superior).
    public let shift: SIMD3<Double>
  }

  /// `sub-001`, …
  public let id: String
  /// In tesla.
  public let fieldStrength: Double
  public let lesion: LesionKind
  /// In the order of `Modality`.
  public let scans: [Scan]
  /// Labels on the T1 scan's anatomy (see `LesionKind`): of a tumour 1 core, 2 oedema, 3 enhancing; of plaques 1.
  public let labels: Volume?
}

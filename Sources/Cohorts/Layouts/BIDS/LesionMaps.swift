import Files
import Imaging

/// A subject's label maps, told apart by the one rule of what is a map of lesions.
///
/// Names decide first: what is named as lesions is taken whatever it marks, what is named as tissue or a parcellation is
/// not. A map whose name leaves it open is one of lesions only where nothing is named so, and where it marks `largest` at
/// most: as much as a brain has is marked by a parcellation or a mask of the brain.
public struct LesionMaps: Sendable, Equatable {
  /// Those that may be the lesions', in order; of them the first is that is `areNamed` or no brain.
  public internal(set) var candidates: [String] = []
  /// Whether they are of lesions whatever they mark: by their names, by their layout, or because they were asked for.
  public internal(set) var areNamed = true
  /// All others.
  public internal(set) var others: [String] = []

  /// ml that a map of lesions marks at most, where its name leaves open what it is of: a quarter of a litre.
  public static let largest = 250.0

  /// Of a layout that says so.
  init(_ candidates: [String] = []) { self.candidates = candidates }

  /// Of BIDS derivatives. What is asked for by name is meant, whatever it is.
  init(_ found: [LabelMapFile], picks: [ScanPick]) {
    let rules = picks.filter(\.concernsLabels)
    let left = found.filter { file in rules.allSatisfy { $0.fits(file.name) } }
    let named = left.filter { $0.kind == .lesions }
    let taken = !named.isEmpty ? named : rules.isEmpty ? left.filter { $0.kind == .open } : left
    candidates = taken.map(\.path)
    areNamed = !named.isEmpty || !rules.isEmpty
    others = found.map(\.path).filter { !candidates.contains($0) }
  }

  /// The lesions' map, and where it lies; nil where there is none. No more maps are read than must be.
  /// - Parameter brain: takes those that were read and mark as much as a brain has.
  public func chosen(
    _ read: (String) throws -> Volume, brain: (String, Volume) -> Void = { _, _ in }
  ) rethrows -> (path: String, volume: Volume)? {
    for path in candidates {
      let volume = try read(path)
      if areNamed || !Self.marksBrain(volume) { return (path, volume) }
      brain(path, volume)
    }
    return nil
  }

  /// Whether as much is marked as a brain has.
  public static func marksBrain(_ volume: Volume) -> Bool {
    marksBrain(volume.voxels.count { $0 > 0 }, spacing: volume.affine.spacing)
  }

  /// - Parameter spacing: of voxels, in mm.
  static func marksBrain(_ voxels: Int, spacing: SIMD3<Double>) -> Bool {
    Double(voxels) * spacing.x * spacing.y * spacing.z > 1000 * largest
  }
}

/// A label map in a BIDS folder of derivatives: `derivatives/<pipeline>/sub-01/[ses-02/]anat/sub-01_label-lesion_mask.nii.gz`.
struct LabelMapFile: Sendable {
  /// What it is of as far as its name says.
  enum Kind { case lesions, others, open }

  let path: String
  let name: ScanName
  let kind: Kind
  /// What is alike in all subjects: `<pipeline>/**/*_label-lesion_mask.nii.gz`.
  let pattern: String

  /// In names of lesions.
  private static let words = ["lesion", "tumor", "tumour", "wmh"]
  /// BIDS's labels of tissues.
  private static let tissues: Set<String> = [
    "bg", "gm", "wm", "csf", "b", "st", "nonb", "cgm", "sgm", "bs", "cbm",
  ]
  /// What common programs call their maps of tissues and other parts.
  private static let parts: Set<String> = [
    "brain", "brainmask", "head", "skull", "scalp", "gm", "wm", "csf", "tissue", "tissues", "ribbon",
    "cortex", "aseg",
    "aparc", "aparcaseg", "wmparc", "synthseg",
  ]

  init(_ path: String, patient: String, session: String?) {
    self.path = path
    let stem = Path.name(path).scanStem ?? Path.name(path)
    name = (try? ScanName(stem, person: patient, session: session)) ?? ScanName(words: stem[...])
    let folders = path.split(separator: "/").dropLast()
    let pipeline = folders.lastIndex { $0 == patient }.flatMap { $0 > 0 ? folders[$0 - 1] : nil } ?? ""
    kind = Self.kind(of: name, in: String(pipeline))
    var rest = Path.name(path)
    for label in [patient, session].compactMap({ $0 }) where rest.hasPrefix(label + "_") {
      rest = String(rest.dropFirst(label.count + 1))
    }
    pattern = "\(pipeline)/**/*\(rest == Path.name(path) ? "" : "_")\(rest)"
  }

  /// - Parameter subject: `sub-01_ses-02`, or `sub-01` as its patient.
  init(_ path: String, of subject: String, patient: String) {
    let session = subject == patient ? nil : String(subject.dropFirst(patient.count + 1))
    self.init(path, patient: patient, session: session)
  }

  private static func kind(of name: ScanName, in pipeline: String) -> Kind {
    let own = name.entities.filter { !["sub", "ses"].contains($0.key) }
    if own.contains(where: { saysLesions($0.key) || saysLesions($0.value) }) || saysLesions(name.suffix) {
      return .lesions
    }
    // BIDS's short label of lesions, which elsewhere is the left.
    if name["label"] == "L" { return .lesions }
    if name["atlas"] != nil || name["seg"] != nil { return .others }
    let (label, description) = (name["label"]?.lowercased(), name["desc"]?.lowercased())
    if label == nil && description == nil { return saysLesions(pipeline) ? .lesions : .open }
    let isOther = label.map { tissues.union(parts).contains($0) } ?? false
    return isOther || description.map(parts.contains) ?? false ? .others : .open
  }

  static func saysLesions(_ text: String) -> Bool {
    let lower = text.lowercased()
    return words.contains { lower.contains($0) }
  }

  /// Whether it is a mask of the brain, which so many data sets have that nothing need be said of it.
  static func isBrainMask(_ path: String) -> Bool {
    let stem = Path.name(path).scanStem ?? ""
    return stem.hasSuffix("_mask") && (stem.contains("_desc-brain_") || stem.contains("_label-brain_"))
  }
}

extension LesionMaps {
  /// The maps that may show where the brain is: masks of it, and parcellations, of which only those that `marksBrain` do.
  public var brains: [(path: String, isMask: Bool)] {
    others.compactMap { path in
      let isMask = LabelMapFile.isBrainMask(path)
      return isMask || Path.name(path).scanStem?.hasSuffix("_dseg") == true ? (path, isMask) : nil
    }
  }
}

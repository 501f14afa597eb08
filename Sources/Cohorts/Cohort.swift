import Failures
import Files
import Imaging

/// One visit of one patient: the scans that were found, by modality.
public struct Subject: Sendable, Equatable {
  /// Unique in the cohort; names files of the prepared store.
  public var id: String
  /// Shared by all visits of a patient; equal to `id` where each patient has one.
  public var patient: String
  /// Paths of the scans.
  public var files: [Modality: String]
  /// The label maps (lesion masks or segmentations).
  public internal(set) var labelMaps: LesionMaps
  /// Further scans of a modality that has one already (a second run, a copy), which make the subject ambiguous.
  public var duplicates: [Modality: [String]]
  /// Why a modality that is there cannot be used, as the end of "sub-01: ".
  public var problems: [Modality: String] = [:]
  /// What explains that scans are lacking, in words.
  public var remark: String?

  public init(
    id: String, patient: String? = nil, files: [Modality: String] = [:], labels: String? = nil,
    duplicates: [Modality: [String]] = [:]
  ) {
    self.id = id
    self.patient = patient ?? id
    self.files = files
    labelMaps = LesionMaps(labels.map { [$0] } ?? [])
    self.duplicates = duplicates
  }

  /// Path of the label map that is taken for the lesions', unless it turns out to be a brain's; nil where there is none.
  public var labels: String? { labelMaps.candidates.first }

  /// Modalities at hand, in the fixed order of `Modality`.
  public var modalities: [Modality] { Modality.allCases.filter { files[$0] != nil } }

  /// The path of a scan. Throws `.inconsistent`, naming what is there, for a modality the subject lacks, of which there are several
  /// scans or whose scan cannot be used.
  public func path(of modality: Modality) throws -> String {
    if let problem = problems[modality] { throw Failure(.inconsistent, "\(id): \(problem)") }
    guard let path = files[modality] else {
      let known = modalities.isEmpty ? "nor any other" : "it has \(modalities.titles)"
      throw Failure(.inconsistent, "\(id): has no \(modality.title) scan, \(known)")
    }
    if let others = duplicates[modality] {
      let names = ([path] + others).map(Path.name).joined(separator: ", ")
      let what = "has \(others.count + 1) scans of \(modality.title) (\(names))"
      throw Failure(.inconsistent, "\(id): \(what); keep one in the folder")
    }
    return path
  }

  /// Adds a scan; a second one of the same modality is kept as a duplicate.
  mutating func add(_ path: String, as modality: Modality) {
    if files[modality] != nil { duplicates[modality, default: []].append(path) }
    files[modality] = files[modality] ?? path
  }
}

/// A folder of patients' scans in a layout that the field uses.
///
/// A new layout is one type that conforms, and one line in `CohortLayout.catalog`.
public protocol Cohort: Sendable {
  /// The folder that was opened.
  var folder: String { get }
  /// In order of their identifiers.
  var subjects: [Subject] { get }
  /// What the user should know about how this layout was read, one sentence each.
  var notes: [String] { get }
  /// The modalities every subject should have, or nil where that depends on the folder.
  var modalities: [Modality]? { get }
  /// Which slices are used unless the user says otherwise.
  var sliceRule: SliceRule { get }
  /// The split used unless the user says otherwise; nil asks for a seeded one.
  var publishedSplits: Splits? { get }
  /// The modality whose grid the others are resampled onto as a matter of course (IXI: T2), or nil.
  var gridModality: Modality? { get }
  /// The image size (rows, columns) that slices are resized to as a matter of course (IXI: 256 x 256), or nil.
  var imageSize: Extent? { get }
  /// Programs known here that computed the scans, where the folder says so.
  var generatedBy: [String] { get }
  /// The patient whom a subject identifier names, also for identifiers that are not in the folder.
  func patient(of subject: String) -> String
}

extension Cohort {
  public var notes: [String] { [] }
  public var modalities: [Modality]? { nil }
  public var sliceRule: SliceRule { .all }
  public var publishedSplits: Splits? { nil }
  public var gridModality: Modality? { nil }
  public var imageSize: Extent? { nil }
  public var generatedBy: [String] { [] }
  public func patient(of subject: String) -> String { subject }

  /// Where a scan's voxels lie, from its header alone. Throws as `volume` does.
  public func header(_ modality: Modality, of subject: Subject) throws -> NIfTIHeader {
    try NIfTI.readHeader(path: subject.path(of: modality))
  }

  /// Reads one scan. Throws `.inconsistent` for a modality the subject lacks, and what `NIfTI.read` throws.
  public func volume(_ modality: Modality, of subject: Subject) throws -> Volume {
    try NIfTI.read(path: subject.path(of: modality)).volume
  }
}

/// A layout of folders, by the name the command line uses.
public struct CohortLayout: Sendable {
  public let name: String
  /// One line for a program's help.
  public let summary: String
  private let make: @Sendable (_ folder: String, _ picks: [ScanPick]) throws -> any Cohort
  /// Whether names of scans have entities, by which rules can choose.
  private let hasEntities: Bool

  /// Reads the folder's names (no scan is opened).
  ///
  /// Throws `.notFound`, `.malformed`, and `.usage` for rules (`picks`) where names have no entities.
  public func open(_ folder: String, picks: [ScanPick] = []) throws -> any Cohort {
    guard picks.isEmpty || hasEntities else {
      throw Failure(
        .usage, "\(Term.picks) chooses by the entities of BIDS, which names of \(name) do not have")
    }
    return try make(folder, picks)
  }

  public static let catalog: [CohortLayout] = [
    CohortLayout(
      name: "bids", summary: "BIDS: sub-*/[ses-*/]anat/*_T1w.nii.gz, _T2w, _PDw, _FLAIR",
      make: { try BIDSCohort(folder: $0, picks: $1) }, hasEntities: true),
    CohortLayout(
      name: "ixi", summary: "IXI: IXI002-Guys-0828-T1.nii.gz, flat or in a folder a modality",
      make: { folder, _ in try IXICohort(folder: folder) }, hasEntities: false),
    CohortLayout(
      name: "brats", summary: "BraTS2023: BraTS-GLI-00000-000/*-{t1n,t1c,t2w,t2f,seg}.nii.gz",
      make: { folder, _ in try BraTSCohort(folder: folder) }, hasEntities: false),
  ]

  /// The layout of this name. Throws `.usage`, naming those known.
  public static func named(_ name: String) throws -> CohortLayout {
    let lower = name.lowercased()
    if let layout = catalog.first(where: { $0.name == lower }) { return layout }
    let known = catalog.map(\.name).joined(separator: ", ")
    let advice =
      switch lower.filter(\.isLetter) {
      case "nnunet", "nnunetv", "decathlon", "msd":
        "; nnU-Net's imagesTr is not read yet, link its files into a BIDS folder"
      case "dicom", "dcm": "; DICOM is not read, dcm2niix converts it"
      case let word where word.hasPrefix("brats"): "; did you mean brats?"
      case let word where word.hasPrefix("ixi"): "; did you mean ixi?"
      case let word where Set(word) == Set("bids"): "; did you mean bids?"
      default: ""
      }
    throw Failure(.usage, "unknown cohort layout '\(name)'; known are \(known)\(advice)")
  }
}

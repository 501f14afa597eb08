import Failures
import Files
import Imaging

/// What the headers say of one subject: enough to fix the image size before any voxel is read.
struct SubjectPlan: Sendable {
  var subject: Subject
  /// The axes of the file that gives the grid.
  var orientation: Orientation
  /// The scan that gives the grid.
  var gridModality: Modality
  /// Where the stored voxels lie, in LPS order.
  var grid: Grid
  /// Those that are stored: all, unless incomplete subjects are kept.
  var modalities: [Modality]
  /// Modalities that lie elsewhere and are resampled onto `grid`.
  var resampled: [Modality]
  /// Candidate slices; empty ones may yet be dropped.
  var slices: Range<Int>
  /// Of the candidates for the lesions' label map those that lie on the grid or may be resampled onto it.
  var labelMaps: LesionMaps
  var notes: [String]
  /// What the headers say that no head has.
  var findings: [ScanCheck.Finding]
}

/// Looks at names and headers only.
struct Survey: Sendable {
  var cohort: any Cohort
  var modalities: [Modality]
  var gridModality: Modality
  /// Whether scans may lie on other grids.
  var resamples: Bool
  var keepsIncomplete = false
  var rule: SliceRule
  var wantsLabels: Bool

  /// Throws a `Failure` that says in one line why the subject cannot be used.
  func plan(_ subject: Subject) throws -> SubjectPlan {
    if let problem = modalities.lazy.compactMap({ subject.problems[$0] }).first {
      throw Failure(.inconsistent, "\(subject.id): \(problem)")
    }
    let lacking = modalities.filter { subject.files[$0] == nil }
    let modalities = modalities.filter { !lacking.contains($0) }
    guard lacking.isEmpty || keepsIncomplete && !modalities.isEmpty else {
      let remark = subject.remark.map { " (\($0))" } ?? ""
      throw Failure(.inconsistent, "\(subject.id): lacks \(lacking.titles)\(remark)")
    }
    for modality in modalities { _ = try subject.path(of: modality) }

    let gridModality = lacking.contains(gridModality) ? modalities[0] : gridModality
    let reference = try cohort.header(gridModality, of: subject)
    let grid = reference.grid.reoriented(to: .lps)
    var (findings, resampled): ([ScanCheck.Finding], [Modality]) = ([], [])
    for modality in modalities {
      let header = modality == gridModality ? reference : try cohort.header(modality, of: subject)
      findings += ScanCheck.findings(of: header, name: try Path.name(subject.path(of: modality)))
      guard let mismatch = header.grid.reoriented(to: .lps).mismatch(with: grid) else { continue }
      guard resamples else {
        let what = "\(modality.title) is not on the grid of \(gridModality.title): \(mismatch)"
        let cure = "\(Term.registers), or by the scanner's coordinates \(Term.resamples), brings it there"
        throw Failure(.inconsistent, "\(subject.id): \(what); \(cure)")
      }
      resampled.append(modality)
    }

    var (labelMaps, note): (LesionMaps, String?) = (subject.labelMaps, nil)
    labelMaps.candidates = []
    for path in wantsLabels ? subject.labelMaps.candidates : [] {
      do {
        let mismatch = try NIfTI.readHeader(path: path).grid.reoriented(to: .lps).mismatch(with: grid)
        if let mismatch, !resamples {
          note = note ?? ", being on another grid: \(mismatch)"
        } else {
          labelMaps.candidates.append(path)
        }
      } catch let failure as Failure {
        note = note ?? ": \(failure.message)"
      }
    }
    if !labelMaps.candidates.isEmpty { note = nil }

    let slices: Range<Int>
    do { slices = try rule.indices(depth: grid.dimensions.z) } catch let failure as Failure {
      throw Failure(failure.kind, "\(subject.id): \(failure.message)")
    }
    return SubjectPlan(
      subject: subject, orientation: Orientation(of: reference.grid.affine), gridModality: gridModality,
      grid: grid,
      modalities: modalities, resampled: resampled, slices: slices, labelMaps: labelMaps,
      notes: note.map { ["labels of \(subject.id) are not stored\($0)"] } ?? [], findings: findings)
  }
}

import Failures
import Imaging

/// What the headers say of one subject: enough to fix the image size before any voxel is read.
struct SubjectPlan: Sendable {
  var subject: Subject
  /// The axes of the file that gives the grid.
  var orientation: Orientation
  /// Where the stored voxels lie, in LPS order.
  var grid: Grid
  /// Those that are stored: all, unless incomplete subjects are kept.
  var modalities: [Modality]
  /// Modalities that lie elsewhere and are resampled onto `grid`.
  var resampled: [Modality]
  /// Candidate slices; empty ones may yet be dropped.
  var slices: Range<Int>
  /// Whether there is a label map that lies on the grid or may be resampled onto it.
  var hasLabels: Bool
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
      let names = lacking.map(\.title).joined(separator: ", ")
      let remark = subject.remark.map { " (\($0))" } ?? ""
      throw Failure(.inconsistent, "\(subject.id): lacks \(names)\(remark)")
    }
    for modality in modalities {
      guard let further = subject.duplicates[modality], let first = subject.files[modality] else { continue }
      let names = ([first] + further).map(\.fileName).joined(separator: ", ")
      throw Failure(
        .inconsistent,
        "\(subject.id): has \(further.count + 1) scans of \(modality.title) (\(names)); keep one in the folder"
      )
    }

    let gridModality = lacking.contains(gridModality) ? modalities[0] : gridModality
    let reference = try cohort.header(gridModality, of: subject)
    let grid = reference.grid.reoriented(to: .lps)
    var notes: [String] = []
    var findings: [ScanCheck.Finding] = []
    var resampled: [Modality] = []
    for modality in modalities {
      let header = modality == gridModality ? reference : try cohort.header(modality, of: subject)
      findings += ScanCheck.findings(of: header, name: try subject.path(of: modality).fileName)
      guard let mismatch = header.grid.reoriented(to: .lps).mismatch(with: grid) else { continue }
      guard resamples else {
        throw Failure(
          .inconsistent,
          "\(subject.id): \(modality.title) is not on the grid of \(gridModality.title): \(mismatch);"
            + " register it, or resample by the scanner's coordinates with \(Term.resamples)")
      }
      resampled.append(modality)
    }

    var hasLabels = false
    if wantsLabels, let path = subject.labels {
      do {
        let mismatch = try NIfTI.readHeader(path: path).grid.reoriented(to: .lps).mismatch(with: grid)
        hasLabels = mismatch == nil || resamples
        if let mismatch, !hasLabels {
          notes.append("labels of \(subject.id) are not stored, being on another grid: \(mismatch)")
        }
      } catch let failure as Failure {
        notes.append("labels of \(subject.id) are not stored: \(failure.message)")
      }
    }

    let slices: Range<Int>
    do {
      slices = try rule.indices(depth: grid.dimensions.z)
    } catch let failure as Failure {
      throw Failure(failure.kind, "\(subject.id): \(failure.message)")
    }
    return SubjectPlan(
      subject: subject, orientation: Orientation(of: reference.grid.affine), grid: grid,
      modalities: modalities,
      resampled: resampled, slices: slices, hasLabels: hasLabels, notes: notes, findings: findings)
  }
}

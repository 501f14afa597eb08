import Failures
import Imaging

/// BraTS2023: `BraTS-GLI-00000-000/BraTS-GLI-00000-000-{t1n,t1c,t2w,t2f,seg}.nii.gz`.
///
/// The last three digits count a patient's time points: scans of one patient share all that comes before.
public struct BraTSCohort: Cohort {
  public let folder: String
  public let subjects: [Subject]
  public let modalities: [Modality]? = [.t1, .t2, .flair, .t1gd]
  public let sliceRule = SliceRule.range(37...116)
  public let publishedSplits: Splits? = .brats2023

  private static let endings: [(String, Modality)] = [
    ("t1n", .t1), ("t1c", .t1gd), ("t2w", .t2), ("t2f", .flair),
  ]

  public init(folder path: String) throws {
    let folder = try Folder(path)
    let cases = folder.folders.filter { $0.hasPrefix("BraTS-") }
    guard !cases.isEmpty else {
      throw Failure(
        .malformed, "\(path): holds no BraTS2023 case; expected folders like BraTS-GLI-00000-000")
    }
    self.folder = path
    subjects = try cases.map { name in
      let inner = try Folder(folder.path(of: name))
      var subject = Subject(id: name, patient: Self.patient(of: name))
      for (file, stem) in inner.scans where stem.hasPrefix(name + "-") {
        let ending = stem.dropFirst(name.count + 1)
        if ending == "seg" {
          subject.labels = inner.path(of: file)
        } else if let (_, modality) = Self.endings.first(where: { $0.0 == ending }) {
          subject.add(inner.path(of: file), as: modality)
        }
      }
      return subject
    }
  }

  public func patient(of subject: String) -> String { Self.patient(of: subject) }

  /// `BraTS-GLI-00095` of `BraTS-GLI-00095-001`.
  public static func patient(of subject: String) -> String {
    let parts = subject.split(separator: "-", omittingEmptySubsequences: false)
    return parts.count == 4 ? parts.dropLast().joined(separator: "-") : subject
  }
}

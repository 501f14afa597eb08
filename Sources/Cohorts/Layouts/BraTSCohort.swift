import Imaging

/// BraTS2023: `BraTS-GLI-00000-000/BraTS-GLI-00000-000-{t1n,t1c,t2w,t2f,seg}.nii.gz`.
///
/// The last three digits count a patient's time points: scans of one patient share all that comes before. Names of
/// earlier years (`BraTS2021_00000/BraTS2021_00000_{t1,t1ce,t2,flair,seg}`) are read too.
public struct BraTSCohort: Cohort {
  public let folder: String
  public let subjects: [Subject]
  public let notes: [String]
  public let modalities: [Modality]? = [.t1, .t2, .flair, .t1gd]
  public let sliceRule = SliceRule.range(37...116)
  public let publishedSplits: Splits? = .brats2023

  private static let endings: [String: Modality] = [
    "t1n": .t1, "t1c": .t1gd, "t2w": .t2, "t2f": .flair, "t1": .t1, "t1ce": .t1gd, "t2": .t2, "flair": .flair,
  ]

  public init(folder path: String) throws {
    let folder = try Folder(path)
    let cases = folder.folders.filter { Self.isCase($0) && CohortManifest.isIdentifier($0) }
    var notTaken = NotTaken()
    var subjects: [Subject] = []
    for name in cases {
      let inner = try Folder(folder.path(of: name))
      var subject = Subject(id: name, patient: Self.patient(of: name))
      for file in inner.names {
        notTaken.add("\(name)/\(file)", named: file)
        guard let stem = file.scanStem else { continue }
        if let modality = Self.modality(of: stem, in: name) {
          subject.add(inner.path(of: file), as: modality)
        } else if Self.ending(of: stem, in: name) == "seg" {
          subject.labelMaps = LesionMaps([inner.path(of: file)])
        } else {
          notTaken.add(
            "\(name)/\(file)", "as the name is not that of its folder with -t1n, -t1c, -t2w, -t2f or -seg")
        }
      }
      subjects.append(subject)
    }
    guard subjects.contains(where: { !$0.files.isEmpty }) else {
      throw LayoutHint.failure(
        folder, not: "brats",
        "BraTS2023 case; expected folders like BraTS-GLI-00000-000 with scans of their name")
    }
    for file in folder.files {
      notTaken.add(file, named: file, ifScan: "as it lies in no case's folder")
    }
    for name in folder.folders where !Self.isCase(name) {
      notTaken.addAll(in: folder.path(of: name), as: name, "as the folder's name does not begin with BraTS-")
    }
    (self.folder, self.subjects, notes) = (path, subjects, notTaken.notes)
  }

  public func patient(of subject: String) -> String { Self.patient(of: subject) }

  /// `BraTS-GLI-00095` of `BraTS-GLI-00095-001`.
  public static func patient(of subject: String) -> String {
    let parts = subject.split(separator: "-", omittingEmptySubsequences: false)
    return parts.count == 4 ? parts.dropLast().joined(separator: "-") : subject
  }

  static func isCase(_ name: String) -> Bool { name.lowercased().hasPrefix("brats") }

  /// `t1n` of `BraTS-GLI-00000-000-t1n`, in small letters.
  private static func ending(of stem: String, in name: String) -> String? {
    guard ["-", "_"].contains(where: { stem.hasPrefix(name + $0) }) else { return nil }
    return stem.dropFirst(name.count + 1).lowercased()
  }

  static func modality(of stem: String, in name: String) -> Modality? {
    ending(of: stem, in: name).flatMap { endings[$0] }
  }
}

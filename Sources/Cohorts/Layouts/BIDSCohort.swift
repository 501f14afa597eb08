import Failures
import Imaging

/// BIDS: `sub-01/anat/sub-01_T1w.nii.gz`, `_T2w`, `_PDw`, `_FLAIR`, `_ce-gadolinium_T1w`, with or without sessions.
///
/// Each session is a subject of its own, `sub-01_ses-02`, of the patient `sub-01`. Label maps are found in
/// `derivatives/<any>/sub-01/[ses-02/]anat/` as `_mask` or `_dseg`.
public struct BIDSCohort: Cohort {
  public let folder: String
  public let subjects: [Subject]
  public let notes: [String]

  public init(folder path: String) throws {
    let folder = try Folder(path)
    let people = folder.folders.filter { $0.hasPrefix("sub-") && $0.count > 4 }
    guard !people.isEmpty else {
      throw Failure(.malformed, "\(path): holds no BIDS subject; expected sub-01/anat/sub-01_T1w.nii.gz")
    }
    let derivatives = try? Folder(folder.path(of: "derivatives"))
    var subjects: [Subject] = []
    var notes: [String] = []
    for person in people {
      let home = try Folder(folder.path(of: person))
      let sessions = home.folders.filter { $0.hasPrefix("ses-") }
      let visits: [String?] = home.names.contains("anat") || sessions.isEmpty ? [nil] + sessions : sessions
      for session in visits {
        let inner = session.map { "\(person)/\($0)" } ?? person
        let id = session.map { "\(person)_\($0)" } ?? person
        var subject = Subject(id: id, patient: person)
        // A session without anat/ holds other kinds of scan and is no subject here.
        let anat = try? Folder("\(folder.path(of: inner))/anat")
        if anat == nil && session != nil { continue }
        for (file, stem) in anat?.scans ?? [] {
          guard let modality = Self.modality(of: stem, person: person) else { continue }
          subject.add("\(folder.path(of: inner))/anat/\(file)", as: modality)
        }
        let maps = Self.labelMaps(of: inner, in: derivatives)
        subject.labels = maps.first
        if maps.count > 1 {
          notes.append("\(id): has \(maps.count) label maps, \(maps[0].fileName) is used")
        }
        subjects.append(subject)
      }
    }
    self.folder = path
    self.subjects = subjects.sorted { $0.id < $1.id }
    self.notes = notes
  }

  /// `sub-01` of `sub-01_ses-02`.
  public func patient(of subject: String) -> String {
    subject.split(separator: "_").first.map(String.init) ?? subject
  }

  /// The modality of `sub-01_ses-02_ce-gadolinium_run-1_T1w`; nil for what is not one of ours.
  private static func modality(of stem: String, person: String) -> Modality? {
    var parts = stem.split(separator: "_", omittingEmptySubsequences: false)
    guard parts.first == Substring(person), let suffix = parts.popLast() else { return nil }
    // Phase images carry no contrast; with a contrast agent only T1 has a name here.
    if parts.contains("part-phase") { return nil }
    let hasAgent = parts.contains { $0.hasPrefix("ce-") }
    switch suffix {
    case "T1w": return hasAgent ? .t1gd : .t1
    case "T2w" where !hasAgent: return .t2
    case "PDw" where !hasAgent: return .pd
    case "FLAIR" where !hasAgent: return .flair
    default: return nil
    }
  }

  private static func labelMaps(of inner: String, in derivatives: Folder?) -> [String] {
    guard let derivatives else { return [] }
    var found: [String] = []
    for pipeline in derivatives.folders {
      guard let anat = try? Folder("\(derivatives.path(of: pipeline))/\(inner)/anat") else { continue }
      for (file, stem) in anat.scans {
        let isBrainMask = stem.contains("_desc-brain_") || stem.contains("_label-brain_")
        if stem.hasSuffix("_dseg") || (stem.hasSuffix("_mask") && !isBrainMask) {
          found.append(anat.path(of: file))
        }
      }
    }
    return found
  }
}

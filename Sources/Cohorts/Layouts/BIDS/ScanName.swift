import Imaging

/// The name of a scan in BIDS: `sub-01_ses-02_acq-highres_run-1_T1w`.
struct ScanName: Sendable {
  /// What stands between the visit's name and the suffix, in order: `acq` with `highres`. Without a hyphen the value is "".
  let entities: [(key: String, value: String)]
  let suffix: String

  /// What is wrong with a name, as the end of a sentence about files.
  enum Problem: String, Error {
    case notTheSubjects = "as the name does not begin with that of its subject's folder and _"
    case notTheSessions = "as the name says another session than its folder"
  }

  /// - Parameters:
  ///   - person: the subject's folder, `sub-01`. Its label may hold underscores and hyphens, which BIDS forbids.
  ///   - session: the session's folder, which the name may leave out.
  init(_ stem: String, person: String, session: String?) throws(Problem) {
    guard stem.hasPrefix(person + "_") else { throw .notTheSubjects }
    var rest = stem.dropFirst(person.count + 1)
    if let session {
      if rest.hasPrefix(session + "_") {
        rest = rest.dropFirst(session.count + 1)
      } else if rest.hasPrefix("ses-") {
        throw .notTheSessions
      }
    }
    self.init(words: rest)
  }

  /// What is left of a name behind that of its subject.
  init(words rest: Substring) {
    var words = rest.split(separator: "_", omittingEmptySubsequences: false)
    suffix = words.popLast().map(String.init) ?? ""
    entities = words.map { word in
      let hyphen = word.firstIndex(of: "-") ?? word.endIndex
      return (String(word[..<hyphen]), String(word[hyphen...].dropFirst()))
    }
  }

  subscript(entity: String) -> String? { entities.first { $0.key == entity }?.value }

  /// Which of ours it is; nil for all else.
  var modality: Modality? {
    // Phase, real and imaginary images carry no contrast that a magnitude image has.
    if let part = self["part"], part != "mag" { return nil }
    switch suffix {
    case "T1w": return hasAgent ? .t1gd : .t1
    case "T2w" where !hasAgent: return .t2
    case "PDw" where !hasAgent: return .pd
    case "FLAIR" where !hasAgent: return .flair
    default: return nil
    }
  }

  /// Whether a contrast agent was given.
  var hasAgent: Bool { self["ce"] != nil }

  /// The template in whose space it lies, as BIDS names them; nil where it is the person's own.
  var template: String? {
    guard let space = self["space"] else { return nil }
    return Self.templates.contains { space.hasPrefix($0) } ? space : nil
  }

  private static let templates = [
    "MNI", "ICBM", "Talairach", "fsaverage", "fsLR", "NIHPD", "OASIS", "UNC", "IXI", "SRI24",
  ]

  /// Whether it was computed, as this program names what it makes, and not acquired.
  var isSynthetic: Bool { self["desc"].map { "desc-\($0)" } == DerivativeName.mark }

  /// Why a file that looks like one of ours is none, as the end of "not taken, "; nil for what is known to be another.
  var oddity: String? {
    if hasAgent && ["T2w", "PDw", "FLAIR"].contains(suffix) {
      return "being acquired after a contrast agent, for which only T1 has a name here"
    }
    if ["UNIT1", "MP2RAGE", "PDT2", "T2star", "T2starw"].contains(suffix) {
      return "as \(suffix) is none of T1w, T2w, PDw and FLAIR"
    }
    if Self.otherSuffixes.contains(suffix) || modality != nil || self["part"] != nil { return nil }
    return "as the name does not end in _T1w, _T2w, _PDw or _FLAIR"
  }

  /// Suffixes of BIDS for other images of the head, raw and derived.
  private static let otherSuffixes: Set<String> = [
    "T1rho", "T1map", "T2map", "T2starmap", "R1map", "R2map", "R2starmap", "PDmap", "PD",
    "MTRmap", "MTsat", "MTVmap", "MWFmap", "Chimap", "S0map", "M0map", "RB1map", "TB1map",
    "inplaneT1", "inplaneT2", "angio", "FLASH", "defacemask", "VFA", "IRT1", "MESE", "MEGRE",
    "MTR", "MTS", "MPM", "mask", "dseg", "probseg", "xfm", "warp", "thickness", "curv", "sulc", "boldref",
    "bold", "dwi",
  ]
}

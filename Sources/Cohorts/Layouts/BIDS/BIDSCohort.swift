import Failures
import Files
import Foundation
import Imaging

/// BIDS: `sub-01/anat/sub-01_T1w.nii.gz`, `_T2w`, `_PDw`, `_FLAIR`, `_ce-gadolinium_T1w`, with or without sessions.
///
/// Each session is a subject of its own, `sub-01_ses-02`, of the patient `sub-01`. Label maps are found in
/// `derivatives/<any>/sub-01/[ses-02/]anat/` as `_mask` or `_dseg`; ``LesionMaps`` tells which is the lesions'. The folder may
/// itself be a derivative (fMRIPrep).
/// What `.bidsignore` names is not read. Labels may hold underscores and hyphens, as hospitals have them.
public struct BIDSCohort: Cohort {
  public let folder: String
  public let subjects: [Subject]
  public let notes: [String]
  private let patients: [String: String]

  /// - Parameter picks: how to choose where a subject has several scans of a modality.
  public init(folder path: String, picks: [ScanPick] = []) throws {
    let folder = try Folder(path)
    var reading = try Reading(folder: folder, picks: picks)
    for person in folder.folders where person.hasPrefix("sub-") && person.count > 4 {
      if reading.rules.ignores(person, isFolder: true) { continue }
      guard CohortManifest.isIdentifier(person) else {
        reading.notTaken.add(
          person, "as the folder's name is too long or holds signs that no file name should")
        continue
      }
      try reading.read(person: person)
    }
    guard !reading.subjects.isEmpty else {
      throw LayoutHint.failure(
        folder, not: "bids", "BIDS subject; expected sub-01/anat/sub-01_T1w.nii.gz")
    }
    try ScanPick.check(picks, against: reading.choices, labelMaps: reading.labelMaps)
    reading.lookAround()
    let subjects = reading.subjects.sorted { $0.id < $1.id }
    for (one, next) in zip(subjects, subjects.dropFirst()) where one.id == next.id {
      let folders = "\(one.patient) with a session, and \(next.patient)"
      throw Failure(
        .inconsistent, "\(path): two folders make the subject \(one.id) (\(folders)); rename one")
    }
    (self.folder, self.subjects) = (path, subjects)
    notes = reading.notes + reading.notTaken.notes
    patients = Dictionary(uniqueKeysWithValues: subjects.map { ($0.id, $0.patient) })
  }

  /// `sub-01` of `sub-01_ses-02`.
  public func patient(of subject: String) -> String {
    if let known = patients[subject] { return known }
    guard let session = subject.range(of: "_ses-", options: .backwards) else { return subject }
    return String(subject[..<session.lowerBound])
  }

  /// The phantom, where `GeneratedBy` in `dataset_description.json` names it. Other names are nobody's business here.
  public var generatedBy: [String] {
    let path = "\(folder)/dataset_description.json"
    let facts = try? FileManager.default.attributesOfItem(atPath: path)
    guard facts?[.type] as? FileAttributeType == .typeRegular, (facts?[.size] as? Int ?? .max) <= 1 << 20,
      let data = FileManager.default.contents(atPath: path),
      let names = (try? StrictJSON.parse(data, file: path))?["GeneratedBy"]?.elements
    else { return [] }
    return names.contains { $0["Name"]?.string == Phantom.generator } ? [Phantom.generator] : []
  }
}

/// What is gathered while the folder is read.
private struct Reading {
  let folder: Folder
  let picks: [ScanPick]
  let rules: IgnoreRules
  private let derivatives: Folder?
  var subjects: [Subject] = []
  var choices: [ScanChoice] = []
  var notTaken = NotTaken()
  private(set) var labelMaps: [ScanName] = []
  private var ignored: [String] = []

  /// Folders of BIDS for other kinds of data.
  private static let datatypes: Set<String> = [
    "anat", "func", "dwi", "fmap", "perf", "eeg", "ieeg", "meg", "pet", "micr", "nirs", "beh", "motion",
    "mrs", "figures", "log", "xfm", "surf",
  ]
  /// Folders beside the subjects that may hold anything.
  private static let others: Set<String> = [
    "derivatives", "sourcedata", "rawdata", "code", "stimuli", "phenotype", "logs",
  ]

  /// - Throws: `.malformed` for a `.bidsignore` that is there and cannot be read: who is to be left out must not be taken.
  init(folder: Folder, picks: [ScanPick]) throws {
    (self.folder, self.picks) = (folder, picks)
    rules = try IgnoreRules(file: folder.path(of: ".bidsignore"))
    derivatives = try? Folder(folder.path(of: "derivatives"))
  }

  var notes: [String] {
    ignored.isEmpty ? [] : [".bidsignore leaves out: \(ignored.listed(3))"]
  }

  mutating func read(person: String) throws {
    let home = try Folder(folder.path(of: person))
    let sessions = home.folders.filter { $0.hasPrefix("ses-") && $0.count > 4 }
    let visits: [String?] = home.names.contains("anat") || sessions.isEmpty ? [nil] + sessions : sessions
    for session in visits {
      let inner = session.map { "\(person)/\($0)" } ?? person
      if rules.ignores(inner, isFolder: true) { continue }
      let place = session == nil ? home : try Folder(folder.path(of: inner))
      let anat = try? Folder(place.path(of: "anat"))
      lookAround(place, inner)
      // A session without anat/ holds other kinds of scan and is no subject here.
      if anat == nil && session != nil { continue }
      var subject = Subject(id: session.map { "\(person)_\($0)" } ?? person, patient: person)
      if let anat {
        choose(anat, "\(inner)/anat", session: session, for: &subject)
      } else {
        subject.remark =
          home.names.isEmpty
          ? "its folder is empty; of a DataLad data set, datalad get \(folder.path(of: person)) fetches it"
          : "it has no anat folder"
      }
      let maps = labelMaps(in: inner).map { LabelMapFile($0, patient: person, session: session) }
      subject.labelMaps = LesionMaps(together(maps, with: subject, session: session), picks: picks)
      labelMaps += maps.map(\.name)
      subjects.append(subject)
    }
  }

  /// Puts the scans of `anat` into the subject, and what looks like one onto the list.
  private mutating func choose(_ anat: Folder, _ shown: String, session: String?, for subject: inout Subject)
  {
    var found: [Modality: ScanChoice] = [:]
    for name in anat.names {
      let path = "\(shown)/\(name)"
      if let reason = NotTaken.reason(for: name) {
        notTaken.add(path, reason)
        continue
      }
      guard let stem = name.scanStem else { continue }
      let isIgnored = rules.ignores(path)
      let scan: ScanName
      do {
        scan = try ScanName(stem, person: subject.patient, session: session)
      } catch {
        if !isIgnored { notTaken.add(path, error.rawValue) }
        continue
      }
      // Who asks for a scan by name means it, whatever the data set's file says.
      let isAsked = picks.contains { $0.asks(for: scan) }
      if isIgnored && !isAsked {
        if scan.modality != nil { ignored.append(path) }
        continue
      }
      if scan.isSynthetic, scan.modality != nil, !isAsked {
        notTaken.add(path, "as it was computed, not acquired (\(DerivativeName.mark))")
        continue
      }
      if let agent = scan.hasAgent ? nil : Self.agent(of: anat.path(of: "\(stem).json")),
        scan.modality != nil,
        !isAsked
      {
        notTaken.add(
          path,
          "as the file beside it says that it is of after a contrast agent (\(agent)), and its name does not (ce-)"
        )
        continue
      }
      if let modality = scan.modality {
        found[modality, default: ScanChoice(modality: modality, candidates: [])].candidates.append(
          (anat.path(of: name), scan))
      } else if let oddity = scan.oddity {
        notTaken.add(path, oddity)
      }
    }
    for inner in anat.folders where inner.scanStem == nil {
      notTaken.addAll(
        in: anat.path(of: inner), as: "\(shown)/\(inner)", "as it lies in a folder within anat")
    }
    for modality in Modality.allCases {
      guard let choice = found[modality] else { continue }
      choices.append(choice)
      let (paths, problem) = choice.picked(by: picks)
      for path in paths { subject.add(path, as: modality) }
      subject.problems[modality] = problem
    }
  }

  /// The contrast agent that a scan's sidecar names; nil where it names none.
  private static func agent(of sidecar: String) -> String? {
    guard let data = FileManager.default.contents(atPath: sidecar),
      let agent = (try? StrictJSON.parse(data, file: sidecar))?["ContrastBolusIngredient"]?.string
    else { return nil }
    return ["", "none", "n/a"].contains(agent.lowercased()) ? nil : agent
  }

  /// Lists what lies beside anat: in the subject's folder itself, and in folders that BIDS does not have.
  private mutating func lookAround(_ place: Folder, _ shown: String) {
    let reason = "as it does not lie in an anat folder"
    for name in place.files { notTaken.add("\(shown)/\(name)", named: name, ifScan: reason) }
    for name in place.folders where !Self.datatypes.contains(name) && !name.hasPrefix("ses-") {
      notTaken.addAll(in: place.path(of: name), as: "\(shown)/\(name)", reason)
    }
  }

  /// Lists what lies beside the subjects.
  mutating func lookAround() {
    for name in folder.files where !rules.ignores(name) {
      notTaken.add(name, named: name, ifScan: "as it does not lie in an anat folder")
    }
    for name in folder.folders where !name.hasPrefix("sub-") && !Self.others.contains(name) {
      if rules.ignores(name, isFolder: true) { continue }
      notTaken.addAll(
        in: folder.path(of: name), as: name, "as the folder's name does not begin with sub-", depth: 2)
    }
  }

  /// Without maps of lesions in a template's space where no scan is in it, nor the other way round: their headers' coordinates are
  /// of two kinds. A map that is asked for by name is meant.
  private mutating func together(
    _ maps: [LabelMapFile], with subject: Subject, session: String?
  ) -> [LabelMapFile] {
    let scans = subject.modalities.compactMap { subject.files[$0].flatMap { Path.name($0).scanStem } }
      .compactMap {
        try? ScanName($0, person: subject.patient, session: session)
      }
    guard !scans.isEmpty, !picks.contains(where: \.concernsLabels) else { return maps }
    return maps.filter { map in
      guard map.kind != .others, !scans.contains(where: { $0.template == map.name.template }) else {
        return true
      }
      if map.kind == .lesions {
        notTaken.add(Path.name(map.path), "as it is in another space than the scans by its name")
      }
      return false
    }
  }

  private func labelMaps(in inner: String) -> [String] {
    guard let derivatives else { return [] }
    var found: [String] = []
    for pipeline in derivatives.folders {
      guard let anat = try? Folder("\(derivatives.path(of: pipeline))/\(inner)/anat") else { continue }
      for (file, stem) in anat.scans where !rules.ignores("derivatives/\(pipeline)/\(inner)/anat/\(file)") {
        if stem.hasSuffix("_dseg") || stem.hasSuffix("_mask") { found.append(anat.path(of: file)) }
      }
    }
    return found
  }
}

import Files

extension ScanCheck {
  /// What names of files tell against what they were given as, and against each other. A name proves nothing, so these are notes.
  ///
  /// - Parameter scans: what each was given as, and its path.
  public static func findings(ofNames scans: [(modality: Modality, path: String)]) -> [Finding] {
    let names = scans.map { (modality: $0.modality, name: Path.name($0.path)) }
    var found = names.compactMap { given, name -> Finding? in
      guard let told = Modality(ofFileNamed: name), told != given else { return nil }
      // Whether a contrast medium was given, names often leave out.
      guard Set([told, given]) != [.t1, .t1gd] else { return nil }
      return Finding(.named, name, "is given as \(given.title), and its name says \(told.title)")
    }
    let people = names.compactMap { _, name in person(ofFileNamed: name).map { (name: name, person: $0) } }
    if let first = people.first, let other = people.first(where: { $0.person != first.person }) {
      found.append(
        Finding(
          .named, other.name,
          "is of \(other.person) by its name, and \(first.name) of \(first.person); are they one person's?"))
    }
    return found
  }

  /// `sub-01` where a name of BIDS begins so.
  private static func person(ofFileNamed name: String) -> String? {
    guard name.hasPrefix("sub-"), let end = name.firstIndex(of: "_") else { return nil }
    return String(name[..<end])
  }
}

extension Modality {
  /// What the last word of a scan's name says, as BIDS, IXI and BraTS have them: `sub-01_T1w.nii.gz`, `IXI002-Guys-0828-PD.nii.gz`,
  /// `BraTS-GLI-00001-000-t2f.nii.gz`; nil for any other.
  init?(ofFileNamed name: String) {
    let stem = name.prefix { $0 != "." }
    guard stem.contains("_") || stem.contains("-"),
      let word = stem.split(whereSeparator: { "_-".contains($0) }).last, let found = Modality(name: word)
    else { return nil }
    self = found == .t1 && stem.contains("_ce-") ? .t1gd : found
  }
}

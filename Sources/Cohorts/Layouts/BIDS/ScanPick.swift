import Failures
import Files
import Imaging

/// A rule that chooses among several scans of one modality by an entity of BIDS.
///
/// `t1:rec=norm` takes the T1 scan with `rec-norm` in its name, `t1:rec=` the one without `rec`, `run=1` the first run
/// of each modality. A subject's only scan of a modality is taken unless it contradicts the rule. `labels:desc=lesion` takes
/// the label map with `desc-lesion` for the lesions', and none where a subject has none such.
public struct ScanPick: Sendable, Equatable, CustomStringConvertible {
  /// nil stands for each.
  public var modality: Modality?
  /// Whether it chooses among label maps, and not among scans.
  public var concernsLabels: Bool
  public var entity: String
  /// nil: the scan without the entity.
  public var value: String?

  public init(modality: Modality?, concernsLabels: Bool = false, entity: String, value: String?) {
    (self.modality, self.concernsLabels) = (modality, concernsLabels)
    (self.entity, self.value) = (entity, value)
  }

  /// Reads `t1:rec=norm`, `t1:rec-norm`, `t1:rec=` or `t1:rec!` (without), `run=1`, `labels:desc=lesion`, by commas. Throws
  /// `.usage`.
  public static func read(_ text: String) throws -> [ScanPick] {
    func failure(_ why: String) -> Failure {
      let form =
        "write t1:rec=norm (t1:rec= for the scan without rec), run=1 for all, or labels:desc=lesion of label maps"
      return Failure(.usage, "\(Term.picks(text)): \(why); \(form)")
    }
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    let modality = parts.count == 2 ? Modality(name: parts[0]) : nil
    let concernsLabels = parts.count == 2 && parts[0].lowercased() == "labels"
    if parts.count == 2 && modality == nil && !concernsLabels {
      throw failure("unknown modality '\(parts[0])', known are \(Modality.names.joined(separator: ", "))")
    }
    return try (parts.last ?? "").split(separator: ",", omittingEmptySubsequences: false).map { rule in
      let sign = rule.firstIndex(of: "=") ?? rule.firstIndex(of: "-") ?? rule.lastIndex(of: "!")
      let entity = String(rule[..<(sign ?? rule.startIndex)])
      let value = String(rule[(sign ?? rule.endIndex)...].dropFirst())
      guard let sign, rule[sign] != "!" || value.isEmpty, !entity.isEmpty,
        entity.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber) }),
        !value.contains("_"), !value.contains("/")
      else { throw failure("'\(rule)' names no entity with its value") }
      if ["sub", "ses"].contains(entity) {
        throw failure("each session is a subject of its own, which \(Term.splits) chooses")
      }
      return ScanPick(
        modality: modality, concernsLabels: concernsLabels, entity: entity, value: value.isEmpty ? nil : value
      )
    }
  }

  public var description: String {
    "\(concernsLabels ? "labels:" : modality.map { $0.rawValue + ":" } ?? "")\(entity)=\(value ?? "")"
  }

  func concerns(_ modality: Modality) -> Bool {
    !concernsLabels && (self.modality == nil || self.modality == modality)
  }

  /// Whether it is a scan of the modality named here, with the value named here.
  func asks(for name: ScanName) -> Bool {
    modality != nil && modality == name.modality && value != nil && fits(name)
  }

  /// Whether a name has the value asked for; `run-01` has 1.
  func fits(_ name: ScanName) -> Bool {
    guard let found = name[entity] else { return value == nil }
    guard let value else { return false }
    if let (a, b) = Int(found).flatMap({ a in Int(value).map { (a, $0) } }) { return a == b }
    return found == value
  }
}

/// What a subject has of one modality, and the choice among it.
struct ScanChoice {
  let modality: Modality
  /// In order of their names.
  var candidates: [(path: String, name: ScanName)]

  /// The scans that are left: one where all is well. Otherwise also why, as the end of "sub-01: ".
  func picked(by picks: [ScanPick]) -> (paths: [String], problem: String?) {
    let rules = picks.filter { $0.concerns(modality) }
    if let only = candidates.first, candidates.count == 1 {
      let broken = rules.first { rule in only.name[rule.entity] != nil && !rule.fits(only.name) }
      let problem = broken.map {
        "its only scan of \(modality.title) (\(Path.name(only.path))) is not what \(Term.picks("\($0)")) asks for"
      }
      return (problem == nil ? [only.path] : [], problem)
    }
    var left = self
    for rule in rules where left.candidates.contains(where: { $0.name[rule.entity] != nil }) {
      left.candidates.removeAll { !rule.fits($0.name) }
      if left.candidates.isEmpty {
        return (paths, "none of its \(scans) is what \(Term.picks("\(rule)")) asks for")
      }
    }
    guard left.candidates.count > 1 else { return (left.paths, nil) }
    return (left.paths, "has \(left.scans); choose with \(left.advice), or name the others in .bidsignore")
  }

  private var paths: [String] { candidates.map(\.path) }

  /// `2 scans of T1 (sub-01_run-1_T1w.nii.gz, sub-01_run-2_T1w.nii.gz)`
  private var scans: String {
    "\(candidates.count) scans of \(modality.title) (\(paths.map(Path.name).joined(separator: ", ")))"
  }

  /// The rules that would tell the candidates apart, by the entity that does so best.
  private var advice: String {
    var keys: [String] = []
    for candidate in candidates {
      for entity in candidate.name.entities where !keys.contains(entity.key) { keys.append(entity.key) }
    }
    func values(_ key: String) -> Set<String> { Set(candidates.map { $0.name[key] ?? "" }) }
    // The first of those that tell most apart.
    let most = keys.map { values($0).count }.max() ?? 0
    guard most > 1, let key = keys.first(where: { values($0).count == most }) else {
      return "\(Term.picks), by an entity in which their names differ"
    }
    let rules = values(key).sorted().prefix(3).map { "\(Term.picks("\(modality.rawValue):\(key)=\($0)"))" }
    return rules.joined(separator: " or ")
  }
}

extension ScanPick {
  /// Throws `.inconsistent` for a rule that no scan or label map of the whole cohort fits: it was not meant so.
  static func check(_ picks: [ScanPick], against choices: [ScanChoice], labelMaps: [ScanName]) throws {
    for pick in picks {
      let scanNames = choices.filter { pick.concerns($0.modality) }.flatMap { $0.candidates.map(\.name) }
      let names = pick.concernsLabels ? labelMaps : scanNames
      let values = Set(names.compactMap { $0[pick.entity] }).sorted()
      let isMeant = pick.value == nil ? !values.isEmpty : names.contains { pick.fits($0) }
      if isMeant { continue }
      let scans = pick.concernsLabels ? "label map" : pick.modality.map { "\($0.title) scan" } ?? "scan"
      let keys = Set(names.flatMap { $0.entities.map(\.key) }).sorted()
      let there =
        values.isEmpty
        ? keys.isEmpty ? "their names have no entities" : "their names have \(keys.listed)"
        : "there is \(values.map { "\(pick.entity)-\($0)" }.listed)"
      let wanted = "\(pick.entity)\(pick.value.map { "-" + $0 } ?? "")"
      throw Failure(
        .inconsistent, "\(Term.picks("\(pick)")): no \(scans) has \(wanted) in its name; \(there)")
    }
  }
}

import Failures
import Files

/// Which label maps of a BIDS cohort were taken for the lesions', and which were not: told where there was a choice, or where
/// names leave it open.
struct LesionNotes {
  /// What is alike in subjects' names, with how many have it.
  private typealias Tally = [(pattern: String, subjects: Int)]

  private var (taken, open): (Tally, Tally) = ([], [])
  /// What is no map of lesions, and further maps that are or may be.
  private var (others, further): (Tally, Tally) = ([], [])
  /// A rule that takes one which was left out.
  private var rule: ScanPick?

  init(_ plans: [SubjectPlan], _ written: [SubjectVolumes]) {
    let made = Dictionary(written.map { ($0.subject.id, $0) }) { first, _ in first }
    for plan in plans {
      guard let made = made[plan.subject.id] else { continue }
      add(plan, made)
    }
  }

  private mutating func add(_ plan: SubjectPlan, _ made: SubjectVolumes) {
    let (subject, tried) = (plan.subject, plan.labelMaps.candidates)
    let maps = subject.labelMaps
    func file(_ path: String) -> LabelMapFile { LabelMapFile(path, of: subject.id, patient: subject.patient) }
    func count(_ paths: [String], in tally: inout Tally) {
      for pattern in paths.map({ file($0).pattern }) {
        if let at = tally.firstIndex(where: { $0.pattern == pattern }) {
          tally[at].subjects += 1
        } else {
          tally.append((pattern, 1))
        }
      }
    }
    let used = made.subject.labels.flatMap { source in tried.firstIndex { $0.hasSuffix(source.file) } }
    // Why a map could not be stored is told by itself.
    guard used != nil || made.note == nil && plan.notes.isEmpty else { return }
    let brains = maps.areNamed ? [] : Array(tried.prefix(used ?? tried.count))
    // Lesions' maps are among the others where another was asked for.
    let lesions = maps.others.filter { file($0).kind == .lesions }
    let none = maps.others.filter { !lesions.contains($0) && !LabelMapFile.isBrainMask($0) } + brains
    let path = used.map { tried[$0] }
    let left = maps.candidates.filter { $0 != path && !brains.contains($0) } + lesions
    count(none, in: &others)
    count(left, in: &further)
    if let path {
      count([path], in: &taken)
      if !maps.areNamed, !LabelMapFile.saysLesions(file(path).pattern) { count([path], in: &open) }
    }
    if rule == nil,
      let name = (left + none).lazy.map({ file($0).name }).first(where: { !$0.entities.isEmpty }),
      let entity = name.entities.last
    {
      rule = ScanPick(modality: nil, concernsLabels: true, entity: entity.key, value: entity.value)
    }
  }

  /// One sentence, or none.
  var lines: [String] {
    guard !open.isEmpty || !others.isEmpty || !further.isEmpty else { return [] }
    func list(_ tally: Tally) -> String {
      tally.map { "\($0.pattern) (\($0.subjects) subject\($0.subjects == 1 ? "" : "s"))" }.listed(3)
    }
    let most = "\(Int(LesionMaps.largest)) ml"
    var parts = [
      taken.isEmpty ? "no label map is taken for the lesions'" : "the lesions' label maps are \(list(taken))"
    ]
    if !open.isEmpty {
      parts.append("the name of \(list(open)) does not say lesion or tumour, but at most \(most) are marked")
    }
    if !others.isEmpty {
      parts.append("left out, being named as something else or marking more than \(most): \(list(others))")
    }
    if !further.isEmpty { parts.append("left out, as one map is used: \(list(further))") }
    if taken.isEmpty { parts.append("a map of lesions has lesion, tumour or WMH in its name: label-lesion") }
    if let rule { parts.append("choose with \(Term.picks("\(rule)"))") }
    return [parts.joined(separator: "; ")]
  }
}

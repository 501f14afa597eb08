import Failures
import Files

extension Splits {
  /// Reads a user's split: `{"train": ["sub-01", ...], "validation": [...], "test": [...]}`.
  ///
  /// Any may be left out or empty, but not all. Throws `.notFound` for an unreadable file, `.malformed` for other
  /// JSON or unknown keys, `.inconsistent` for a subject that is named twice, or none.
  public init(file path: String) throws {
    var settings = try Settings(Splits(train: []), unknown: .malformed)
    try settings.lay(file: path)
    self = settings.value
    var seen: Set<String> = []
    let repeated = all.filter { !seen.insert($0).inserted }
    guard repeated.isEmpty else {
      throw Failure(.inconsistent, "\(path): named more than once: \(Set(repeated).sorted().listed)")
    }
    guard !all.isEmpty else {
      throw Failure(.inconsistent, "\(path): names no subject to train, validate or test on")
    }
  }

  /// Throws `.inconsistent`, naming them, if the split has subjects that the cohort does not.
  public func check(against known: [String], file path: String) throws {
    let known = Set(known)
    let unknown = all.filter { !known.contains($0) }
    guard unknown.isEmpty else {
      let example = known.min().map { "; its subjects are named like \($0)" } ?? ""
      throw Failure(.inconsistent, "\(path): not in the cohort: \(unknown.sorted().listed)\(example)")
    }
  }
}

extension Array where Element == String {
  /// `a, b, c and 4 more`: a line stays a line whatever the length.
  var listed: String { listed(8) }

  /// The first `most` of them.
  func listed(_ most: Int) -> String {
    let shown = prefix(most).joined(separator: ", ")
    return count > most ? "\(shown) and \(count - most) more" : shown
  }
}

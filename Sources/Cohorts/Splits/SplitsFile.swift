import Failures
import Foundation

extension Splits {
  /// Reads a user's split: `{"train": ["sub-01", ...], "validation": [...], "test": [...]}`.
  ///
  /// Any may be left out or empty, but not all: a cohort may be there to be tested on alone. Throws `.notFound` for a file that cannot be read, `.malformed` for
  /// other JSON or unknown keys, `.inconsistent` for a subject that is named twice, or none.
  public init(file path: String) throws {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw Failure(.notFound, "\(path): no such file")
    }
    guard !isFolder.boolValue else {
      throw Failure(.notFound, "\(path): is a folder; give a JSON file with train, validation and test")
    }
    guard let data = FileManager.default.contents(atPath: path) else {
      throw Failure(.notFound, "\(path): cannot be read; check its permissions")
    }
    guard let object = try? JSONSerialization.jsonObject(with: data) as? [String: Any] else {
      throw Failure(
        .malformed, "\(path): is not a JSON object; write {\"train\": [\"sub-01\"], \"test\": []}")
    }
    let known = Split.allCases.map(\.rawValue)
    let unknown = object.keys.filter { !known.contains($0) }.sorted()
    guard unknown.isEmpty else {
      throw Failure(
        .malformed,
        "\(path): unknown key\(unknown.count > 1 ? "s" : "") \(unknown.quoted);"
          + " known are \(known.joined(separator: ", "))")
    }
    self.init(train: [])
    for split in Split.allCases {
      guard let value = object[split.rawValue] else { continue }
      guard let list = value as? [String] else {
        throw Failure(.malformed, "\(path): '\(split.rawValue)' is not a list of subject names")
      }
      self[split] = list
    }
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

  /// `'a', 'b'`
  var quoted: String { map { "'\($0)'" }.listed }
}

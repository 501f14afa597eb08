import Failures
import Foundation

/// Reading JSON that people wrote: what is wrong is said in one line with file, line and column.
public enum StrictJSON {
  /// Parses a document.
  /// - Parameter file: the name used in messages.
  /// - Throws: a `Failure` of this kind, such as `run.json:3:14: a colon is expected here`.
  public static func parse(
    _ data: Data, file: String, kind: Failure.Kind = .malformed
  ) throws -> JSONValue {
    do {
      return try data.withUnsafeBytes { try JSONParser.parse($0) }
    } catch let error as JSONParser.Problem {
      throw Failure(kind, "\(place(error.offset, data, file)): \(error.what)")
    }
  }

  /// Decodes a document whose every key must be known.
  /// - Parameters:
  ///   - keys: the known keys by the place of their object: `""` is the document, `"network"` the object under
  ///     that key, `"subjects/*"` any element or member below. Objects at other places are not checked.
  ///   - file: the name used in messages.
  /// - Throws: a `Failure` of this kind for malformed JSON, an unknown key (with the known ones), a missing key
  ///   or a value of the wrong type; a `Failure` thrown by the type itself passes through.
  public static func decode<Value: Decodable>(
    _ type: Value.Type = Value.self, from data: Data, file: String, keys: [String: [String]],
    kind: Failure.Kind = .malformed
  ) throws -> Value {
    let document = try parse(data, file: file, kind: kind)
    try check(document, path: [], keys: keys) { offset, what in
      Failure(kind, "\(place(offset, data, file)): \(what)")
    }
    do { return try JSONDecoder().decode(type, from: data) } catch let error as DecodingError {
      let (path, what) = explain(error)
      throw Failure(kind, "\(place(offset(of: path, in: document), data, file)): \(what)")
    }
  }

  /// Decodes a document of which only the outermost object's keys are checked.
  public static func decode<Value: Decodable>(
    _ type: Value.Type = Value.self, from data: Data, file: String, keys: [String],
    kind: Failure.Kind = .malformed
  ) throws -> Value {
    try decode(type, from: data, file: file, keys: ["": keys], kind: kind)
  }

  private static func check(
    _ value: JSONValue, path: [String], keys: [String: [String]], failure: (Int, String) -> Failure
  ) throws {
    for element in value.elements ?? [] {
      try check(element, path: path + ["*"], keys: keys, failure: failure)
    }
    guard let members = value.members else { return }
    let known = keys[path.joined(separator: "/")]
    for member in members {
      if let known, !known.contains(member.key) {
        let guess = member.key.nearest(of: known).map { "; did you mean \"\($0)\"?" } ?? ""
        throw failure(
          member.offset,
          "unknown key \"\(member.key.printable)\"\(guess) (known: \(known.joined(separator: ", ")))")
      }
      // A named place goes before the wildcard.
      let named = path + [member.key]
      let prefix = named.joined(separator: "/")
      let isNamed = keys.keys.contains { $0 == prefix || $0.hasPrefix(prefix + "/") }
      try check(member.value, path: isNamed ? named : path + ["*"], keys: keys, failure: failure)
    }
  }

  private static func explain(_ error: DecodingError) -> (path: [any CodingKey], what: String) {
    func named(_ context: DecodingError.Context) -> String {
      guard let key = context.codingPath.last else { return "the document" }
      return key.intValue.map { "element \($0 + 1)" } ?? "\"\(key.stringValue.printable)\""
    }
    switch error {
    case .keyNotFound(let key, let context):
      let place = context.codingPath.isEmpty ? "" : " in \(named(context))"
      return (context.codingPath, "the key \"\(key.stringValue)\" is missing\(place)")
    case .typeMismatch(let type, let context):
      return (context.codingPath, "\(named(context)) should be \(noun(type))")
    case .valueNotFound(let type, let context):
      return (context.codingPath, "\(named(context)) is null but should be \(noun(type))")
    case .dataCorrupted(let context):
      return (context.codingPath, "\(named(context)): \(context.debugDescription)")
    @unknown default: return ([], "\(error)")
    }
  }

  /// What a person calls a type.
  package static func noun(_ type: Any.Type) -> String {
    if type is String.Type { return "text" }
    if type is Bool.Type { return "true or false" }
    if type is any BinaryInteger.Type { return "a whole number" }
    if type is any BinaryFloatingPoint.Type { return "a number" }
    let name = "\(type)"
    if name.hasPrefix("Array") || name.hasPrefix("Set") { return "a list" }
    return name.hasPrefix("Dictionary") ? "an object" : name
  }

  /// The byte at which the deepest key on the way to a value starts.
  private static func offset(of path: [any CodingKey], in document: JSONValue) -> Int {
    var offset = 0
    var value = document
    for key in path {
      if let index = key.intValue, let elements = value.elements, elements.indices.contains(index) {
        value = elements[index]
      } else if let member = value.member(key.stringValue) {
        offset = member.offset
        value = member.value
      } else {
        break
      }
    }
    return offset
  }

  /// `file:line:column`, both counted from 1, the column in characters of Unicode.
  private static func place(_ offset: Int, _ data: Data, _ file: String) -> String {
    let before = data.prefix(offset)
    let line = before.reduce(1) { $1 == UInt8(ascii: "\n") ? $0 + 1 : $0 }
    let start = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? before.startIndex
    let column = String(decoding: before[start...], as: UTF8.self).unicodeScalars.count + 1
    return "\(file):\(line):\(column)"
  }
}

import Failures
import Foundation

/// Reading JSON to the letter: what is wrong is said in one line with file, line and column.
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

  /// Decodes a document that was parsed; keys that the type does not know are passed over.
  /// - Parameters:
  ///   - data: the document as it was read, for messages.
  ///   - file: the name used in messages.
  /// - Throws: a `Failure` of this kind for a missing key or a value of the wrong kind, and what the type itself throws.
  public static func decode<Value: Decodable>(
    _ document: JSONValue, as type: Value.Type = Value.self, of data: Data, file: String,
    kind: Failure.Kind = .malformed
  ) throws -> Value {
    do { return try document.decoded() } catch let misfit as Misfit {
      throw Failure(kind, "\(place(document.offset(of: misfit.path), data, file)): \(misfit)")
    }
  }

  /// `file:line:column`, both counted from 1, the column in characters of Unicode.
  static func place(_ offset: Int, _ data: Data, _ file: String) -> String {
    let before = data.prefix(offset)
    let line = before.reduce(1) { $1 == UInt8(ascii: "\n") ? $0 + 1 : $0 }
    let start = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? before.startIndex
    let column = String(decoding: before[start...], as: UTF8.self).unicodeScalars.count + 1
    return "\(file):\(line):\(column)"
  }
}

import Foundation

/// A JSON document as written: members in their order, whole numbers apart from fractions.
public enum JSONValue: Sendable, Equatable {
  case null
  case bool(Bool)
  /// A number without fraction or exponent: whatever fits 64 bits, with a sign or without, and more.
  case integer(Int128)
  /// Any other number.
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object([Member])

  /// One `"key": value` of an object. No key occurs twice in one object.
  public struct Member: Sendable, Equatable {
    public var key: String
    public var value: JSONValue
    /// Where the key's opening quote lies, in bytes from the document's start.
    public var offset: Int

    package init(key: String, value: JSONValue, offset: Int = 0) {
      (self.key, self.value, self.offset) = (key, value, offset)
    }

    /// Two members are equal when key and value are, wherever they stand.
    public static func == (a: Member, b: Member) -> Bool { a.key == b.key && a.value == b.value }
  }

  /// The value of a member; nil where this is no object or has no such key.
  public subscript(key: String) -> JSONValue? { member(key)?.value }

  package func member(_ key: String) -> Member? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.key == key }
  }

  package var members: [Member]? {
    if case .object(let members) = self { members } else { nil }
  }

  package var elements: [JSONValue]? {
    if case .array(let elements) = self { elements } else { nil }
  }

  package var string: String? {
    if case .string(let text) = self { text } else { nil }
  }

  package var integer: Int? {
    if case .integer(let number) = self { Int(exactly: number) } else { nil }
  }

  /// As JSON without spaces.
  package var text: String {
    switch self {
    case .null: "null"
    case .bool(let value): "\(value)"
    case .integer(let number): "\(number)"
    case .number(let number): "\(number)"
    case .string(let text): text.quotedForJSON
    case .array(let elements): "[\(elements.map(\.text).joined(separator: ","))]"
    case .object(let members):
      "{\(members.map { "\($0.key.quotedForJSON):\($0.value.text)" }.joined(separator: ","))}"
    }
  }
}

extension Encodable {
  /// As JSON with its keys sorted: equal values give equal text.
  /// - Parameter pretty: on indented lines, without one end after the last.
  package func json(pretty: Bool = true) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    if pretty { encoder.outputFormatting.insert(.prettyPrinted) }
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }
}

extension String {
  /// As a JSON string: only what must be escaped is.
  package var quotedForJSON: String {
    var text = "\""
    for scalar in unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      case "\u{0}"..<" ": text += String(format: "\\u%04x", scalar.value)
      default: text.unicodeScalars.append(scalar)
      }
    }
    return text + "\""
  }
}

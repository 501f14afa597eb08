/// A JSON document as written: members in their order, whole numbers apart from fractions.
public enum JSONValue: Sendable, Equatable {
  case null
  case bool(Bool)
  /// A number without fraction or exponent that fits 64 bits.
  case integer(Int)
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
    if case .integer(let number) = self { number } else { nil }
  }
}

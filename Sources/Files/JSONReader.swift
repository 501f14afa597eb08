/// A value that does not decode, and where.
struct Misfit: Error, CustomStringConvertible {
  var path: [any CodingKey]
  /// What follows the name of the place, without Swift's words: ` must be text`.
  var what: String

  /// `stages.element 1: top is not known; known are …`
  var description: String {
    let keys = path.map { key in key.intValue.map { "element \($0 + 1)" } ?? key.stringValue.printable }
    return (keys.isEmpty ? "the document" : keys.joined(separator: ".")) + what
  }

  init(_ path: [any CodingKey], _ what: String) { (self.path, self.what) = (path, what) }

  /// What a type's own initialiser throws.
  init(_ error: DecodingError) {
    switch error {
    case .keyNotFound(let key, let context): self.init(context.codingPath + [key], " is missing")
    case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
      self.init(context.codingPath, ": \(context.debugDescription)")
    @unknown default: self.init([], ": \(error)")
    }
  }
}

extension JSONValue {
  /// Reads a type. Whole numbers may be written as fractions of no remainder, never as text.
  /// - Throws: `Misfit`, and whatever but `DecodingError` a type's own initialiser throws.
  func decoded<Value: Decodable>(as type: Value.Type = Value.self) throws -> Value {
    do { return try JSONReader(value: self, codingPath: []).decode(type) } catch let error as DecodingError {
      throw Misfit(error)
    }
  }

  /// The byte at which the deepest key on the way to a value starts.
  func offset(of path: [any CodingKey]) -> Int {
    var (offset, value) = (0, self)
    for key in path {
      if let index = key.intValue, let elements = value.elements, elements.indices.contains(index) {
        value = elements[index]
      } else if let member = value.member(key.stringValue) {
        (offset, value) = (member.offset, member.value)
      } else {
        break
      }
    }
    return offset
  }
}

/// One value, as types read it.
private struct JSONReader: Decoder, SingleValueDecodingContainer {
  let value: JSONValue
  let codingPath: [any CodingKey]
  /// The list that it is an element of.
  var list: JSONValue?
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  func container<Key: CodingKey>(keyedBy _: Key.Type) throws -> KeyedDecodingContainer<Key> {
    guard let members = value.members else { throw misfit("an object") }
    return KeyedDecodingContainer(JSONMembers(members: members, codingPath: codingPath))
  }

  func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
    guard let elements = value.elements else { throw misfit("a list") }
    return JSONElements(list: value, elements: elements, codingPath: codingPath)
  }

  func singleValueContainer() -> any SingleValueDecodingContainer { self }

  func decodeNil() -> Bool { value == .null }

  func decode<T: Decodable>(_ type: T.Type) throws -> T {
    let plain: Any?
    switch type {
    case is Bool.Type: plain = value.bool
    case is String.Type: plain = value.string
    case let type as any BinaryInteger.Type: plain = value.whole(type)
    case let type as any BinaryFloatingPoint.Type: plain = value.real(type)
    default: return try T(from: self)
    }
    guard let plain = plain as? T else { throw misfit(type) }
    return plain
  }

  private func misfit(_ type: Any.Type) -> Misfit {
    if type is Bool.Type { return misfit("true or false") }
    if type is String.Type { return misfit("text") }
    let noun = type is any BinaryInteger.Type ? "whole number" : "number"
    guard value.isNumber else { return misfit("a \(noun)") }
    // Of a list of numbers, all are shown.
    if let list {
      let shown = list.text.printable
      return Misfit(Array(codingPath.dropLast()), " is \(shown); it must be \(noun)s in range")
    }
    return Misfit(codingPath, " is \(value.text.printable); it must be a \(noun) in range")
  }

  private func misfit(_ noun: String) -> Misfit {
    Misfit(codingPath, value == .null ? " is null, but must be \(noun)" : " must be \(noun)")
  }
}

extension JSONValue {
  fileprivate var bool: Bool? {
    if case .bool(let value) = self { value } else { nil }
  }

  fileprivate var isNumber: Bool { real(Double.self) != nil }

  /// The number, if it is one of this type's.
  fileprivate func whole<Number: BinaryInteger>(_: Number.Type) -> Number? {
    switch self {
    case .integer(let number): Number(exactly: number)
    case .number(let number): Number(exactly: number)
    default: nil
    }
  }

  /// The nearest number of this type, if it is none beyond its range.
  fileprivate func real<Number: BinaryFloatingPoint>(_: Number.Type) -> Number? {
    switch self {
    case .integer(let number): Number(number)
    case .number(let number): Number(number).isFinite ? Number(number) : nil
    default: nil
    }
  }
}

private struct JSONMembers<Key: CodingKey>: KeyedDecodingContainerProtocol {
  let members: [JSONValue.Member]
  let codingPath: [any CodingKey]

  var allKeys: [Key] { members.compactMap { Key(stringValue: $0.key) } }
  func contains(_ key: Key) -> Bool { members.contains { $0.key == key.stringValue } }
  func decodeNil(forKey key: Key) throws -> Bool { try reader(key).decodeNil() }
  func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T { try reader(key).decode(type) }
  func nestedContainer<Inner: CodingKey>(keyedBy type: Inner.Type, forKey key: Key) throws
    -> KeyedDecodingContainer<Inner>
  { try reader(key).container(keyedBy: type) }
  func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
    try reader(key).unkeyedContainer()
  }
  func superDecoder() -> any Decoder { JSONReader(value: .object(members), codingPath: codingPath) }
  func superDecoder(forKey key: Key) throws -> any Decoder { try reader(key) }

  private func reader(_ key: Key) throws -> JSONReader {
    guard let member = members.first(where: { $0.key == key.stringValue }) else {
      throw Misfit(codingPath + [key], " is missing")
    }
    return JSONReader(value: member.value, codingPath: codingPath + [key])
  }
}

private struct JSONElements: UnkeyedDecodingContainer {
  let list: JSONValue
  let elements: [JSONValue]
  let codingPath: [any CodingKey]
  var currentIndex = 0

  var count: Int? { elements.count }
  var isAtEnd: Bool { currentIndex == elements.count }

  mutating func decodeNil() throws -> Bool {
    let isNil = try reader().decodeNil()
    if isNil { currentIndex += 1 }
    return isNil
  }
  mutating func decode<T: Decodable>(_ type: T.Type) throws -> T { try next { try $0.decode(type) } }
  mutating func nestedContainer<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key>
  {
    try next { try $0.container(keyedBy: type) }
  }
  mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
    try next { try $0.unkeyedContainer() }
  }
  mutating func superDecoder() throws -> any Decoder { try next { $0 } }

  private mutating func next<Result>(_ read: (JSONReader) throws -> Result) throws -> Result {
    let result = try read(reader())
    currentIndex += 1
    return result
  }

  private func reader() throws -> JSONReader {
    guard !isAtEnd else { throw Misfit(codingPath, " has only \(elements.count) elements") }
    return JSONReader(
      value: elements[currentIndex], codingPath: codingPath + [currentIndex.codingKey], list: list)
  }
}

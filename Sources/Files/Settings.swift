import Failures
import Foundation

/// Values with defaults, over which people lay what they write: JSON files that say only what differs, and `key=value`
/// pairs, whose dotted keys reach inside.
///
/// Every key must be one that the defaults have. Where the default is an object with a `name`, a text is its name.
/// What is laid is decoded at once, so that a message names the place.
public struct Settings<Value: Codable> {
  /// The defaults with all that was laid over them.
  public private(set) var value: Value
  /// What was laid, as dotted keys of where it stands.
  public private(set) var named: Set<String> = []
  private var tree: JSONValue
  private let moved: [String: String]
  private let unknown: Failure.Kind

  /// - Parameters:
  ///   - moved: outermost keys of earlier versions, and where their values stand now, as a dotted key.
  ///   - unknown: what an unknown key is called.
  public init(_ defaults: Value, moved: [String: String] = [:], unknown: Failure.Kind = .usage) throws {
    (value, self.moved, self.unknown) = (defaults, moved, unknown)
    tree = try JSONValue(defaults)
  }

  /// Lays a file over it.
  /// - Throws: `.notFound` for a missing file; `.malformed`, with line and column, for bad JSON or a wrong value.
  public mutating func lay(file: String) throws {
    guard let data = FileManager.default.contents(atPath: file) else {
      throw Failure(.notFound, "\(file): no such file, or it cannot be read")
    }
    try lay(data, named: file)
  }

  /// Lays a JSON document over it.
  /// - Throws: a failure of this kind for bad JSON or a value of the wrong kind, with line and column.
  public mutating func lay(_ data: Data, named name: String, kind: Failure.Kind = .malformed) throws {
    try lay(StrictJSON.parse(data, file: name, kind: kind), kind) { StrictJSON.place($0, data, name) }
  }

  /// Lays a `key=value` over it. What parses as JSON is taken so; the rest is text, so that names need no quotes.
  /// - Throws: `.usage`.
  public mutating func lay(_ argument: String, origin: String) throws {
    guard let equals = argument.firstIndex(of: "=") else {
      throw Failure(.usage, "\(origin): write key=value")
    }
    let text = String(argument[argument.index(after: equals)...])
    let keys = argument[..<equals].split(separator: ".").map(String.init)
    guard !keys.isEmpty else { throw Failure(.usage, "\(origin): no key is named; write key=value") }
    let value = (try? StrictJSON.parse(Data(text.utf8), file: origin)) ?? .string(text)
    try lay(value.at(keys, offset: 0), .usage) { _ in origin }
  }

  private mutating func lay(
    _ changes: JSONValue, _ kind: Failure.Kind, place: (_ offset: Int) -> String
  ) throws {
    guard let changes = changes.members else {
      throw Failure(kind, "\(place(0)): must be a JSON object of settings")
    }
    var whole = tree
    for change in changes {
      let keys = moved[change.key].map { $0.split(separator: ".").map(String.init) } ?? [change.key]
      let placed = change.value.at(keys, offset: change.offset)
      whole = try laid(placed.members ?? [], over: whole, "", place)
    }
    do { value = try whole.decoded() } catch let misfit as Misfit {
      throw Failure(kind, "\(place(whole.offset(of: misfit.path))): \(misfit)")
    }
    tree = whole
  }

  private mutating func laid(
    _ changes: [JSONValue.Member], over object: JSONValue, _ path: String, _ place: (Int) -> String
  ) throws -> JSONValue {
    var members = object.members ?? []
    for change in changes {
      guard let index = members.firstIndex(where: { $0.key == change.key }) else {
        throw Failure(unknown, "\(place(change.offset)): \(complaint(change.key, among: members, path))")
      }
      let before = members[index].value
      members[index].offset = change.offset
      var inner = before.members == nil ? nil : change.value.members
      if change.value.string != nil, before["name"] != nil {
        inner = [.init(key: "name", value: change.value, offset: change.offset)]
      }
      if inner == nil { named.insert(path + change.key) }
      members[index].value =
        try inner.map { try laid($0, over: before, "\(path)\(change.key).", place) } ?? change.value
    }
    return .object(members)
  }

  private func complaint(_ key: String, among members: [JSONValue.Member], _ path: String) -> String {
    let known = (members.map(\.key) + (path.isEmpty ? Array(moved.keys) : [])).sorted()
    let guesses = key.nearest(of: known).map { [path + $0] } ?? tree.places(of: key)
    let guess = guesses.isEmpty ? "" : "; did you mean \(guesses.joined(separator: " or "))?"
    let list = known.map { path + $0 }.joined(separator: ", ")
    return "unknown key \(path)\(key.printable)\(guess) (known are \(list))"
  }
}

extension JSONValue {
  /// A value as it is encoded.
  public init(_ value: some Encodable) throws {
    self = try StrictJSON.parse(Data(value.json(pretty: false).utf8), file: "JSON", kind: .unexpected)
  }

  /// What differs from another of the same form, as `learningRate 0.1 instead of 0.0001`, in the order of the keys.
  package func differences(from other: JSONValue, _ path: String = "") -> [String] {
    guard let members, let others = other.members else {
      return self == other ? [] : ["\(path) \(text) instead of \(other.text)"]
    }
    return Set((members + others).map(\.key)).sorted().flatMap { key in
      (self[key] ?? .null).differences(from: other[key] ?? .null, path.isEmpty ? key : "\(path).\(key)")
    }
  }

  /// Objects around it, by the keys that lead to it.
  fileprivate func at(_ keys: [String], offset: Int) -> JSONValue {
    keys.reversed().reduce(self) { .object([Member(key: $1, value: $0, offset: offset)]) }
  }

  /// Where else a key stands: `pgan.weightL1` of `weightL1`.
  fileprivate func places(of key: String, _ path: String = "") -> [String] {
    (members ?? []).sorted { $0.key < $1.key }.flatMap { member in
      member.value.places(of: key, "\(path)\(member.key).") + (member.key == key ? [path + key] : [])
    }
  }
}

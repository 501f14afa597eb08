/// RFC 8259 to the letter, with or without a byte order mark: no duplicate keys, no comments, no trailing commas, no NaN, valid UTF-8 only.
struct JSONParser {
  /// What is wrong with a document, and at which byte.
  struct Problem: Error, Equatable {
    var what: String
    var offset: Int
  }

  private let bytes: UnsafeRawBufferPointer
  private let deepest: Int
  private var at = 0

  /// - Parameter deepest: how many arrays and objects may lie within each other.
  static func parse(_ bytes: UnsafeRawBufferPointer, deepest: Int = 128) throws(Problem) -> JSONValue {
    var parser = JSONParser(bytes: bytes, deepest: deepest)
    parser.at = bytes.withoutByteOrderMark.startIndex
    if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
      throw parser.problem("is UTF-16; save it as UTF-8")
    }
    let value = try parser.value(depth: 0)
    parser.skipSpace()
    if parser.at < bytes.count { throw parser.problem("something follows the end of the document") }
    return value
  }

  private init(bytes: UnsafeRawBufferPointer, deepest: Int) {
    self.bytes = bytes
    self.deepest = deepest
  }

  private var byte: UInt8? { at < bytes.count ? bytes[at] : nil }

  private func problem(_ what: String) -> Problem {
    Problem(what: at < bytes.count ? what : "the document ends too early", offset: at)
  }

  private mutating func skipSpace() {
    while at < bytes.count, case let c = bytes[at], c == 0x20 || c == 0x0A || c == 0x0D || c == 0x09 {
      at += 1
    }
  }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard byte == UInt8(ascii: character) else { return false }
    at += 1
    return true
  }

  private mutating func value(depth: Int) throws(Problem) -> JSONValue {
    skipSpace()
    guard let byte else { throw problem("") }
    switch byte {
    case UInt8(ascii: "{"): return try object(depth: depth + 1)
    case UInt8(ascii: "["): return try array(depth: depth + 1)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
    default: throw problem("a value is expected here")
    }
  }

  private mutating func word(_ text: StaticString, _ value: JSONValue) throws(Problem) -> JSONValue {
    for index in 0..<text.utf8CodeUnitCount {
      guard byte == text.utf8Start[index] else { throw problem("a value is expected here") }
      at += 1
    }
    return value
  }

  /// What stands between brackets, one item after another.
  private mutating func items(
    until end: Unicode.Scalar, depth: Int, _ item: (inout JSONParser) throws(Problem) -> Void
  ) throws(Problem) {
    if depth > deepest { throw problem("values are nested more than \(deepest) deep") }
    at += 1
    skipSpace()
    if take(end) { return }
    while true {
      try item(&self)
      skipSpace()
      if take(end) { return }
      guard take(",") else { throw problem("a comma or \(end) is expected here") }
      skipSpace()
    }
  }

  private mutating func object(depth: Int) throws(Problem) -> JSONValue {
    var members: [JSONValue.Member] = []
    var seen: Set<String> = []
    try items(until: "}", depth: depth) { parser throws(Problem) in
      let start = parser.at
      guard parser.byte == UInt8(ascii: "\"") else {
        throw parser.problem("a key in double quotes is expected here")
      }
      let key = try parser.string()
      guard seen.insert(key).inserted else {
        throw Problem(what: "the key \"\(key.printable)\" occurs twice", offset: start)
      }
      parser.skipSpace()
      guard parser.take(":") else { throw parser.problem("a colon is expected here") }
      members.append(.init(key: key, value: try parser.value(depth: depth), offset: start))
    }
    return .object(members)
  }

  private mutating func array(depth: Int) throws(Problem) -> JSONValue {
    var elements: [JSONValue] = []
    try items(until: "]", depth: depth) { parser throws(Problem) in
      elements.append(try parser.value(depth: depth))
    }
    return .array(elements)
  }

  private mutating func digits() throws(Problem) {
    let start = at
    while let c = byte, c >= UInt8(ascii: "0"), c <= UInt8(ascii: "9") { at += 1 }
    if at == start { throw problem("a digit is expected here") }
  }

  private mutating func number() throws(Problem) -> JSONValue {
    let start = at
    let negative = take("-")
    let first = at
    try digits()
    if bytes[first] == UInt8(ascii: "0"), at > first + 1 {
      throw Problem(what: "a number may not start with 0", offset: first)
    }
    var whole = true
    if take(".") {
      whole = false
      try digits()
    }
    if take("e") || take("E") {
      whole = false
      if !take("+") { _ = take("-") }
      try digits()
    }
    let text = String(decoding: bytes[start..<at], as: UTF8.self)
    // -0 is a fraction: an integer has no sign of zero.
    if whole, let integer = Int128(text), !(negative && integer == 0) { return .integer(integer) }
    guard let number = Double(text), number.isFinite else {
      throw Problem(what: "a number is too large", offset: start)
    }
    return .number(number)
  }

  private mutating func string() throws(Problem) -> String {
    let start = at
    at += 1
    var run = at
    var text: [UInt8] = []
    while true {
      guard let c = byte else { throw problem("") }
      if c == UInt8(ascii: "\"") {
        text += bytes[run..<at]
        at += 1
        guard let result = String(validating: text, as: UTF8.self) else {
          throw Problem(what: "a string is not UTF-8", offset: start)
        }
        return result
      }
      if c < 0x20 { throw problem("a control character inside a string must be escaped") }
      at += 1
      if c == UInt8(ascii: "\\") {
        text += bytes[run..<at - 1]
        text += try escape()
        run = at
      }
    }
  }

  private mutating func escape() throws(Problem) -> [UInt8] {
    guard let c = byte else { throw problem("") }
    at += 1
    switch c {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [c]
    case UInt8(ascii: "b"): return [0x08]
    case UInt8(ascii: "f"): return [0x0C]
    case UInt8(ascii: "n"): return [0x0A]
    case UInt8(ascii: "r"): return [0x0D]
    case UInt8(ascii: "t"): return [0x09]
    case UInt8(ascii: "u"):
      let half = Problem(what: "half of a surrogate pair is missing", offset: at - 2)
      var code = try codeUnit()
      if code & 0xFC00 == 0xD800, take("\\") {
        guard take("u") else { throw half }
        let low = try codeUnit()
        guard low & 0xFC00 == 0xDC00 else { throw half }
        code = 0x10000 + (code & 0x3FF) << 10 + low & 0x3FF
      }
      guard let scalar = Unicode.Scalar(code) else { throw half }
      return Array(String(Character(scalar)).utf8)
    default:
      at -= 1
      throw problem("no such escape in a string")
    }
  }

  private mutating func codeUnit() throws(Problem) -> UInt32 {
    var code: UInt32 = 0
    for _ in 0..<4 {
      guard let c = byte, let digit = Character(Unicode.Scalar(c)).hexDigitValue else {
        throw problem("four hexadecimal digits are expected here")
      }
      code = code << 4 | UInt32(digit)
      at += 1
    }
    return code
  }
}

extension String {
  /// At most 60 characters, without control characters: fit for one line of a message.
  package var printable: String {
    var text = ""
    for scalar in unicodeScalars.prefix(60) {
      text.unicodeScalars.append(scalar.properties.generalCategory == .control ? "?" : scalar)
    }
    return unicodeScalars.count > 60 ? text + "..." : text
  }
}

/// A setting that is one of a few names, which it knows itself: what does not decode says so, with the names there are.
public protocol Choice: RawRepresentable, CaseIterable, Codable, Sendable where RawValue == String {}

extension Choice {
  public init(from decoder: any Decoder) throws {
    let text = try decoder.singleValueContainer().decode(String.self)
    guard let value = Self(rawValue: text) else {
      let unknown = UnknownName(text, known: Self.names)
      throw DecodingError.dataCorrupted(
        .init(
          codingPath: decoder.codingPath, debugDescription: unknown.description, underlyingError: unknown))
    }
    self = value
  }

  public static var names: [String] { allCases.map(\.rawValue) }
}

/// A name that is none of those there are.
public struct UnknownName: Error, Sendable, CustomStringConvertible {
  public let name: String, known: [String]

  public init(_ name: String, known: [String]) { (self.name, self.known) = (name, known) }

  /// `speed is not known; known are noise, velocity, image`, with the name that was probably meant.
  public var description: String {
    let guess = name.nearest(of: known).map { "; did you mean \($0)?" } ?? ""
    return "\(name.isEmpty ? "''" : name.printable) is not known; known are \(known.joined(separator: ", "))"
      + guess
  }
}

extension String {
  /// The name that this one is a slip of, if any: one letter in three may be wrong, so that `age` is none of `name`.
  package func nearest(of known: [String]) -> String? {
    let lowered = lowercased()
    let near = known.map { (name: $0, distance: lowered.distance(to: $0.lowercased())) }
      .min { $0.distance < $1.distance }
    return near.flatMap { $0.distance <= Swift.max(1, (count + 1) / 3) ? $0.name : nil }
  }

  /// How many letters must be put in, taken out or exchanged (Levenshtein).
  func distance(to other: String) -> Int {
    let letters = Array(other.unicodeScalars)
    var row = Array(0...letters.count)
    for (i, letter) in unicodeScalars.enumerated() {
      var corner = row[0]
      row[0] = i + 1
      for j in letters.indices {
        let exchanged = corner + (letter == letters[j] ? 0 : 1)
        corner = row[j + 1]
        row[j + 1] = Swift.min(exchanged, corner + 1, row[j] + 1)
      }
    }
    return row[letters.count]
  }
}

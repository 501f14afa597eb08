/// What is measured: a column of a table, and how the field prints it. Files name it by its `rawValue`.
public protocol Measure: RawRepresentable<String>, Hashable, Sendable, Codable, CaseIterable,
  CodingKeyRepresentable
{
  /// Name and unit, as the head of a column.
  var heading: String { get }
  /// From the stored figure to the printed one.
  var scale: Double { get }
  var decimals: Int { get }
  /// Which figure is the better one; nil where neither is.
  var best: Table.Column.Best? { get }
}

/// Some of the measures with their values; the rest were not measured.
///
/// Stored as an object by the measures' names. JSON knows no infinity, so that is kept as the string `inf`.
public struct MeasuredValues<M: Measure>: Sendable, Equatable, Codable {
  private var values: [M: Double] = [:]

  public init() {}

  public subscript(_ measure: M) -> Double? {
    get { values[measure] }
    set { values[measure] = newValue }
  }

  public init(from decoder: any Decoder) throws {
    values = try [M: Figure](from: decoder).mapValues(\.value)
  }

  public func encode(to encoder: any Encoder) throws {
    try values.mapValues(Figure.init).encode(to: encoder)
  }
}

/// A number as files have it: `inf`, `-inf` and `nan` are texts in JSON.
struct Figure: Codable {
  var value: Double

  init(_ value: Double) { self.value = value }

  /// Every digit, as in CSV.
  var text: String { value.isNaN ? "nan" : "\(value)" }

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    guard let text = try? container.decode(String.self) else {
      value = try container.decode(Double.self)
      return
    }
    guard ["inf", "-inf", "nan"].contains(text), let special = Double(text) else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "\(text) is neither a number nor inf, nan")
    }
    value = special
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    if value.isFinite { try container.encode(value) } else { try container.encode(text) }
  }
}

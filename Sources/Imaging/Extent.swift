/// How many voxels an image or a volume has along each axis, slowest first: rows and columns, or planes, rows and columns.
public struct Extent: Codable, Sendable, Hashable, CustomStringConvertible {
  public var sizes: [Int]

  public init(_ sizes: Int...) { self.init(sizes: sizes) }

  public init(sizes: [Int]) {
    precondition((2...3).contains(sizes.count))
    self.sizes = sizes
  }

  /// Voxels.
  public var count: Int { sizes.reduce(1, *) }
  /// 2 or 3.
  public var dimensions: Int { sizes.count }

  /// `256 x 256`
  public var description: String { sizes.map(String.init).joined(separator: " x ") }

  public init(from decoder: any Decoder) throws {
    self.init(sizes: try decoder.singleValueContainer().decode([Int].self))
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(sizes)
  }
}

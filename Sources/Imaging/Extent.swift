import Failures

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
  public var columns: Int { sizes[dimensions - 1] }
  public var rows: Int { sizes[dimensions - 2] }
  /// 1 for an image.
  public var planes: Int { dimensions == 3 ? sizes[0] : 1 }

  /// `256 x 256`
  public var description: String { sizes.map(String.init).joined(separator: " x ") }
  /// As it is written where no blank may be: `256x256`.
  public var word: String { sizes.map(String.init).joined(separator: "x") }

  /// A list of two or three positive numbers.
  public init(from decoder: any Decoder) throws {
    let sizes = try [Int](from: decoder)
    guard (2...3).contains(sizes.count), sizes.allSatisfy({ (1...Region.largestSide).contains($0) }) else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: "\(sizes) is the size of no image or volume"))
    }
    self.init(sizes: sizes)
  }

  public func encode(to encoder: any Encoder) throws { try sizes.encode(to: encoder) }
}

/// What a network sees of a volume at a time: `slice`, `slab:3` or `patch:96x96x96`.
public enum Region: Codable, Sendable, Hashable, CustomStringConvertible {
  /// One axial slice.
  case slice
  /// A slice between its neighbours, so many in all: an odd number.
  case slab(Int)
  /// A box of planes, rows and columns.
  case patch(Extent)

  /// Voxels that a side may have.
  static let largestSide = 1 << 16
  /// Slices that a slab may have.
  private static let thickest = 63

  /// Reads what `description` writes; throws `.usage`, saying what is wrong.
  public init(_ text: String) throws {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    switch (parts[0], parts.count) {
    case ("slice", 1): self = .slice
    case ("slab", 2):
      guard let count = Int(parts[1]), count % 2 == 1, (1...Self.thickest).contains(count) else {
        throw Failure(
          .usage, "'\(text)': a slab has an odd number of slices up to \(Self.thickest), such as slab:3")
      }
      self = .slab(count)
    case ("patch", 2):
      let sides = parts[1].split(separator: "x", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
      guard sides.count == 3, sides.allSatisfy({ (1...Self.largestSide).contains($0) }) else {
        throw Failure(
          .usage, "'\(text)': a patch has three sides (planes, rows, columns), such as patch:96x96x96")
      }
      self = .patch(Extent(sizes: sides))
    default:
      throw Failure(.usage, "'\(text)' is no region: write slice, slab:3 or patch:96x96x96")
    }
  }

  public var description: String {
    switch self {
    case .slice: "slice"
    case .slab(let count): "slab:\(count)"
    case .patch(let extent): "patch:\(extent.word)"
    }
  }

  /// What a sample is called, in the plural.
  public var samples: String {
    switch self {
    case .slice: "slices"
    case .slab: "slabs"
    case .patch: "patches"
    }
  }

  /// Slices that a network sees beside each other as channels: of a slab all, else 1.
  public var depth: Int { if case .slab(let count) = self { count } else { 1 } }

  /// 3 for patches, which are volumes, else 2.
  public var dimensions: Int { if case .patch(let extent) = self { extent.dimensions } else { 2 } }

  /// The extent of a sample, where slices have the extent `slice`.
  public func extent(ofSlices slice: Extent) -> Extent {
    if case .patch(let extent) = self { extent } else { slice }
  }

  /// The same for volumes that have at most these planes, rows and columns: a patch is along no axis larger than they need.
  /// - Parameters:
  ///   - multiple: what the sides are to be multiples of, so that networks can halve them; those that were asked for stay.
  ///   - least: voxels that a side is to have, where it was asked for so many.
  public func fitted(to largest: Extent, multiple: Int = 8, least: Int = 1) -> Region {
    guard case .patch(let extent) = self else { return self }
    return .patch(
      Extent(
        sizes: zip(extent.sizes, largest.sizes).map { asked, size in
          min(asked, max((size + multiple - 1) / multiple * multiple, least))
        }))
  }

  public init(from decoder: any Decoder) throws { try self.init(String(from: decoder)) }

  public func encode(to encoder: any Encoder) throws { try description.encode(to: encoder) }
}

import Failures

/// Which axial slices of a volume are used: `central:90` (IXI), `37-116` (BraTS2023) or `all`.
public enum SliceRule: Sendable, Equatable, Codable, CustomStringConvertible {
  /// The middle N slices; of a stack thinner than N, all but the first and the last.
  case central(Int)
  /// These indices, counted from the feet, both included.
  case range(ClosedRange<Int>)
  /// Every slice with anything in it.
  case all

  /// Slices a stack can have.
  private static let most = 1 << 16

  /// Reads `central:N`, `A-B` or `all`; throws `.usage` for anything else.
  public init(_ text: String) throws {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
    if text == "all" {
      self = .all
    } else if text.hasPrefix("central:"), let count = Int(text.dropFirst(8)), (1...Self.most).contains(count)
    {
      self = .central(count)
    } else if parts.count == 2, let first = parts[0], let last = parts[1], first <= last,
      last < Self.most
    {
      self = .range(first...last)
    } else {
      let forms = "central:90, 37-116 (first-last, from 0) or all, up to \(Self.most) slices"
      throw Failure(.usage, "'\(text)' is no slice rule: write \(forms)")
    }
  }

  public var description: String {
    switch self {
    case .central(let count): "central:\(count)"
    case .range(let range): "\(range.lowerBound)-\(range.upperBound)"
    case .all: "all"
    }
  }

  /// The indices used of a stack of `depth` slices; for `.all`, before empty ones are dropped.
  ///
  /// Throws `.inconsistent` for a range that the stack does not hold, or where nothing is left.
  public func indices(depth: Int) throws -> Range<Int> {
    switch self {
    case .all:
      return 0..<depth
    case .central(let count) where depth >= count:
      let start = (depth - count) / 2
      return start..<start + count
    case .central:
      guard depth > 2 else {
        throw Failure(.inconsistent, "has only \(depth) slices, of which \(self) leaves none")
      }
      return 1..<depth - 1
    case .range(let range):
      guard range.upperBound < depth else {
        let cure = "use \(Term.slices("central:N")) or all"
        throw Failure(.inconsistent, "has \(depth) slices, so slices \(self) are not there; \(cure)")
      }
      return range.lowerBound..<range.upperBound + 1
    }
  }

  public init(from decoder: any Decoder) throws { try self.init(String(from: decoder)) }

  public func encode(to encoder: any Encoder) throws { try description.encode(to: encoder) }
}

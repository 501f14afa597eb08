import Failures
import Foundation

/// A safetensors file: named tensors as plain bytes behind a JSON header. Nothing in it can be executed.
///
/// Layout: the header's size (64 bits, little endian), the header (JSON, padded with spaces to 8 bytes), then the
/// tensors' bytes, little endian and row-major, without holes. The file is mapped: a tensor costs no memory until it is used.
public struct Safetensors: Sendable {
  /// One tensor's place in the file.
  public struct Entry: Sendable, Equatable {
    public var name: String
    public var type: DataType
    /// The extents, slowest first; empty for a scalar.
    public var shape: [Int]
    /// Where its bytes lie, counted from the end of the header.
    public var bytes: Range<Int>

    /// How many elements there are.
    public var count: Int { bytes.count / type.size }
  }

  /// In the order of their bytes.
  public let entries: [Entry]
  /// What `__metadata__` says, without the checksum.
  public let metadata: [String: String]
  /// Of the contents, where the file carries one: what Python's safetensors and aginet 0.1.0 wrote has none.
  package let checksum: String?
  /// The file, for messages.
  public let path: String
  private let buffer: Data
  private let places: [String: Int]

  /// The largest header read or written, in bytes: the limit of the reference implementation.
  public static let largestHeader = 100_000_000

  /// Maps a file and checks its header.
  /// - Parameter verifying: false where only names and metadata are asked for, and whoever reads the tensors opens the
  ///   file again: comparing the checksum reads all of it.
  /// - Throws: `.notFound` for a missing file, `.invalidModel` for bad safetensors (see ``init(_:path:verifying:)``).
  public init(contentsOf path: String, verifying: Bool = true) throws {
    var info = stat()
    guard stat(path, &info) == 0 else { throw Failure.cannotRead(path, errno) }
    guard info.st_mode & S_IFMT == S_IFREG else {
      let kind = info.st_mode & S_IFMT == S_IFDIR ? "is a folder" : "is not a regular file"
      throw Failure(.notFound, "\(path): \(kind); a .safetensors file is needed")
    }
    guard info.st_size > 0 else {
      throw Failure(.invalidModel, "\(path): is empty; a .safetensors file is needed")
    }
    guard let data = try? Data(contentsOf: URL(fileURLWithPath: path), options: .alwaysMapped) else {
      throw Failure.cannotRead(path, errno)
    }
    try self.init(data, path: path, verifying: verifying)
  }

  /// Checks the bytes of a whole file.
  ///
  /// Refused are a pickle or zip archive, a header that is cut, over 100 MB or not strict JSON, duplicate
  /// names, unknown types or keys, negative or overflowing shapes, byte ranges that do not fit their shape,
  /// overlap, leave a hole, or do not end where the file ends. A file that carries a checksum is read to the end.
  /// - Parameter path: the name used in messages.
  /// - Throws: `Failure(.invalidModel)`.
  public init(_ data: Data, path: String, verifying: Bool = true) throws {
    let header = try SafetensorsHeader(data, path: path)
    self.path = path
    entries = header.entries
    checksum = header.metadata[SafetensorsChecksum.key]
    metadata = header.metadata.filter { $0.key != SafetensorsChecksum.key }
    buffer = data.dropFirst(header.size)
    places = Dictionary(uniqueKeysWithValues: zip(entries.map(\.name), entries.indices))
    if verifying { try verify() }
  }

  /// The tensor of that name, or nil.
  public subscript(name: String) -> Entry? { places[name].map { entries[$0] } }

  /// Lends an entry's bytes without copying them; they need not be aligned.
  public func withBytes<Result>(
    of entry: Entry, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) rethrows -> Result {
    try buffer.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0[entry.bytes])) }
  }

  /// A tensor's elements, copied.
  /// - Throws: `.invalidModel` where the file has no such tensor or holds it in another type.
  public func values<Element: SafetensorsElement>(
    of name: String, as _: Element.Type = Element.self
  ) throws -> [Element] {
    guard let entry = self[name] else {
      throw Failure(.invalidModel, "\(path): has no tensor named \"\(name.printable)\"")
    }
    guard entry.type == Element.safetensorsType else {
      let types = "\(entry.type.rawValue), not \(Element.safetensorsType.rawValue)"
      throw Failure(.invalidModel, "\(path): tensor \"\(name.printable)\" is \(types)")
    }
    return withBytes(of: entry) { bytes in
      [Element](unsafeUninitializedCapacity: entry.count) { elements, count in
        UnsafeMutableRawBufferPointer(elements).copyMemory(from: bytes)
        count = entry.count
      }
    }
  }
}

extension Safetensors {
  /// What one element is; the raw value is the format's own name.
  public enum DataType: String, Sendable, CaseIterable {
    case f64 = "F64"
    case f32 = "F32"
    case f16 = "F16"
    case bf16 = "BF16"
    case i64 = "I64"
    case i32 = "I32"
    case i16 = "I16"
    case i8 = "I8"
    case u64 = "U64"
    case u32 = "U32"
    case u16 = "U16"
    case u8 = "U8"
    case bool = "BOOL"

    /// Bytes an element takes.
    public var size: Int {
      switch self {
      case .f64, .i64, .u64: 8
      case .f32, .i32, .u32: 4
      case .f16, .bf16, .i16, .u16: 2
      case .i8, .u8, .bool: 1
      }
    }

    /// The bytes of a tensor of this shape; nil where an extent is negative or the product overflows.
    package func byteCount(of shape: [Int]) -> Int? {
      shape.reduce(size) { total, extent in
        guard let total, extent >= 0 else { return nil }
        let (product, overflow) = total.multipliedReportingOverflow(by: extent)
        return overflow ? nil : product
      }
    }
  }
}

/// A Swift number that lies in a safetensors file as it lies in memory.
public protocol SafetensorsElement: BitwiseCopyable, Sendable {
  static var safetensorsType: Safetensors.DataType { get }
}

extension Double: SafetensorsElement { public static var safetensorsType: Safetensors.DataType { .f64 } }
extension Float: SafetensorsElement { public static var safetensorsType: Safetensors.DataType { .f32 } }
extension Float16: SafetensorsElement { public static var safetensorsType: Safetensors.DataType { .f16 } }
extension Int: SafetensorsElement { public static var safetensorsType: Safetensors.DataType { .i64 } }
extension Int64: SafetensorsElement { public static var safetensorsType: Safetensors.DataType { .i64 } }
extension Int32: SafetensorsElement { public static var safetensorsType: Safetensors.DataType { .i32 } }
extension Int16: SafetensorsElement { public static var safetensorsType: Safetensors.DataType { .i16 } }
extension Int8: SafetensorsElement { public static var safetensorsType: Safetensors.DataType { .i8 } }
extension UInt64: SafetensorsElement { public static var safetensorsType: Safetensors.DataType { .u64 } }
extension UInt32: SafetensorsElement { public static var safetensorsType: Safetensors.DataType { .u32 } }
extension UInt16: SafetensorsElement { public static var safetensorsType: Safetensors.DataType { .u16 } }
extension UInt8: SafetensorsElement { public static var safetensorsType: Safetensors.DataType { .u8 } }

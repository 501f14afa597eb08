import Failures
import Foundation

extension Safetensors {
  /// A tensor to write: what the header says, and how to get at the bytes when their turn comes.
  public struct Tensor {
    public var name: String
    public var type: DataType
    public var shape: [Int]
    /// Lends the bytes, little endian and row-major, to its argument: once, or in consecutive pieces.
    public var bytes: ((UnsafeRawBufferPointer) throws -> Void) throws -> Void

    public init(
      _ name: String, _ type: DataType, shape: [Int],
      bytes: @escaping ((UnsafeRawBufferPointer) throws -> Void) throws -> Void
    ) {
      (self.name, self.type, self.shape, self.bytes) = (name, type, shape, bytes)
    }

    public init(_ name: String, _ type: DataType, shape: [Int], data: Data) {
      self.init(name, type, shape: shape) { take in try data.withUnsafeBytes { try take($0) } }
    }

    public init<Element: SafetensorsElement>(_ name: String, shape: [Int], values: [Element]) {
      self.init(name, Element.safetensorsType, shape: shape) { take in
        try values.withUnsafeBytes { try take($0) }
      }
    }
  }

  /// Writes a file atomically, one tensor at a time, so that no second copy of a model is held.
  ///
  /// As in the reference implementation wider types come first, in the given order within a width, so that
  /// every tensor is aligned to its element; metadata keys are sorted. Equal arguments give equal bytes. The file
  /// carries a checksum of its contents (`aginet.crc32c` in the metadata), which reading verifies.
  /// - Throws: `.cannotWrite` with the system's reason, `.unexpected` where a name occurs twice or a tensor
  ///   does not give as many bytes as its shape asks for; what was at `path` before is then still there.
  public static func write(_ tensors: [Tensor], metadata: [String: String] = [:], to path: String) throws {
    let ordered = [8, 4, 2, 1].flatMap { width in tensors.filter { $0.type.size == width } }
    var metadata = metadata
    metadata[SafetensorsChecksum.key] = SafetensorsChecksum.unknown
    let (header, counts) = try header(of: ordered, metadata: metadata, path: path)
    let file = try AtomicFile(path)
    try file.append(header)
    var checksum = SafetensorsChecksum()
    for (tensor, count) in zip(ordered, counts) {
      var (rest, crc) = (count, CRC32C())
      try tensor.bytes { piece in
        rest -= piece.count
        guard rest >= 0 else { return }
        crc.update(piece)
        try file.append(piece)
      }
      guard rest == 0 else {
        let what = "of shape \(tensor.shape) takes \(count) bytes but gave \(count - rest)"
        throw Failure(.unexpected, "\(path): tensor \"\(tensor.name.printable)\" \(what)")
      }
      checksum.add(tensor.name, tensor.type, tensor.shape, crc)
    }
    // Known only now; the header has kept its place, and both have one length.
    metadata[SafetensorsChecksum.key] = checksum.text(metadata: metadata)
    try file.overwrite(try Safetensors.header(of: ordered, metadata: metadata, path: path).0, at: 0)
    try file.commit()
  }

  private static func header(
    of tensors: [Tensor], metadata: [String: String], path: String
  ) throws -> ([UInt8], [Int]) {
    var names: Set<String> = ["__metadata__"]
    var members: [String] = []
    if !metadata.isEmpty {
      // By UTF-8 bytes, as Python sorts text.
      let keys = metadata.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
      let pairs = keys.map { "\($0.quotedForJSON):\(metadata[$0, default: ""].quotedForJSON)" }
      members.append("\"__metadata__\":{\(pairs.joined(separator: ","))}")
    }
    var counts: [Int] = []
    var end = 0
    for tensor in tensors {
      guard names.insert(tensor.name).inserted else {
        throw Failure(.unexpected, "\(path): two tensors are named \"\(tensor.name.printable)\"")
      }
      guard let count = tensor.type.byteCount(of: tensor.shape),
        case (let next, let overflow) = end.addingReportingOverflow(count), !overflow
      else {
        throw Failure(
          .unexpected, "\(path): tensor \"\(tensor.name.printable)\" has the shape \(tensor.shape)")
      }
      let shape = tensor.shape.map(String.init).joined(separator: ",")
      members.append(
        "\(tensor.name.quotedForJSON):{\"dtype\":\"\(tensor.type.rawValue)\",\"shape\":[\(shape)],"
          + "\"data_offsets\":[\(end),\(next)]}")
      counts.append(count)
      end = next
    }
    var json = Array("{\(members.joined(separator: ","))}".utf8)
    json += [UInt8](repeating: 0x20, count: (8 - json.count % 8) % 8)
    guard json.count <= largestHeader else {
      throw Failure(.limit, "\(path): the header would be \(json.count) bytes; the format's limit is 100 MB")
    }
    let size = withUnsafeBytes(of: UInt64(json.count).littleEndian) { Array($0) }
    return (size + json, counts)
  }
}

/// What a file says of its own contents, so that a copy that lost some of them is told from a whole one: a transfer
/// that was cut may well leave the full length, with zeros at the end.
///
/// It stands in the metadata, is of the tensors and the metadata but not of their order, and other programs may leave
/// it away. They cannot keep it and change the contents.
struct SafetensorsChecksum {
  /// The key in `__metadata__`.
  static let key = "aginet.crc32c"
  /// What stands for a checksum that is not known yet, of the same length.
  static let unknown = "00000000"

  private var lines: [String] = []

  /// Takes in a tensor by the checksum of its bytes.
  mutating func add(_ name: String, _ type: Safetensors.DataType, _ shape: [Int], _ bytes: CRC32C) {
    lines.append("\(name.quotedForJSON) \(type.rawValue) \(shape) \(CRC32C.hexadecimal(bytes.value))")
  }

  /// Of all tensors that were added and the metadata, as eight hexadecimal digits.
  func text(metadata: [String: String]) -> String {
    let pairs = metadata.filter { $0.key != SafetensorsChecksum.key }
      .map { "\($0.key.quotedForJSON): \($0.value.quotedForJSON)" }
    let all = (pairs + lines).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    return CRC32C.hexadecimal(CRC32C.checksum(Array(all.joined(separator: "\n").utf8)))
  }
}

extension Safetensors {
  /// Whether a file without a checksum looks like one whose transfer was cut and filled up: the last hundredth of its
  /// tensors' bytes, at least a kilobyte, is 0.
  package var endsInZeros: Bool {
    guard checksum == nil, let last = entries.last, last.bytes.upperBound > 0 else { return false }
    let wanted = max(1024, last.bytes.upperBound / 100)
    var zeros = 0
    for entry in entries.reversed() where zeros < wanted {
      let before = zeros
      withBytes(of: entry) { bytes in zeros += bytes.reversed().prefix { $0 == 0 }.count }
      guard zeros - before == entry.bytes.count else { break }
    }
    return zeros >= min(wanted, last.bytes.upperBound)
  }

  /// Reads every byte and compares, where the file carries a checksum.
  /// - Throws: `.invalidModel` where they differ.
  func verify() throws {
    guard let expected = checksum else { return }
    var found = SafetensorsChecksum()
    for entry in entries {
      var bytes = CRC32C()
      withBytes(of: entry) { bytes.update($0) }
      found.add(entry.name, entry.type, entry.shape, bytes)
    }
    guard found.text(metadata: metadata) == expected else {
      let what = "its contents are not those it was written with (checksum)"
      throw Failure(.invalidModel, "\(path): is damaged: \(what); copy it again")
    }
  }
}

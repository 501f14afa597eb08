import Failures
import Foundation

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

import CTorch
import Failures

/// Texts by name that all ranks read: c10d's TCPStore, which one process keeps.
final class Table {
  let pointer: OpaquePointer

  /// The one that a group meets at; rank 0 keeps it where no launcher does.
  /// - Throws: `.notFound` where it does not answer, `.usage` where its port is taken.
  init(of meeting: Meeting) throws {
    let serves = meeting.rank == 0 && !meeting.isKept
    guard
      let pointer = ct_store_make(
        meeting.host, Int32(meeting.port), serves, "aginet/\(meeting.attempt)/", Self.patience)
    else {
      let place = "\(meeting.host):\(meeting.port)"
      throw serves
        ? Failure(.usage, "\(place): the ranks cannot meet there (\(LibTorch.lastLine)); set MASTER_PORT")
        : Failure(
          .notFound,
          "\(place): no rank 0 to meet there (\(LibTorch.lastLine)); check MASTER_ADDR and MASTER_PORT")
    }
    self.pointer = pointer
  }

  /// One that this process keeps for others, at any port.
  init() throws {
    guard let pointer = ct_store_make("127.0.0.1", 0, true, "", Self.patience) else {
      throw Failure(.unexpected, "ranks cannot be started: \(LibTorch.lastLine)")
    }
    self.pointer = pointer
  }

  deinit { ct_store_free(pointer) }

  /// Seconds that ranks may come after one another.
  private static let patience = 300.0

  var port: Int { Int(ct_store_port(pointer)) }

  /// Sets what nobody has set, unless `text` is empty.
  /// - Returns: what another has set; nil where none has.
  func claim(_ name: String, by text: String) -> String? {
    // Nobody else's text is quite this one's.
    let own = text.isEmpty ? "" : "\(text) \(UInt64.random(in: 0 ... .max))"
    let longest = 64
    let found = withUnsafeTemporaryAllocation(of: CChar.self, capacity: longest) { buffer in
      let length = ct_store_claim(pointer, name, own, buffer.baseAddress, Int64(longest))
      return String(decoding: buffer.prefix(max(0, Int(length))).map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
    return found.isEmpty || found == own ? nil : found.split(separator: " ").first.map(String.init)
  }
}

extension LibTorch {
  /// The last error without what follows its first sentence: Gloo's go on to jokes.
  static var lastLine: String {
    let line = lastError.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
    return line.split(separator: ". This is typically").first.map(String.init) ?? line
  }
}

import CTorch
import Failures
import Foundation

/// Texts by name that all ranks read: c10d's TCPStore, which one process keeps.
package final class MeetingPlace {
  let pointer: OpaquePointer

  /// The one that a group meets at; rank 0 keeps it where no launcher does.
  /// - Throws: `.notFound` where it does not answer, `.usage` where its port is taken.
  init(of meeting: Meeting) throws {
    let serves = meeting.rank == 0 && !meeting.isKept
    if !serves { try Self.find(meeting.host) }
    guard let pointer = ct_store_make(meeting.host, Int32(meeting.port), serves, Self.patience) else {
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
  package init() throws {
    guard let pointer = ct_store_make("127.0.0.1", 0, true, Self.patience) else {
      throw Failure(.unexpected, "ranks cannot be started: \(LibTorch.lastLine)")
    }
    self.pointer = pointer
  }

  /// The same, of names that begin so.
  init(_ table: MeetingPlace, under prefix: String) throws {
    guard let pointer = ct_store_under(table.pointer, prefix + "/") else {
      throw Failure(.unexpected, LibTorch.lastLine)
    }
    self.pointer = pointer
  }

  deinit { ct_store_free(pointer) }

  /// Seconds that ranks may come after one another.
  static let patience = 300.0

  /// Waits until a computer has an address, which one that has just been started may not have yet.
  /// - Throws: `.notFound` where it has none after half a minute.
  private static func find(_ host: String) throws {
    let end = ContinuousClock.now + .seconds(30)
    while true {
      var found: UnsafeMutablePointer<addrinfo>?
      let code = getaddrinfo(host, nil, nil, &found)
      if code == 0 { return freeaddrinfo(found) }
      guard .now < end else {
        throw Failure(
          .notFound, "\(host): no such computer (\(String(cString: gai_strerror(code)))); check MASTER_ADDR")
      }
      Thread.sleep(forTimeInterval: 1)
    }
  }

  package var port: Int { Int(ct_store_port(pointer)) }

  /// - Throws: `.notFound` where it does not answer.
  func set(_ name: String, to text: String) throws {
    if ct_store_set(pointer, name, text) != 0 { throw gone }
  }

  /// - Returns: nil where nobody has set it.
  /// - Throws: `.notFound` where it does not answer.
  func text(_ name: String) throws -> String? {
    guard let text = Self.text({ ct_store_claim(pointer, name, "", $0, $1) }) else { throw gone }
    return text.isEmpty ? nil : text
  }

  private var gone: Failure {
    Failure(.notFound, "where the ranks meet nobody answers (\(LibTorch.lastLine))")
  }

  /// What `read` puts into a buffer of the size that it is given; nil where it fails.
  static func text(_ read: (UnsafeMutablePointer<CChar>?, Int64) -> Int64) -> String? {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { buffer in
      let length = Int(read(buffer.baseAddress, Int64(buffer.count)))
      guard length >= 0 else { return nil }
      return String(decoding: buffer.prefix(length).map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
  }
}

extension LibTorch {
  /// The last error without what follows its first sentence: Gloo's go on to jokes.
  static var lastLine: String {
    let line = lastError.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
    return line.split(separator: ". This is typically").first.map(String.init) ?? line
  }
}

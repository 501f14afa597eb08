import Failures
import Foundation
import Synchronization

/// Passes on what is said at a port of its own to another port of this machine, until it falls silent, as a process does that is
/// stopped: connections stay, and nothing comes through.
package final class Proxy: Sendable {
  package let port: Int
  private let silent = Mutex(false)

  package init(to target: Int) throws {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    port = try Self.bound(listener)
    guard listen(listener, 16) == 0 else { throw Failure(.unexpected, "nobody can listen at port \(port)") }
    Thread.detachNewThread { [self] in
      while case let near = accept(listener, nil, nil), near >= 0 {
        let far = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        let isThere = Self.withAddress(target) { connect(far, $0, $1) == 0 }
        guard isThere else { continue }
        for (from, to) in [(near, far), (far, near)] {
          Thread.detachNewThread { [self] in pass(from, to) }
        }
      }
    }
  }

  package func fallSilent() { silent.withLock { $0 = true } }

  private func pass(_ from: Int32, _ to: Int32) {
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    while case let count = read(from, &bytes, bytes.count), count > 0, !silent.withLock({ $0 }) {
      if write(to, bytes, count) != count { break }
    }
    // Whoever hears that the other end has gone knows what no silence tells.
    while silent.withLock({ $0 }) { sleep(3600) }
    shutdown(to, Int32(SHUT_RDWR))
  }

  private static func withAddress<R>(_ port: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
  }

  /// Gives a socket a port that is free.
  static func bound(_ descriptor: Int32) throws -> Int {
    var (address, length) = (sockaddr_in(), socklen_t(MemoryLayout<sockaddr_in>.size))
    let isBound = withAddress(0) { bind(descriptor, $0, $1) == 0 }
    let isKnown = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) == 0 }
    }
    guard isBound && isKnown else { throw Failure(.unexpected, "no free port") }
    return Int(UInt16(bigEndian: address.sin_port))
  }
}

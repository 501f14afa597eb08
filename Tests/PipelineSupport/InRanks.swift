import Failures
import Foundation
import Synchronization
import Torch

/// Runs `body` as so many ranks that meet each other, each on a thread of its own, which for tensors is as good as a process.
/// - Parameters:
///   - kept: the port at which a launcher keeps the table where they meet; else rank 0 keeps one.
///   - attempts: how often the launcher says of each that it has started it anew.
/// - Returns: what each gives, in the order of ranks.
package func inRanks<R: Sendable>(
  _ count: Int, patience: Double = 60, at kept: Int? = nil, work: String = "", attempts: [Int] = [],
  _ body: @escaping @Sendable (ProcessGroup) throws -> R
) throws -> [R] {
  let (port, isKept) = (try kept ?? freePort(), kept != nil)
  let results = Mutex<[Int: Result<R, any Error>]>([:])
  let done = DispatchGroup()
  for rank in 0..<count {
    done.enter()
    let thread = Thread {
      let result = Result {
        let meeting = try Meeting([
          "RANK": "\(rank)", "WORLD_SIZE": "\(count)", "MASTER_PORT": "\(port)",
          "TORCHELASTIC_USE_AGENT_STORE": isKept ? "True" : "",
          "TORCHELASTIC_RESTART_COUNT": rank < attempts.count ? "\(attempts[rank])" : "",
        ])
        guard let meeting else { throw Failure(.unexpected, "no ranks") }
        let group = try ProcessGroup(joining: meeting, patience: patience, work: work)
        let value = try body(group)
        // Rank 0 keeps what all of them meet at.
        group.wait()
        return value
      }
      results.withLock { $0[rank] = result }
      done.leave()
    }
    thread.start()
  }
  done.wait()
  return try results.withLock { results in try (0..<count).compactMap { try results[$0]?.get() } }
}

/// A port that was free a moment ago.
private func freePort() throws -> Int {
  let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
  defer { close(descriptor) }
  return try Proxy.bound(descriptor)
}

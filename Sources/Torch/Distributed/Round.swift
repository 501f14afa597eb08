import Failures
import Foundation

/// The processes that meet, agreed on by all of them.
///
/// A launcher may have started some ranks more often than others, none of which knows it (`torchrun` on several machines counts on
/// each by itself), and at the place where they meet there may be words left by those that are gone, or by another work. So
/// every process says who it is, rank 0 answers to those that speak now, and it begins once each has answered to that.
struct Round {
  /// What tells it from others, for names in the table.
  let name: String
  /// How often the launcher has started any of them anew.
  let attempt: Int

  /// - Parameters:
  ///   - table: where they meet.
  ///   - work: what they are to do together; whoever does another does not see them.
  ///   - waiting: told who is being waited for, once that has taken ten seconds.
  /// - Throws: `.notFound` where somebody has not come in five minutes, or the table has gone.
  init(of meeting: Meeting, at table: MeetingPlace, work: String, waiting: (String) -> Void) throws {
    let place = "\(meeting.host):\(meeting.port)"
    var nonces: [Int: String] = [meeting.rank: "\(UInt64.random(in: 0 ... .max))"]
    var (attempt, token, hasChanged) = (meeting.attempt, "", true)
    let (start, isFirst) = (ContinuousClock.now, meeting.rank == 0)
    var isTold = false
    func key(_ words: any CustomStringConvertible...) -> String {
      (["aginet", work] + words.map(\.description)).joined(separator: "/")
    }
    func words(_ name: String) throws -> [String] {
      try table.text(name)?.split(separator: " ").map(String.init) ?? []
    }
    let own = nonces[meeting.rank] ?? ""
    if !isFirst { try table.set(key("hello", meeting.rank), to: "\(own) \(attempt)") }
    while true {
      var missing: [Int] = []
      if isFirst {
        for rank in 1..<meeting.size {
          let hello = try words(key("hello", rank))
          guard hello.count == 2 else {
            missing.append(rank)
            continue
          }
          if nonces[rank] != hello[0] {
            (nonces[rank], attempt, hasChanged) = (hello[0], max(attempt, Int(hello[1]) ?? 0), true)
          }
        }
        if missing.isEmpty, hasChanged {
          (token, hasChanged) = ("\(UInt64.random(in: 0 ... .max))", false)
          for rank in 1..<meeting.size {
            try table.set(key("go", rank), to: "\(token) \(nonces[rank] ?? "") \(attempt)")
          }
        }
        if !token.isEmpty {
          missing = try (1..<meeting.size).filter { try words(key(token, $0)).isEmpty }
          if missing.isEmpty {
            try table.set(key(token, "begin"), to: "begin")
            break
          }
        }
      } else {
        missing = [0]
        let go = try words(key("go", meeting.rank))
        if go.count == 3, go[1] == own {
          if token != go[0] {
            (token, attempt) = (go[0], Int(go[2]) ?? attempt)
            try table.set(key(token, meeting.rank), to: "here")
          }
          if try !words(key(token, "begin")).isEmpty { break }
        }
      }
      let passed = ContinuousClock.now - start
      let who = token.isEmpty || isFirst ? Self.named(missing) : "the other ranks"
      if passed > .seconds(MeetingPlace.patience) {
        throw Failure(
          .notFound,
          "\(place): \(who) of \(meeting.size) did not come within \(Int(MeetingPlace.patience / 60)) minutes"
        )
      }
      if !isTold, passed > .seconds(10) {
        isTold = true
        waiting("waiting at \(place) for \(who) of \(meeting.size)")
      }
      Thread.sleep(forTimeInterval: 0.02)
    }
    (name, self.attempt) = (key(token), attempt)
  }

  /// `rank 3`, `ranks 1, 2, 3 and 4 more`
  private static func named(_ ranks: [Int]) -> String {
    let shown = ranks.prefix(8).map(String.init).joined(separator: ", ")
    let more = ranks.count > 8 ? " and \(ranks.count - 8) more" : ""
    return "\(ranks.count == 1 ? "rank" : "ranks") \(shown)\(more)"
  }
}

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
    let words = Words(table: table, prefix: "aginet/\(work)")
    var call = Call(size: meeting.size, attempt: meeting.attempt)
    var answer = Answer(rank: meeting.rank, attempt: meeting.attempt)
    let (place, start) = ("\(meeting.host):\(meeting.port)", ContinuousClock.now)
    var isTold = false
    while let who = try meeting.rank == 0 ? call.missing(words) : answer.missing(words) {
      let passed = ContinuousClock.now - start
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
    let (token, attempt) =
      meeting.rank == 0 ? (call.token, call.attempt) : (answer.token, answer.attempt)
    (name, self.attempt) = (words.name(token), attempt)
  }

  /// What stands in the table of this work.
  private struct Words {
    let table: MeetingPlace, prefix: String

    func name(_ parts: any CustomStringConvertible...) -> String {
      ([prefix] + parts.map(\.description)).joined(separator: "/")
    }

    subscript(name: String) -> [String] {
      get throws { try table.text(name)?.split(separator: " ").map(String.init) ?? [] }
    }
  }

  private static var nonce: String { "\(UInt64.random(in: 0 ... .max))" }

  /// Rank 0's side: it calls all whom it has heard of, anew whenever one of them is another process than before.
  private struct Call {
    let size: Int
    var attempt: Int
    var token = ""
    private var nonces: [Int: String] = [:]

    init(size: Int, attempt: Int) { (self.size, self.attempt) = (size, attempt) }

    /// Who has not spoken, or not answered; nil once all have.
    mutating func missing(_ words: Words) throws -> String? {
      var (silent, isNew): ([Int], Bool) = ([], token.isEmpty)
      for rank in 1..<size {
        let hello = try words[words.name("hello", rank)]
        guard hello.count == 2 else {
          silent.append(rank)
          continue
        }
        if nonces[rank] != hello[0] {
          (nonces[rank], attempt, isNew) = (hello[0], max(attempt, Int(hello[1]) ?? 0), true)
        }
      }
      if !silent.isEmpty { return Round.named(silent) }
      if isNew {
        token = Round.nonce
        for (rank, nonce) in nonces {
          try words.table.set(words.name("go", rank), to: "\(token) \(nonce) \(attempt)")
        }
      }
      let left = try (1..<size).filter { try words[words.name(token, $0)].isEmpty }
      if !left.isEmpty { return Round.named(left) }
      try words.table.set(words.name(token, "begin"), to: "begin")
      return nil
    }
  }

  /// The others' side: each says who it is, and answers to the call that means it.
  private struct Answer {
    let rank: Int
    var attempt: Int
    var token = ""
    private let own = Round.nonce
    private var hasSpoken = false

    init(rank: Int, attempt: Int) { (self.rank, self.attempt) = (rank, attempt) }

    /// Who is waited for; nil once all have answered.
    mutating func missing(_ words: Words) throws -> String? {
      if !hasSpoken {
        try words.table.set(words.name("hello", rank), to: "\(own) \(attempt)")
        hasSpoken = true
      }
      let go = try words[words.name("go", rank)]
      guard go.count == 3, go[1] == own else { return Round.named([0]) }
      if token != go[0] {
        (token, attempt) = (go[0], Int(go[2]) ?? attempt)
        try words.table.set(words.name(token, rank), to: "here")
      }
      return try words[words.name(token, "begin")].isEmpty ? "the other ranks" : nil
    }
  }

  /// `rank 3`, `ranks 1, 2, 3 and 4 more`
  private static func named(_ ranks: [Int]) -> String {
    let shown = ranks.prefix(8).map(String.init).joined(separator: ", ")
    let more = ranks.count > 8 ? " and \(ranks.count - 8) more" : ""
    return "\(ranks.count == 1 ? "rank" : "ranks") \(shown)\(more)"
  }
}

import Failures
import Foundation
import PipelineSupport
import Synchronization
import Testing
import Torch

/// What ranks add up.
@Suite struct ProcessGroupTests {
  @Test func sumsAndMeansAreThoseOfAllRanks() throws {
    let results = try inRanks(3) { group -> [[Double]] in
      let own = Double(group.rank + 1)
      // More than a bucket, of two types and layouts.
      let large = Tensor.full(own, [7_000_000])
      let precise = Tensor.full(own, [2, 3, 4, 5], type: .float64)
      let map = Tensor.uniform([2, 3, 4, 5], seed: 1).channelsLast() * own
      group.average([large, precise, map])
      let first = Tensor.full(own, [5])
      group.broadcast([first])
      try group.check()
      return [
        [large.values(Double.self).min() ?? 0, large.values(Double.self).max() ?? 0], precise.values(),
        map.values(), first.values(), group.sum([own, 1]), [Double(group.sum([Float(own)])[0])],
      ]
    }
    let map = Tensor.uniform([2, 3, 4, 5], seed: 1) * 2
    for result in results {
      #expect(result[0] == [2, 2] && result[1] == Array(repeating: 2, count: 120))
      #expect(zip(result[2], map.values(Double.self)).allSatisfy { abs($0 - $1) < 1e-6 })
      #expect(result[3] == [1, 1, 1, 1, 1] && result[4] == [6, 3] && result[5] == [6])
      #expect(result == results[0])
    }
  }

  /// What goes wrong on one goes wrong on all, which then say the same.
  @Test func whatIsNotANumberOnOneRankIsNoneOnAny() throws {
    let sums = try inRanks(3) { group in
      let own: [Double] = [group.rank == 1 ? .nan : 1, 1]
      let sums = group.sum(own)
      try group.check()
      return sums
    }
    #expect(sums.allSatisfy { $0[0].isNaN && $0[1] == 3 })
  }

  /// In one exchange, whoever is asked to stop.
  @Test func numbersAndTheWishToStopTravelTogether() throws {
    let results = try inRanks(3) { group in
      let own = Double(group.rank + 1)
      let (calm, none) = try group.sum([own, .infinity], stop: nil)
      let (sums, stop) = try group.sum([own], stop: group.rank == 1 ? .terminated : nil)
      let other = try group.agreed(stop: group.rank == 2 ? .interrupted : nil)
      return (calm, none, sums, stop, other)
    }
    for (calm, none, sums, stop, other) in results {
      #expect(calm == [6, .infinity] && none == nil)
      #expect(sums == [6] && stop == .terminated && other == .interrupted)
    }
  }

  /// Digits, the sign of zero and what is no number included; with fewer items than ranks too.
  @Test(arguments: [0, 2, 7]) func whatIsSharedOutIsGatheredInOrder(count: Int) throws {
    let numbers: [Double] = [0.1 + 0.2, -0.0, .infinity, 0, .nan, -1 / 3, .leastNonzeroMagnitude]
    let items = Array(numbers.prefix(count))
    let results = try inRanks(3) { rank in
      let group: ProcessGroup? = rank
      let own = group.share(of: items)
      return (own, try group.gathered(own))
    }
    #expect(results.flatMap(\.0).map(\.bitPattern) == items.map(\.bitPattern))
    for (own, all) in results {
      #expect((count / 3...(count + 2) / 3).contains(own.count))
      #expect(all.map(\.bitPattern) == items.map(\.bitPattern))
    }
    let alone: ProcessGroup? = nil
    #expect(alone.share(of: items).count == count)
    #expect(try alone.gathered(items).count == count)
  }

  // MARK: - Who meets

  /// On several machines `torchrun` counts on each by itself, and what earlier ranks left stays where all meet.
  @Test func ranksMeetWhateverTheirLauncherCounts() throws {
    let table = try MeetingPlace()
    for attempts in [[0, 0, 0], [1, 0, 0], [0, 3, 1]] {
      let found = try inRanks(3, at: table.port, attempts: attempts) { group -> [Double] in
        // The last to come finds words of the others, and all find those of the ranks before.
        [Double(group.attempt)] + group.sum([Double(group.rank)])
      }
      #expect(found == Array(repeating: [Double(attempts.max() ?? 0), 3], count: 3))
    }
  }

  /// At one place two works may meet, as where no launcher says which job is which.
  @Test func otherWorkIsNotJoined() throws {
    let table = try MeetingPlace()
    let port = table.port
    let sums = Mutex<[Double: [[Double]]]>([:])
    let both = DispatchGroup()
    for (work, own) in [("train a", 1.0), ("train b", 100.0)] {
      both.enter()
      Thread {
        let found = try? inRanks(2, at: port, work: work) { $0.sum([own]) }
        sums.withLock { $0[own] = found }
        both.leave()
      }.start()
    }
    withExtendedLifetime(table) { both.wait() }
    #expect(sums.withLock { $0 } == [1: [[2], [2]], 100: [[200], [200]]])
  }

  /// Who waits for the others where nothing is added up, as people are shared out, ends too.
  @Test func aTableThatFallsSilentEndsThoseWhoWait() throws {
    let table = try MeetingPlace()
    let proxy = try Proxy(to: table.port)
    let messages = try inRanks(2, patience: 3, at: proxy.port) { group -> String in
      group.wait()
      if group.isFirst { proxy.fallSilent() }
      do { try group.assemble() } catch {
        // What all are told at the end.
        return "\(error) \(group.account(for: error).kind)"
      }
      return ""
    }
    for message in messages {
      #expect(message.contains("the process where they meet has not been heard of for 3"), "\(message)")
    }
  }

  private static func gradient(_ x: Tensor, _ group: ProcessGroup?) -> [Double] {
    let weight = Tensor([0.5, -2, 3], shape: [3])
    weight.requiresGradient = true
    let average = group.map { GradientAverage(of: [weight], over: $0) }
    let y = (x * weight).squared()
    func whole(_ sum: Tensor) -> Tensor { group?.sum(sum) ?? sum }
    (whole(y.sum()) / (whole((y + 1).sqrt().sum()) + 1)).backward()
    average?.finish()
    return weight.gradient?.values() ?? []
  }

  /// A loss of sums over all samples, such as a quotient of two, has the gradient of the whole.
  @Test func gradientsOfSumsAreThoseOfTheWhole() throws {
    let expected = Self.gradient(.uniform([4, 3], seed: 3, type: .float64), nil)
    let shares = try inRanks(2) { group in
      let whole = Tensor.uniform([4, 3], seed: 3, type: .float64)
      return Self.gradient(whole.narrowed(0, from: 2 * group.rank, length: 2), group)
    }
    for share in shares { #expect(zip(share, expected).allSatisfy { abs($0 - $1) < 1e-12 }) }
    #expect(expected.count == 3 && expected.allSatisfy { $0 != 0 })
  }

  @Test(arguments: [false, true]) func aPartDrawsWhatTheWholeDoes(isChannelsLast: Bool) {
    func draws(_ x: Tensor, part: Int = 0, of parts: Int = 1) -> [Tensor] {
      let random = RandomStream(seed: 5, part: part, of: parts)
      let map = isChannelsLast ? x.channelsLast() : x
      let integers = random.integers(below: 1000, count: x.size(0) * 2).map(Double.init)
      return [
        random.normal(like: map), map.dropout(0.3, from: random), map.channelDropout(0.5, from: random),
        Tensor(integers, shape: [x.size(0), 2]),
      ]
    }
    let x = Tensor.uniform([6, 4, 5, 3], seed: 1)
    let whole = draws(x)
    for part in 0..<3 {
      let own = draws(x.narrowed(0, from: 2 * part, length: 2), part: part, of: 3)
      for (own, whole) in zip(own, whole) {
        #expect(own.values(Double.self) == whole.narrowed(0, from: 2 * part, length: 2).values())
      }
    }
    // Of single samples too.
    let last = draws(x.narrowed(0, from: 5, length: 1), part: 5, of: 6)
    for (own, whole) in zip(last, whole) {
      #expect(own.values(Double.self) == whole.narrowed(0, from: 5, length: 1).values())
    }
  }
}

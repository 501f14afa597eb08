import Failures
import Foundation
import Imaging
import Synchronization
import Testing

/// Indices that were visited, from any thread.
final class Tally: Sendable {
  private let visited = Mutex<[Int]>([])
  var indices: [Int] { visited.withLock { $0.sorted() } }
  func add(_ index: Int) { visited.withLock { $0.append(index) } }
}

@Test(arguments: [0, 1, 5, 100], [1, 2, 7])
func everyIndexIsVisitedOnce(count: Int, threads: Int) {
  let tally = Tally()
  Parallel.forEach(count: count, threads: threads) { tally.add($0) }
  #expect(tally.indices == Array(0..<count))
}

@Test func errorsComeBack() {
  for threads in [1, 4] {
    #expect(throws: Failure(.limit, "index 8")) {
      try Parallel.forEach(count: 40, threads: threads) { index in
        if index % 4 == 0 && index >= 8 { throw Failure(.limit, "index \(index)") }
      }
    }
  }
}

@Test(arguments: [1, 3]) func resultsComeInOrder(threads: Int) throws {
  let squares = Parallel.map(count: 50, threads: threads) { $0 * $0 }
  let none = Parallel.map(count: 0, threads: threads) { $0 }
  #expect(squares == (0..<50).map { $0 * $0 } && none.isEmpty)
  let failure = #expect(throws: Failure.self) {
    try Parallel.map(count: 50, threads: threads) { index in
      if index >= 20 { throw Failure(.limit, "index \(index)") }
      return index
    }
  }
  #expect(failure == Failure(.limit, "index 20"))
}

/// Nothing after an error is begun by the thread that meets it or by one that comes later.
@Test func anErrorEndsTheWork() {
  let tally = Tally()
  #expect(throws: Failure.self) {
    try Parallel.forEach(count: 10_000, threads: 2) { index in
      if index == 0 { throw Failure(.limit, "at once") }
      tally.add(index)
      usleep(1000)
    }
  }
  #expect(tally.indices.count < 5000)
}

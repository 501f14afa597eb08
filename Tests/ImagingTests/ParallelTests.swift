import Failures
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

/// Seconds of several repetitions of one thing.
struct Timing: Sendable {
  private let sorted: [Double]

  /// Nil where nothing was timed.
  init?(_ seconds: [Double]) {
    guard !seconds.isEmpty else { return nil }
    sorted = seconds.sorted()
  }

  var fastest: Double { sorted[0] }
  var slowest: Double { sorted[sorted.count - 1] }
  var median: Double {
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }

  /// Median and, in brackets, fastest to slowest, in seconds or milliseconds.
  var text: String {
    "\(number(median)) (\(number(fastest))-\(number(slowest))) \(unit)"
  }
  /// The median alone.
  var plain: String { "\(number(median)) \(unit)" }

  private var unit: String { median < 0.1 ? "ms" : "s" }
  private func number(_ seconds: Double) -> String {
    (seconds * (median < 0.1 ? 1000 : 1)).text(significant: 3)
  }
}

/// Something that can be repeated and says how many seconds one repetition took; nil where it cannot be run.
typealias Contender = () throws -> Double?

/// Repeats all contenders in turn, so that whatever else the machine does falls on all of them alike.
func alternating(_ contenders: [Contender], repeats: Int) throws -> [Timing?] {
  var seconds = contenders.map { _ in [Double]() }
  for _ in 0..<repeats {
    for (index, contender) in contenders.enumerated() {
      if let taken = try contender() { seconds[index].append(taken) }
    }
  }
  return seconds.map(Timing.init)
}

/// The seconds that `body` takes.
func timed(_ body: () throws -> Void) rethrows -> Double {
  let clock = ContinuousClock()
  let start = clock.now
  try body()
  let (whole, attoseconds) = (clock.now - start).components
  return Double(whole) + Double(attoseconds) * 1e-18
}

/// A contender of our own, warmed.
func warmed(_ body: @escaping () throws -> Void) rethrows -> Contender {
  try body()
  return { try timed(body) }
}

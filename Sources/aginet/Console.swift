import CGuard
import Failures
import Files
import Foundation
import Synchronization

/// What people read while a command works: results on standard output, everything else on standard error.
enum Console {
  private static let quiet = Atomic<Bool>(false)

  static var isQuiet: Bool {
    get { quiet.load(ordering: .relaxed) }
    set { quiet.store(newValue, ordering: .relaxed) }
  }

  static let isTerminal = isatty(STDERR_FILENO) == 1
  private static let hasColour: Bool = {
    let environment = ProcessInfo.processInfo.environment
    // An empty NO_COLOR asks for nothing, by its own convention.
    return isTerminal && environment["NO_COLOR", default: ""].isEmpty && environment["TERM"] != "dumb"
  }()

  /// Of the terminal, as wide as it is now; nil where it does not tell.
  static var columns: Int? {
    var size = winsize()
    guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
    return Int(size.ws_col)
  }

  static func error(_ message: String) {
    write(hasColour ? "\u{1B}[31maginet:\u{1B}[0m \(message)\n" : "aginet: \(message)\n")
  }

  /// How a command is used, which is more than a line.
  static func usage(_ message: String) { write(message + "\n") }

  static func note(_ message: String) {
    if !isQuiet { write(message + "\n") }
  }

  /// A heading over a stage of the work.
  static func stage(_ message: String) {
    if !isQuiet { write(hasColour ? "\u{1B}[1m\(message)\u{1B}[0m\n" : message + "\n") }
  }

  /// Prints what a command was asked for. Every result goes through here: one that does not arrive is an error.
  /// - Throws: `.cannotWrite` with the system's reason.
  static func result(_ text: String, terminator: String = "\n") throws {
    let code = write(text + terminator, to: STDOUT_FILENO, patience: -1)
    guard code == 0 else {
      let reason =
        switch code {
        case EBADF: "is closed"
        case EPIPE: "is a pipe whose reader has gone"
        case ENOSPC, EDQUOT: "has no space left"
        default: "cannot be written: \(String(cString: strerror(code)))"
        }
      throw Failure(.cannotWrite, "standard output \(reason); the result could not be printed")
    }
  }

  /// Messages are for whoever still reads them: a standard error that is closed, full or gone stops nothing.
  fileprivate static func write(_ text: String) { _ = write(text, to: STDERR_FILENO, patience: 1000) }

  private static func write(_ text: String, to descriptor: Int32, patience: Int32) -> Int32 {
    Array(text.utf8).withUnsafeBytes { bytes in
      bytes.baseAddress.map { guard_write(descriptor, $0, bytes.count, patience) } ?? 0
    }
  }
}

/// A bar with rate and time left on a terminal; a line now and then in a file.
struct ProgressBar {
  private let unit: String, start: Int
  private var title: String
  private var began = ContinuousClock.now
  private var shown: ContinuousClock.Instant?
  private var length = 0

  /// - Parameter start: work done before, which does not count for the rate.
  init(_ title: String, unit: String, from start: Int = 0) {
    (self.title, self.unit, self.start) = (title, unit, start)
  }

  /// Goes on to another work, which a person who watches is told of before anything of it is done.
  mutating func begin(_ title: String) {
    (self.title, began, shown) = (title, .now, nil)
    if Console.isTerminal && !Console.isQuiet { write("\(title) …", isEnd: false) }
  }

  mutating func show(_ done: Int, of total: Int, _ detail: String = "") {
    guard !Console.isQuiet else { return }
    let now = ContinuousClock.now
    let isEnd = done == total
    // Only a person watching wants to see that nothing is done yet.
    if done == start && !isEnd && !Console.isTerminal { return }
    let pause: Duration = Console.isTerminal ? .milliseconds(100) : .seconds(10)
    if let shown, now - shown < pause, !isEnd { return }
    shown = now
    let figures = "\(done)/\(total) \(unit)\(pace(done, of: total, after: (now - began).seconds))"
    guard Console.isTerminal else {
      Console.write("\(title): \(figures)\(detail.isEmpty ? "" : "  " + detail)\n")
      return
    }
    let filled = total > 0 ? 20 * done / total : 20
    let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: 20 - filled)
    let end = "\(figures)\(detail.isEmpty ? "" : "  " + detail)"
    let (whole, short) = ("\(title) \(bar) \(end)", "\(title) \(end)")
    write(whole.count < Console.columns ?? .max ? whole : short, isEnd: isEnd)
  }

  /// In place of the line before, unless that was the last of its work.
  private mutating func write(_ line: String, isEnd: Bool) {
    // A line that is broken by the terminal's edge would stay, and each of the next ones with it.
    let line = String(line.prefix(max(1, (Console.columns ?? .max) - 1)))
    let blank = String(repeating: " ", count: max(0, length - line.count))
    length = isEnd ? 0 : line.count
    Console.write("\r\(line)\(blank)\(isEnd ? "\n" : "")")
  }

  /// Rate and time left, or at the end the time that it took: nothing yet where the clock has hardly run, since what was done before
  /// it began would make the first rates nonsense.
  private func pace(_ done: Int, of total: Int, after elapsed: Double) -> String {
    guard elapsed > 0.3, done > start else { return done == total ? "  \(Self.clock(elapsed))" : "" }
    let rate = Double(done - start) / elapsed
    let time = done == total ? Self.clock(elapsed) : Self.clock(Double(total - done) / rate) + " left"
    return "  \(format(rate))/s  \(time)"
  }

  private func format(_ rate: Double) -> String { String(format: rate < 10 ? "%.2f" : "%.0f", rate) }

  /// `3:20`, `1:02:33`
  static func clock(_ seconds: Double) -> String {
    let whole = Int(seconds.rounded())
    return whole < 3600
      ? String(format: "%d:%02d", whole / 60, whole % 60)
      : String(format: "%d:%02d:%02d", whole / 3600, whole / 60 % 60, whole % 60)
  }
}

extension ProgressBar {
  /// Shows works that follow one another, each under its name with a bar of its own.
  static func named(_ unit: String) -> (_ name: String, _ done: Int, _ total: Int) -> Void {
    var bar: ProgressBar?
    var current = ""
    return { name, done, total in
      if name != current { (current, bar) = (name, ProgressBar(name, unit: unit)) }
      bar?.show(done, of: total)
    }
  }
}

/// A progress bar that several threads report to, one at a time.
final class SharedBar: Sendable {
  private let bar: Mutex<ProgressBar>
  init(_ bar: ProgressBar) { self.bar = Mutex(bar) }
  func show(_ done: Int, of total: Int) { bar.withLock { $0.show(done, of: total) } }
}

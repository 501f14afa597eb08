import Foundation
import Glibc
import PipelineSupport

/// The built program run once, with the most memory it ever held.
struct Peak {
  var code: Int32
  /// Resident bytes at their most, of the process or of one that it has started.
  var bytes: Int
  var seconds: Double

  /// Runs it with its output thrown away.
  init(_ arguments: [String], in folder: String) throws {
    let words = ["/usr/bin/env", "-C", folder, "OMP_NUM_THREADS=1", Command.program] + arguments
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for stream in [STDOUT_FILENO, STDERR_FILENO] {
      posix_spawn_file_actions_addopen(&actions, stream, "/dev/null", O_WRONLY, 0)
    }
    let vector = words.map { strdup($0) } + [nil]
    defer { for word in vector { free(word) } }
    let began = ContinuousClock.now
    var process: pid_t = 0
    let failed = posix_spawn(&process, words[0], &actions, nil, vector, environ)
    guard failed == 0 else { throw POSIXError(POSIXErrorCode(rawValue: failed) ?? .EIO) }
    // What a finished child is said to have held at the most includes what the test process held when it began: the program
    // itself is asked, again and again.
    var (status, peak): (Int32, Int) = (0, 0)
    while true {
      let done = waitpid(process, &status, WNOHANG)
      if done == process || done < 0 && errno != EINTR { break }
      let started = String(
        decoding: contents(of: "/proc/\(process)/task/\(process)/children") ?? Data(), as: UTF8.self)
      for one in [process] + started.split(separator: " ").compactMap({ pid_t($0) }) {
        peak = max(peak, Peak.most(of: one) ?? 0)
      }
      usleep(2000)
    }
    code = status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F
    bytes = peak
    let spent = (ContinuousClock.now - began).components
    seconds = Double(spent.seconds) + Double(spent.attoseconds) * 1e-18
  }

  /// `VmHWM:     1234 kB`
  private static func most(of process: pid_t) -> Int? {
    guard let text = try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8),
      let line = text.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") })
    else { return nil }
    return line.split { $0 == " " || $0 == "\t" }.dropFirst().first.flatMap { Int($0) }.map { $0 * 1024 }
  }
}

import Foundation
import Glibc

/// The built program run once, with the most memory it ever held.
struct Peak {
  var code: Int32
  /// Resident bytes at their most.
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
    // Of this child alone: what others of the test process take does not count.
    var (status, usage): (Int32, rusage) = (0, rusage())
    while wait4(process, &status, 0, &usage) < 0 && errno == EINTR {}
    code = status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F
    bytes = usage.ru_maxrss * 1024
    let spent = (ContinuousClock.now - began).components
    seconds = Double(spent.seconds) + Double(spent.attoseconds) * 1e-18
  }
}

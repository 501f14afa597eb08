import CGuard
import Failures
import Foundation

/// Ranks on this machine: so many processes of this program with the same words, each told which one it is as `torchrun` would.
/// They end together.
public struct LocalRanks {
  private let table: MeetingPlace
  private var children: [(rank: Int, process: pid_t)] = []

  /// Starts them.
  /// - Parameters:
  ///   - arguments: of the program, without its name.
  ///   - threads: for one operation of each; nil for what their environment says, else for as many as all share out.
  /// - Throws: `.limit` where the system gives no more processes.
  public init(_ count: Int, arguments: [String], threads: Int?) throws {
    table = try MeetingPlace()
    // Where a program that started this one ignores how its children end, so does this one, and nobody could wait for them.
    signal(SIGCHLD, SIG_DFL)
    var environment = ProcessInfo.processInfo.environment
    if let threads { environment["OMP_NUM_THREADS"] = "\(threads)" }
    environment.merge([
      "WORLD_SIZE": "\(count)", "LOCAL_WORLD_SIZE": "\(count)", "MASTER_ADDR": "127.0.0.1",
      "MASTER_PORT": "\(table.port)", "TORCHELASTIC_USE_AGENT_STORE": "True",
      Self.mark: "\(getpid())",
    ]) { $1 }
    for rank in 0..<count {
      (environment["RANK"], environment["LOCAL_RANK"]) = ("\(rank)", "\(rank)")
      do { children.append((rank, try Self.start(arguments, environment))) } catch {
        end(children.map(\.process))
        throw error
      }
    }
  }

  /// Set for processes that were started here.
  private static let mark = "AGINET_RANKS"

  /// Whether this process was started by another of this program, with which it is then to end: it takes that for SIGTERM.
  public static func isOne(_ environment: [String: String]) -> Bool {
    guard let text = environment[mark], let parent = Int32(text) else { return false }
    guard_end_with_parent(SIGTERM)
    // It may have gone before it was looked for.
    if getppid() != parent { kill(getpid(), SIGTERM) }
    return true
  }

  /// Waits for all of them; a signal that this process is asked to end by goes on to them.
  /// - Returns: the exit code.
  /// - Throws: `.unexpected` where one was ended by another signal: the others are then ended at once.
  public func wait() throws -> Int32 {
    var left = children
    var (code, passedOn): (Int32, Int32) = (0, 0)
    var deadline: ContinuousClock.Instant?
    while !left.isEmpty {
      for child in left {
        var status: Int32 = 0
        guard waitpid(child.process, &status, WNOHANG) == child.process else { continue }
        left.removeAll { $0.process == child.process }
        let signal = status & 0x7f
        if signal != 0, code == 0, signal != passedOn {
          end(left.map(\.process))
          throw Failure(
            .unexpected,
            "rank \(child.rank) was ended by signal \(signal) (\(String(cString: strsignal(signal)))), and so are the others; "
              + "what was saved is kept; start anew to go on from there, a training with \(Term.resumes)")
        }
        if code == 0 { code = signal == 0 ? status >> 8 & 0xff : 128 + signal }
        if code != 0, passedOn == 0 {
          for child in left { kill(child.process, SIGTERM) }
          passedOn = SIGTERM
        }
        // Who is stopped does not hear that, and is ended.
        deadline = deadline ?? .now + .seconds(Self.grace)
      }
      let asked = guard_requested()
      if asked != 0, passedOn == 0 {
        for child in left { kill(child.process, asked) }
        passedOn = asked
      }
      if let deadline, .now > deadline { end(left.map(\.process)) }
      usleep(20_000)
    }
    return code
  }

  /// Seconds that ranks have to end when one has: what is to be saved is saved before the first of them ends.
  private static let grace = 5

  private func end(_ processes: [pid_t]) {
    // Files are whole or not there, whenever it comes.
    for process in processes { kill(process, SIGKILL) }
  }

  private static func start(_ arguments: [String], _ environment: [String: String]) throws -> pid_t {
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    // What a terminal sends comes here, and is passed on once.
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
    posix_spawnattr_setpgroup(&attributes, 0)
    let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().path
    let words = ([program] + arguments).map { strdup($0) } + [nil]
    let variables = environment.map { strdup("\($0)=\($1)") } + [nil]
    defer { for text in words + variables { free(text) } }
    var process: pid_t = 0
    let code = posix_spawn(&process, program, nil, &attributes, words, variables)
    guard code == 0 else {
      throw Failure(.limit, "another process cannot be started: \(String(cString: strerror(code)))")
    }
    return process
  }
}

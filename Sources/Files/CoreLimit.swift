import Foundation

/// How many processor cores this process may use: the computer's, or fewer where a limit is set.
public struct CoreLimit: Sendable, Equatable {
  /// Whole cores, one at least; a share of one counts as one.
  public let count: Int
  /// What sets it, in words.
  public let origin: String
  /// Whether it is this process's alone, and not the computer's or a group's that others share.
  private let isOwn: Bool
  /// The computer's.
  private let online: Int

  /// Cores for each of so many processes on this computer, one at least. What each is bound to can only be its own where the
  /// computer has as much for all.
  /// - Parameter together: whether what they are bound to is known to be all of theirs.
  public func share(of processes: Int, boundTogether together: Bool = false) -> Int {
    isOwn && !together && count * processes <= online ? count : max(1, count / processes)
  }

  /// The least of the computer's cores, those that the process is bound to (`taskset`, `srun`, cpusets), what its control
  /// groups grant (both versions) and what Slurm gave to a task (`SLURM_CPUS_PER_TASK`), as it was when first asked for.
  public static let own = of(
    root: "", online: sysconf(Int32(_SC_NPROCESSORS_ONLN)), environment: ProcessInfo.processInfo.environment)

  /// The same of a system whose `/proc` and `/sys` lie in a folder.
  package static func of(root: String, online: Int, environment: [String: String]) -> CoreLimit {
    var found = [(cores: Double(max(1, online)), origin: "this computer", isOwn: false)]
    if let bound = bound(root, environment) { found.append((Double(bound), "the process's affinity", true)) }
    for quota in groupQuotas(root) {
      found.append((quota, "the control group, which allows \(String(format: "%g", quota))", false))
    }
    if let task = environment["SLURM_CPUS_PER_TASK"].flatMap({ Int($0) }), task > 0 {
      found.append((Double(task), "SLURM_CPUS_PER_TASK", true))
    }
    // Of equal ones the first, which is the plainest.
    let least = found.dropFirst().reduce(found[0]) { $1.cores < $0.cores ? $1 : $0 }
    return CoreLimit(
      count: max(1, Int(least.cores.rounded(.up))), origin: least.origin, isOwn: least.isOwn, online: online)
  }

  /// Processor time in a period, over the period.
  private static func groupQuotas(_ root: String) -> [Double] {
    func numbers(_ path: String) -> [Double?] {
      ControlGroups.lines(path).first?.split(separator: " ").map { Double($0) } ?? []
    }
    return ControlGroups(root: root).folders(of: "cpu").compactMap { path, isFirst in
      let words =
        isFirst
        ? numbers(path + "/cpu.cfs_quota_us") + numbers(path + "/cpu.cfs_period_us")
        : numbers(path + "/cpu.max")
      // A group without a limit has the quota `max`, or -1.
      guard words.count == 2, let quota = words[0], let period = words[1], quota > 0, period > 0 else {
        return nil
      }
      return quota / period
    }
  }

  /// Cores that the system may run this process on, of `Cpus_allowed:	ff,ffffffff`; nil where nothing tells.
  private static func bound(_ root: String, _ environment: [String: String]) -> Int? {
    // OpenMP has then bound the first thread to a core of its own, long before anyone asks.
    let binders = ["OMP_PROC_BIND", "OMP_PLACES", "GOMP_CPU_AFFINITY"]
    guard !binders.contains(where: { environment[$0] != nil }) else { return nil }
    let line = ControlGroups.lines(root + "/proc/self/status").first { $0.hasPrefix("Cpus_allowed:") }
    let bits = line?.drop { $0 != ":" }.compactMap { $0.hexDigitValue?.nonzeroBitCount }.reduce(0, +)
    return bits == 0 ? nil : bits
  }
}

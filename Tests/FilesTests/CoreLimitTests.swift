import Files
import Foundation
import Testing

/// The least of the cores that the computer has, and those that a process may have of them.
@Suite struct CoreLimitTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func write(_ text: String, to name: String) throws {
    let path = folder("root/" + name)
    try FileManager.default.createDirectory(atPath: Path.folder(path), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
  }

  private func found(_ environment: [String: String] = [:]) -> String {
    let limit = CoreLimit.of(root: folder("root"), online: 16, environment: environment)
    return "\(limit.count) (\(limit.origin))"
  }

  private func bind(to mask: String) throws {
    try write("Name:\taginet\nCpus_allowed:\t\(mask)\nCpus_allowed_list:\t0-1\n", to: "proc/self/status")
  }

  @Test func theComputersAndThoseItIsBoundTo() throws {
    #expect(found() == "16 (this computer)")
    for (mask, expected) in [
      ("ffff", "16 (this computer)"), ("e", "3 (the process's affinity)"), ("0", "16 (this computer)"),
      ("80000000,00000000,00000001", "2 (the process's affinity)"), ("ff,ffffffff", "16 (this computer)"),
    ] {
      try bind(to: mask)
      #expect(found() == expected, "\(mask)")
    }
    #expect(CoreLimit.of(root: folder("none"), online: -1, environment: [:]).count == 1)
  }

  /// What a launcher binds a process to, or Slurm gives its task, is not shared out once more; all else is.
  @Test func processesShareWhatIsNotTheirOwn() throws {
    func share(_ environment: [String: String] = [:], together: Bool = false) -> Int {
      CoreLimit.of(root: folder("root"), online: 16, environment: environment)
        .share(of: 3, boundTogether: together)
    }
    #expect(share() == 5 && share(["SLURM_CPUS_PER_TASK": "4"]) == 4)
    try bind(to: "f0")
    #expect(share() == 4 && share(together: true) == 1)
    // Twelve cores cannot be the own ones of each of three.
    try bind(to: "fff")
    #expect(share() == 4)
    try bind(to: "ffff")
    #expect(share() == 5)
    #expect(CoreLimit.of(root: folder("none"), online: 2, environment: [:]).share(of: 3) == 1)
  }

  /// The first thread is then bound to one core, and the others to the rest.
  @Test func whatOpenMPBindsIsNotTheProcess() throws {
    try bind(to: "1")
    #expect(found() == "1 (the process's affinity)")
    for name in ["OMP_PROC_BIND", "OMP_PLACES", "GOMP_CPU_AFFINITY"] {
      #expect(found([name: "cores"]) == "16 (this computer)")
    }
  }

  @Test func slurmsTask() throws {
    #expect(found(["SLURM_CPUS_PER_TASK": "4"]) == "4 (SLURM_CPUS_PER_TASK)")
    // A node's are not the task's.
    for (name, value) in [
      ("SLURM_CPUS_ON_NODE", "2"), ("SLURM_CPUS_PER_TASK", "many"), ("SLURM_CPUS_PER_TASK", "0"),
      ("SLURM_CPUS_PER_TASK", "64"),
    ] {
      #expect(found([name: value]) == "16 (this computer)", "\(name)=\(value)")
    }
    try bind(to: "3")
    #expect(found(["SLURM_CPUS_PER_TASK": "4"]) == "2 (the process's affinity)")
  }

  @Test func groupsOfTheSecondVersion() throws {
    try write("0::/outer/inner\n", to: "proc/self/cgroup")
    #expect(found() == "16 (this computer)")
    try write("max 100000\n", to: "sys/fs/cgroup/outer/inner/cpu.max")
    #expect(found() == "16 (this computer)")
    // The outer group's limit holds in the inner one.
    try write("650000 100000\n", to: "sys/fs/cgroup/outer/cpu.max")
    #expect(found() == "7 (the control group, which allows 6.5)")
    try write("150000 50000\n", to: "sys/fs/cgroup/outer/inner/cpu.max")
    #expect(found() == "3 (the control group, which allows 3)")
    try bind(to: "3")
    #expect(found() == "2 (the process's affinity)")
    // In a container, where the group's own path is not to be seen.
    try write("10000 100000\n", to: "sys/fs/cgroup/cpu.max")
    #expect(found() == "1 (the control group, which allows 0.1)")
  }

  @Test func groupsOfTheFirstVersion() throws {
    // Another controller whose name begins so is none.
    try write("5:cpuset:/set\n3:cpu,cpuacct:/jobs/one\n1:name=systemd:/\n", to: "proc/self/cgroup")
    try write("-1\n", to: "sys/fs/cgroup/cpu/jobs/one/cpu.cfs_quota_us")
    try write("100000\n", to: "sys/fs/cgroup/cpu/jobs/one/cpu.cfs_period_us")
    #expect(found() == "16 (this computer)")
    try write("250000\n", to: "sys/fs/cgroup/cpu/jobs/cpu.cfs_quota_us")
    #expect(found() == "16 (this computer)")
    try write("100000\n", to: "sys/fs/cgroup/cpu/jobs/cpu.cfs_period_us")
    #expect(found() == "3 (the control group, which allows 2.5)")
  }

  @Test(arguments: ["", "max", "100000", "a b", "0 100000", "100000 0", "-1 -1", "nan 1", "1 2 3"])
  func whatIsNoLimitIsNone(text: String) throws {
    try write("0::/\n", to: "proc/self/cgroup")
    try write(text + "\n", to: "sys/fs/cgroup/cpu.max")
    #expect(found() == "16 (this computer)")
  }

  @Test func thisProcessHasOne() {
    #expect((1...ProcessInfo.processInfo.processorCount).contains(CoreLimit.own.count))
  }
}

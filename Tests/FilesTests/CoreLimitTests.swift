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

  private func found(bound: Int? = nil, _ environment: [String: String] = [:]) -> String {
    let limit = CoreLimit.of(root: folder("root"), online: 16, bound: bound, environment: environment)
    return "\(limit.count) (\(limit.origin))"
  }

  @Test func theComputersAndThoseItIsBoundTo() {
    #expect(found() == "16 (this computer)")
    #expect(found(bound: 16) == "16 (this computer)")
    #expect(found(bound: 3) == "3 (the process's affinity)")
    #expect(found(bound: 0) == "16 (this computer)")
    #expect(CoreLimit.of(root: folder("root"), online: -1, bound: nil, environment: [:]).count == 1)
  }

  @Test func slurmsTask() {
    #expect(found(["SLURM_CPUS_PER_TASK": "4"]) == "4 (SLURM_CPUS_PER_TASK)")
    #expect(found(bound: 2, ["SLURM_CPUS_PER_TASK": "4"]) == "2 (the process's affinity)")
    // A node's are not the task's.
    for (name, value) in [
      ("SLURM_CPUS_ON_NODE", "2"), ("SLURM_CPUS_PER_TASK", "many"), ("SLURM_CPUS_PER_TASK", "0"),
      ("SLURM_CPUS_PER_TASK", "64"),
    ] {
      #expect(found([name: value]) == "16 (this computer)", "\(name)=\(value)")
    }
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
    #expect(found(bound: 2) == "2 (the process's affinity)")
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

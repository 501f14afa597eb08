import Files
import Foundation
import Testing

/// The least of what the computer, its control groups and the shell allow.
@Suite struct MemoryLimitTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func write(_ text: String, to name: String) throws {
    let path = folder("root/" + name)
    try FileManager.default.createDirectory(
      atPath: Path.folder(path), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
  }

  private func found(_ limits: [Int] = []) -> MemoryLimit? {
    MemoryLimit.of(root: folder("root"), limits: limits)
  }

  @Test func theComputersMemory() throws {
    #expect(found() == nil)
    try write("MemTotal:       24567890 kB\nMemFree:  1000 kB\n", to: "proc/meminfo")
    #expect(found()?.bytes == 24_567_890 * 1024 && found()?.origin == "this computer")
    #expect(found([1 << 30, 1 << 31]) == found([1 << 30]) && found([1 << 30])?.origin == "ulimit")
    #expect(found([1 << 50])?.origin == "this computer")
  }

  @Test func groupsOfBothVersions() throws {
    try write("MemTotal: 24567890 kB\n", to: "proc/meminfo")
    try write("9:name=systemd:/\n4:cpu,memory:/jobs/one\n0::/outer/inner\n", to: "proc/self/cgroup")
    #expect(found()?.origin == "this computer")
    try write("9223372036854771712\n", to: "sys/fs/cgroup/memory/memory.limit_in_bytes")
    #expect(found()?.origin == "this computer")
    try write("8589934592\n", to: "sys/fs/cgroup/memory/jobs/one/memory.limit_in_bytes")
    #expect(found()?.bytes == 8 << 30 && found()?.origin == "the control group")
    // The outer group's limit holds in the inner one.
    try write("max\n", to: "sys/fs/cgroup/outer/inner/memory.max")
    try write("4294967296\n", to: "sys/fs/cgroup/outer/memory.max")
    #expect(found()?.bytes == 4 << 30)
    // In a container, where the group's own path is not to be seen.
    try write("1073741824\n", to: "sys/fs/cgroup/memory.max")
    #expect(found()?.bytes == 1 << 30)
  }

  /// The computer's and a group's memory is there for all processes together, a shell's limit for each.
  @Test func processesOfOneWorkShareIt() throws {
    func part(_ limits: [Int] = [], processes: Int) -> MemoryLimit? {
      MemoryLimit.of(root: folder("root"), limits: limits, processes: processes)
    }
    try write("MemTotal: 24567890 kB\n", to: "proc/meminfo")
    #expect(part(processes: 1) == found())
    #expect(part(processes: 2)?.bytes == 24_567_890 * 512)
    #expect(part(processes: 2)?.origin == "this computer, shared by 2 processes")
    try write("0::/job\n", to: "proc/self/cgroup")
    try write("4294967296\n", to: "sys/fs/cgroup/job/memory.max")
    #expect(part(processes: 4)?.bytes == 1 << 30)
    #expect(part(processes: 4)?.origin == "the control group, shared by 4 processes")
    #expect(part([1 << 29], processes: 4) == found([1 << 29]))
    #expect(part([1 << 31], processes: 4)?.bytes == 1 << 30)
  }

  @Test func thisProcessHasOne() throws {
    let own = try #require(MemoryLimit.own)
    #expect(try own.bytes >= #require(PeakMemory.current))
  }
}

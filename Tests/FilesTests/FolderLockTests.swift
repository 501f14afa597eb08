import Failures
import Files
import Foundation
import Testing

/// The system keeps two open files of one process apart as it keeps two processes apart.
@Suite struct FolderLockTests {
  @Test func `the second is told who holds the folder, and gets it afterwards`() throws {
    let folder = try TemporaryFolder()
    do {
      let lock = try FolderLock(folder.path)
      let failure = #expect(throws: Failure.self) { try FolderLock(folder.path) }
      #expect(failure?.kind == .cannotWrite)
      #expect(failure?.message == "\(folder.path) is in use by another aginet (pid \(getpid()))")
      #expect(lock.isEnforced)
      withExtendedLifetime(lock) {}
    }
    // What a killed process left behind hinders nobody.
    #expect(folder.names == [".lock"])
    #expect(try FolderLock(folder.path).isEnforced)
    #expect((#expect(throws: Failure.self) { try FolderLock(folder("none")) })?.kind == .cannotWrite)
  }

  @Test func `of eight that race, one wins, fifty times`() async throws {
    for _ in 0..<50 {
      let folder = try TemporaryFolder()
      let path = folder.path
      let results = await withTaskGroup(of: FolderLock?.self) { group in
        for _ in 0..<8 { group.addTask { try? FolderLock(path) } }
        var locks: [FolderLock?] = []
        for await lock in group { locks.append(lock) }
        return locks
      }
      #expect(results.count { $0 != nil } == 1)
    }
  }
}

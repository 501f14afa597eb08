import Failures
import Files
import Foundation
import Testing

/// Unfinished files: of this program, of others that write, and of those that were killed.
@Suite struct UnfinishedTests {
  /// A file with an unfinished one's name, of a process that has ended.
  private func leftover(_ folder: TemporaryFolder, _ name: String = "a.bin") throws -> String {
    let path = folder(".\(name).999999999-1.partial")
    try Data([1, 2, 3]).write(to: URL(fileURLWithPath: path))
    return path
  }

  @Test func whatAKilledProgramLeftGoesWithTheNextFileThere() throws {
    let folder = try TemporaryFolder()
    let left = try leftover(folder)
    for kept in [".a.bin.partial", "a.bin.1-1.partial", ".b.1-x.partial", ".b.1-1.partial.gz"] {
      try Data([1]).write(to: URL(fileURLWithPath: folder(kept)))
    }
    try AtomicFile.write([1], to: folder("b.bin"))
    #expect(!FileManager.default.fileExists(atPath: left))
    // Names of other programs stay.
    #expect(folder.names.count == 5, "\(folder.names)")
  }

  @Test func whatAnotherIsWritingStays() throws {
    let folder = try TemporaryFolder()
    let written = try leftover(folder)
    let descriptor = open(written, O_RDONLY | O_CLOEXEC)
    #expect(flock(descriptor, LOCK_EX) == 0)
    try AtomicFile.write([1], to: folder("b.bin"))
    #expect(FileManager.default.fileExists(atPath: written))
    close(descriptor)
  }

  @Test func twoFilesOfOneProgramDoNotTakeEachOtherForStale() throws {
    let folder = try TemporaryFolder()
    let first = try AtomicFile(folder("a.bin"))
    try first.append([1])
    try AtomicFile.write([2], to: folder("b.bin"))
    try first.commit()
    #expect(folder.names == ["a.bin", "b.bin"])
    #expect(contents(folder("a.bin")) == [1])
  }

  /// Another program that comes between the making of a file and its lock takes it for stale, and removes it once it has looked.
  @Test func whoTakesItForStaleHarmsNobody() throws {
    let folder = try TemporaryFolder()
    var taken: [(path: String, lock: Int32)] = []
    let file = try Unfinished(for: folder("a.bin")) { path in
      guard taken.isEmpty else { return }
      taken.append((path, open(path, O_RDWR | O_CLOEXEC)))
      #expect(flock(taken[0].lock, LOCK_EX | LOCK_NB) == 0)
    }
    for other in taken {
      unlink(other.path)
      close(other.lock)
    }
    #expect(taken.count == 1 && FileManager.default.fileExists(atPath: file.path))
    file.discard()
    #expect(folder.names.isEmpty)
  }

  @Test func bytesAreWrittenOverInTheirPlace() throws {
    let folder = try TemporaryFolder()
    let file = try AtomicFile(folder("a.bin"))
    try file.append([1, 2, 3, 4])
    try file.overwrite([9, 8], at: 1)
    try file.append([5])
    try file.commit()
    #expect(contents(folder("a.bin")) == [1, 9, 8, 4, 5])
  }

  private func contents(_ path: String) -> [UInt8] {
    Array(FileManager.default.contents(atPath: path) ?? Data())
  }
}

@Suite struct InsideTests {
  @Test func aFolderIsFoundByAnyNameOfIt() throws {
    let folder = try TemporaryFolder()
    try FileManager.default.createDirectory(atPath: folder("a/b"), withIntermediateDirectories: true)
    try FileManager.default.createDirectory(atPath: folder("ab"), withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(atPath: folder("link"), withDestinationPath: folder("a"))
    for inside in ["a", "a/", "a/b", "a/none", "a/none/deeper", "link", "link/b/none", "a/../a/b", "./a"] {
      #expect(Path.isInside(folder(inside), folder("a")), "\(inside)")
      #expect(Path.isInside(folder(inside), folder("link")), "\(inside)")
    }
    for outside in ["ab", "b", "a/..", "none/a", "", "ab/a"] {
      #expect(!Path.isInside(folder(outside), folder("a")), "\(outside)")
    }
    #expect(!Path.isInside(folder("a"), folder("none")))
    #expect(Path.isInside("/x", "/"))
    #expect(!Path.isInside("", folder("a")))
    #expect(!Path.isInside("x", folder("a")))
  }
}

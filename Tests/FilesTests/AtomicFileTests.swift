import Failures
import Files
import Foundation
import Synchronization
import Testing

@Test func wholeFileOrNone() throws {
  let folder = try TemporaryFolder()
  let path = folder("a.bin")
  do {
    let dropped = try AtomicFile(path)
    try dropped.append([1, 2, 3])
    #expect(!FileManager.default.fileExists(atPath: path))
  }
  #expect(folder.names == [])
  try AtomicFile.write([1, 2, 3], to: path)
  try AtomicFile.write([4], to: path)
  #expect(FileManager.default.contents(atPath: path) == Data([4]))
  let failure = #expect(throws: Failure.self) { try AtomicFile.write([5], to: path, replacing: false) }
  #expect(failure?.kind == .cannotWrite)
  #expect(FileManager.default.contents(atPath: path) == Data([4]))
  #expect(folder.names == ["a.bin"])
}

@Test(arguments: [ENOSPC, EIO, EDQUOT])
func fullDiskLeavesTheOldFile(code: Int32) throws {
  let folder = try TemporaryFolder()
  let path = folder("a.bin")
  try AtomicFile.write([9], to: path)
  for failing in 0..<5 {
    let failure = #expect(throws: Failure.self) {
      var calls = 0
      // Three bytes a call, so that short writes are carried on with.
      let file = try AtomicFile(path, replacing: true) { descriptor, bytes, count in
        calls += 1
        if calls > failing {
          errno = code
          return -1
        }
        return write(descriptor, bytes, min(count, 3))
      }
      try file.append([UInt8](repeating: 1, count: 15))
      try file.commit()
    }
    #expect(failure?.kind == .cannotWrite)
    #expect(folder.names == ["a.bin"])
    #expect(FileManager.default.contents(atPath: path) == Data([9]))
  }
}

@Test func placesThatCannotBeWritten() throws {
  let folder = try TemporaryFolder()
  for path in [folder("none/a.nii"), folder.path, folder(""), "/dev/null/a.nii", "/proc/a.nii"] {
    let failure = #expect(throws: Failure.self, "\(path)") { try AtomicFile.write([1], to: path) }
    #expect(failure?.kind == .cannotWrite)
    #expect(failure?.message.hasPrefix(path) == true)
  }
  #expect(folder.names == [])
}

/// Before anything is computed.
@Test func linksAndPipesAreNoPlaces() throws {
  let folder = try TemporaryFolder()
  try FileManager.default.createSymbolicLink(atPath: folder("link"), withDestinationPath: "nowhere")
  #expect { try AtomicFile(folder("link"), replacing: false) } throws: { "\($0)".contains("exists already") }
  #expect(mkfifo(folder("pipe"), 0o600) == 0)
  #expect { try AtomicFile(folder("pipe"), replacing: true) } throws: { "\($0)".contains("no regular file") }
  #expect(folder.names == ["link", "pipe"])
}

@Test func oneOfManyWritersWins() throws {
  let folder = try TemporaryFolder()
  let path = folder("a.bin")
  let winners = Mutex<[UInt8]>([])
  DispatchQueue.concurrentPerform(iterations: 16) { index in
    if (try? AtomicFile.write([UInt8(index)], to: path, replacing: false)) != nil {
      winners.withLock { $0.append(UInt8(index)) }
    }
  }
  let won = winners.withLock { $0 }
  #expect(won.count == 1)
  #expect(FileManager.default.contents(atPath: path) == Data(won))
  #expect(folder.names == ["a.bin"])
}

import Failures
import Foundation
import Imaging
import Testing

private func names(_ folder: String) throws -> [String] {
  try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
}

@Test func wholeFileOrNone() throws {
  try withFolder { folder in
    let path = "\(folder)/a.bin"
    do {
      let dropped = try AtomicFile(path)
      try dropped.append([1, 2, 3])
      #expect(!FileManager.default.fileExists(atPath: path))
    }
    try #expect(names(folder) == [])
    try AtomicFile.write([1, 2, 3], to: path)
    try AtomicFile.write([4], to: path)
    #expect(FileManager.default.contents(atPath: path) == Data([4]))
    let failure = #expect(throws: Failure.self) { try AtomicFile.write([5], to: path, replacing: false) }
    #expect(failure?.kind == .cannotWrite)
    #expect(FileManager.default.contents(atPath: path) == Data([4]))
    try #expect(names(folder) == ["a.bin"])
  }
}

@Test(arguments: [ENOSPC, EIO, EDQUOT])
func fullDiskLeavesTheOldFile(code: Int32) throws {
  try withFolder { folder in
    let path = "\(folder)/a.bin"
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
      try #expect(names(folder) == ["a.bin"])
      #expect(FileManager.default.contents(atPath: path) == Data([9]))
    }
  }
}

@Test func placesThatCannotBeWritten() throws {
  try withFolder { folder in
    for path in ["\(folder)/none/a.nii", folder, "\(folder)/", "/dev/null/a.nii", "/proc/a.nii"] {
      let failure = #expect(throws: Failure.self, "\(path)") { try AtomicFile.write([1], to: path) }
      #expect(failure?.kind == .cannotWrite)
      #expect(failure?.message.hasPrefix(path) == true)
    }
    let failure = #expect(throws: Failure.self) { try NIfTI.write(ramp(), to: "\(folder)/volume.img") }
    #expect(failure?.kind == .cannotWrite)
    try #expect(names(folder) == [])
  }
}

@Test func oneOfManyWritersWins() throws {
  try withFolder { folder in
    let path = "\(folder)/a.bin"
    let won = Tally()
    Parallel.forEach(count: 16, threads: 8) { index in
      if (try? AtomicFile.write([UInt8(index)], to: path, replacing: false)) != nil { won.add(index) }
    }
    #expect(won.indices.count == 1)
    #expect(FileManager.default.contents(atPath: path) == Data(won.indices.map { UInt8($0) }))
    try #expect(names(folder) == ["a.bin"])
  }
}

import Failures
import Files
import Foundation
import Testing

@Suite struct EventFileTests {
  /// Content of the golden file, at its times.
  static func write(in folder: String) throws -> EventFile {
    var time = 1_699_999_999.75
    let file = try EventFile(in: folder, resumingAt: 5, host: "box", process: 42) {
      time += 0.5
      return time
    }
    try file.add(0, tag: "loss/G", step: 0)
    try file.add([("loss/G", -1.5), ("PSNR Δ", .infinity)], step: 300)
    return file
  }

  @Test func `checksums are those of RFC 3720, B 4`() {
    #expect(CRC32C.checksum([]) == 0)
    #expect(CRC32C.checksum(Array("123456789".utf8)) == 0xE306_9283)
    #expect(CRC32C.checksum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
    #expect(CRC32C.checksum([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
    #expect(CRC32C.checksum(Array(0..<32)) == 0x46DD_794E)
    #expect(CRC32C.checksum((0..<32).reversed()) == 0x113F_DB5C)
  }

  @Test func `bytes are those TensorBoard writes`() throws {
    let folder = try TemporaryFolder()
    // Kept on request, for Support/golden/event_file.py --read.
    let place = ProcessInfo.processInfo.environment["AGINET_EVENTS"] ?? folder.path
    let file = try Self.write(in: place)
    let name = Path.name(file.path)
    #expect(name.wholeMatch(of: /events\.out\.tfevents\.1700000000\.box\.42\.[0-9]+/) != nil)
    // The file is open still: each record reaches it at once.
    let written = try Data(contentsOf: URL(fileURLWithPath: file.path))
    #expect(written == (try Data(contentsOf: URL(fileURLWithPath: golden("events.tfevents")))))
  }

  @Test func `a resumed run gets a file of its own`() throws {
    let folder = try TemporaryFolder()
    let first = try EventFile(in: folder.path)
    try first.add(1, tag: "loss", step: 1)
    let before = try Data(contentsOf: URL(fileURLWithPath: first.path))
    let second = try EventFile(in: folder.path, resumingAt: 2)
    try second.add(2, tag: "loss", step: 2)
    #expect(folder.names.count == 2)
    #expect(folder.names.allSatisfy { $0.contains(".\(getpid()).") })
    #expect(try Data(contentsOf: URL(fileURLWithPath: first.path)) == before)
  }

  @Test func `a folder that is not there`() throws {
    let folder = try TemporaryFolder()
    let failure = #expect(throws: Failure.self) { try EventFile(in: folder("none")) }
    #expect(failure?.kind == .cannotWrite)
  }
}

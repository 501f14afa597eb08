import Failures
import Files
import Foundation
import Testing

@Suite struct EventFileTests {
  /// The pictures of Support/golden/event_file.py, 3 x 2 pixels.
  static let gray = bytes(
    "89504e470d0a1a0a0000000d4948445200000003000000020800000000b81f39c6000000104944415478da636068f8cf"
      + "f0bf8101000c0002ff420fd1310000000049454e44ae426082")
  static let rgb = bytes(
    "89504e470d0a1a0a0000000d49484452000000030000000208020000001216f14d000000164944415478da63f8cfc0c0"
      + "00c30c9c9c9cffffff0700336806169bd484650000000049454e44ae426082")

  static func bytes(_ hexadecimal: String) -> [UInt8] {
    let digits = hexadecimal.compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
  }

  /// Content of the golden file, at its times.
  static func write(in folder: String) throws -> EventFile {
    var time = 1_699_999_999.75
    let file = try EventFile(in: folder, resumingAt: 5, host: "box", process: 42) {
      time += 0.5
      return time
    }
    try file.add(0, tag: "loss/G", step: 0)
    try file.add([("loss/G", -1.5), ("PSNR Δ", .infinity)], step: 300)
    try file.add(png: gray, tag: "t1", step: 1 << 40)
    try file.add(png: rgb, tag: "rgb", step: 1 << 40)
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

  @Test func `what is no picture, and a folder that is not there`() throws {
    let folder = try TemporaryFolder()
    let file = try EventFile(in: folder.path)
    let before = try Data(contentsOf: URL(fileURLWithPath: file.path))
    var palette = Self.rgb
    palette[25] = 3
    for png in [[], Array(Self.gray.prefix(20)), palette, [UInt8](repeating: 1, count: 100)] {
      #expect(throws: Failure.self) { try file.add(png: png, tag: "t1", step: 1) }
    }
    #expect(try Data(contentsOf: URL(fileURLWithPath: file.path)) == before)
    let failure = #expect(throws: Failure.self) { try EventFile(in: folder("none")) }
    #expect(failure?.kind == .cannotWrite)
  }
}

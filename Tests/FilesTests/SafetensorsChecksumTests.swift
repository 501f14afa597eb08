import Failures
import Files
import Foundation
import ScanSupport
import Testing

/// Files say when their contents are not those they were written with.
@Suite struct SafetensorsChecksumTests {
  private let folder: TemporaryFolder
  private var path: String { folder("m.safetensors") }

  init() throws { folder = try TemporaryFolder() }

  private func write(_ metadata: [String: String] = ["note": "a \"b\""]) throws -> Data {
    try Safetensors.write(
      [
        .init("w", shape: [2, 3], values: (0..<6).map { Float($0) - 2.5 }),
        .init("empty", shape: [0], values: [] as [Float]),
        .init("n", shape: [3], values: [1, 2, 3] as [Int64]),
      ], metadata: metadata, to: path)
    return try #require(FileManager.default.contents(atPath: path))
  }

  private func reads(_ data: Data) throws -> Bool {
    do {
      _ = try Safetensors(data, path: "m")
      return true
    } catch let failure as Failure {
      #expect(failure.kind == .invalidModel)
      return false
    }
  }

  @Test func everyChangedByteIsNoticed() throws {
    let whole = try write()
    #expect(try reads(whole) && Safetensors(whole, path: "m").checksum != nil)
    let key = try #require(whole.firstRange(of: Data("aginet.crc32c".utf8)))
    for place in whole.indices {
      var changed = whole
      changed[place] ^= 1
      // The spaces at the header's end say nothing, and under another key nothing is a checksum.
      if whole[place] == UInt8(ascii: " ") || key.contains(place) { continue }
      #expect(try !reads(changed), "byte \(place)")
    }
  }

  @Test func aCutTransferOfFullLengthIsRefusedWithWhatToDo() throws {
    let whole = try write()
    let data = try Safetensors(whole, path: "m").entries.map(\.bytes.count).reduce(0, +)
    for lost in 1...data {
      var cut = whole
      cut.replaceSubrange((whole.count - lost)..., with: Data(count: lost))
      if cut == whole { continue }
      let failure = #expect(throws: Failure.self) { try Safetensors(cut, path: "m.safetensors") }
      #expect(failure?.kind == .invalidModel && failure?.message.contains("copy it again") == true)
      #expect(failure?.message.hasPrefix("m.safetensors: is damaged") == true)
    }
  }

  @Test func theOrderOfTensorsAndKeysIsNotPartOfIt() throws {
    let whole = try write()
    // As another program writes the same contents, keeping the metadata: other spaces, other order.
    let crc = try #require(try Safetensors(whole, path: "m").checksum)
    let floats = (0..<6).flatMap { withUnsafeBytes(of: Float($0) - 2.5) { Array($0) } }
    let integers = (1...3).flatMap { withUnsafeBytes(of: Int64($0)) { Array($0) } }
    let header = """
      {"w": {"shape": [2, 3], "dtype": "F32", "data_offsets": [0, 24]}, "n": {"dtype": "I64", "shape": [3], \
      "data_offsets": [24, 48]}, "empty": {"dtype": "F32", "shape": [0], "data_offsets": [48, 48]}, \
      "__metadata__": {"aginet.crc32c": "\(crc)", "note": "a \\"b\\""}}
      """
    let size = withUnsafeBytes(of: UInt64(header.utf8.count)) { Array($0) }
    let other = Data(size + Array(header.utf8) + floats + integers)
    #expect(try reads(other))
    var changed = other
    changed[other.count - 1] = 1
    #expect(try !reads(changed))
  }

  @Test func aFileWithoutOneIsReadAsBefore() throws {
    let file = try Safetensors(contentsOf: golden("exchange.safetensors"))
    #expect(file.checksum == nil)
    #expect(try Safetensors(contentsOf: golden("exchange.safetensors")).metadata == file.metadata)
  }

  @Test func equalContentsGiveEqualBytes() throws {
    #expect(try write() == write())
    #expect(try write() != write(["note": "other"]))
  }

  /// What verifying costs, for `RELIABILITY.md`.
  @Test(.enabled(if: Soak.isOn)) func whatItCosts() throws {
    let values = (0..<17_500_000).map { Float($0) }
    try Safetensors.write([.init("w", shape: [values.count], values: values)], to: path)
    let clock = ContinuousClock()
    let time = try clock.measure { _ = try Safetensors(contentsOf: path) }
    Soak.report("a model of 70 MB is verified in \(time)")
  }
}

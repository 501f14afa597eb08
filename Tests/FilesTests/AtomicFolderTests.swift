import Failures
import Files
import Foundation
import Testing

@Suite struct AtomicFolderTests {
  private let scratch: TemporaryFolder
  private var place: String { scratch("store") }

  init() throws { scratch = try TemporaryFolder() }

  private let kind = AtomicFolder.Kind("store") {
    FileManager.default.fileExists(atPath: $0 + "/index")
  } owns: {
    ["index", "data"].contains($0)
  }

  private func text(_ path: String) -> String? {
    FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
  }

  private func write(_ text: String, replacing: Bool = false, exchanges: Bool = true) throws {
    let folder = try AtomicFolder(place, of: kind, replacing: replacing, exchanges: exchanges)
    try folder.write(text, to: "data/\(text)")
    try folder.write(text, to: "index")
    try folder.commit()
  }

  @Test func wholeOrNotAtAll() throws {
    let folder = try AtomicFolder(place, of: kind, replacing: false)
    try folder.write("1", to: "data/a")
    #expect(!FileManager.default.fileExists(atPath: place))
    folder.discard()
    #expect(scratch.names == [])
    try write("1")
    #expect(scratch.names == ["store"] && text(place + "/data/1") == "1" && text(place + "/index") == "1")
  }

  /// With and without a file system that exchanges names.
  @Test(arguments: [true, false])
  func anotherOfItsKindIsReplacedWhereAsked(exchanges: Bool) throws {
    try write("1")
    let failure = #expect(throws: Failure.self) { try write("2") }
    #expect(failure?.kind == .cannotWrite && failure?.message.contains("\(Term.overwrites)") == true)
    try write("2", replacing: true, exchanges: exchanges)
    #expect(scratch.names == ["store"] && text(place + "/index") == "2")
    #expect(text(place + "/data/1") == nil)
  }

  @Test func whatIsNotOfItsKindStays() throws {
    try write("1")
    try Data().write(to: URL(fileURLWithPath: place + "/thesis"))
    var failure = #expect(throws: Failure.self) { try write("2", replacing: true) }
    #expect(failure?.message.contains("thesis") == true && text(place + "/index") == "1")
    try FileManager.default.removeItem(atPath: place + "/index")
    failure = #expect(throws: Failure.self) { try write("2", replacing: true) }
    #expect(failure?.message.contains("other files") == true)
    #expect(scratch.names == ["store"])
  }

  /// What somebody puts in the place while this one works is seen at the end.
  @Test func thePlaceIsLookedAtAgain() throws {
    let folder = try AtomicFolder(place, of: kind, replacing: false)
    try folder.write("2", to: "index")
    try write("1")
    #expect(throws: Failure.self) { try folder.commit() }
    #expect(text(place + "/index") == "1")
    folder.discard()
    #expect(scratch.names == ["store"])
  }

  @Test func leftoversOfKilledRunsAreRemovedAndOthersAreNot() throws {
    for name in [
      ".store.17.4711.part", ".store.17.4711.part.old", ".store.x.part", ".store2.17.4711.part",
      ".store.part",
    ] {
      try FileManager.default.createDirectory(
        atPath: scratch(name) + "/data", withIntermediateDirectories: true)
    }
    let running = try AtomicFolder(place, of: kind, replacing: false)
    try running.write("1", to: "index")
    #expect(scratch.names.count == 4)
    // Another run on the same place, while the first one lives.
    try write("2")
    #expect(throws: Failure.self) { try running.commit() }
    running.discard()
    #expect(scratch.names == [".store.part", ".store.x.part", ".store2.17.4711.part", "store"])
  }

  /// Killed between the two renames of a file system without exchange: the next run finds the old one again.
  @Test func anOldFolderThatWasMovedAsideComesBack() throws {
    try write("1")
    try FileManager.default.moveItem(atPath: place, toPath: scratch(".store.17.4711.part.old"))
    let failure = #expect(throws: Failure.self) { try write("2") }
    #expect(failure?.message.contains("already") == true)
    #expect(scratch.names == ["store"] && text(place + "/index") == "1")
  }

  @Test(arguments: ["", ".", "..", "/", "a/.", "a/.."])
  func placesThatHaveNoNameOfTheirOwn(path: String) throws {
    let failure = #expect(throws: Failure.self) { _ = try AtomicFolder(path, of: kind, replacing: true) }
    #expect(failure?.kind == .cannotWrite)
  }

  @Test func aLinkLeadsToThePlace() throws {
    try write("1")
    try FileManager.default.createSymbolicLink(atPath: scratch("link"), withDestinationPath: "store")
    let folder = try AtomicFolder(scratch("link"), of: kind, replacing: true)
    try folder.write("2", to: "index")
    try folder.commit()
    #expect(text(place + "/index") == "2" && scratch.names == ["link", "store"])
    try FileManager.default.createSymbolicLink(atPath: scratch("lost"), withDestinationPath: "nowhere")
    #expect(throws: Failure.self) { _ = try AtomicFolder(scratch("lost"), of: kind, replacing: true) }
  }

  @Test func longNamesFit() throws {
    let name = String(repeating: "n", count: 250)
    let folder = try AtomicFolder(scratch(name), of: kind, replacing: false)
    try folder.write("1", to: "index")
    try folder.commit()
    #expect(scratch.names == [name])
  }
}

@Suite struct InputTests {
  @Test func outputsInsideInputs() throws {
    let scratch = try TemporaryFolder()
    for name in ["raw/sub-01", "raw/derivatives", "other"] {
      try FileManager.default.createDirectory(atPath: scratch(name), withIntermediateDirectories: true)
    }
    try FileManager.default.createSymbolicLink(atPath: scratch("link"), withDestinationPath: "raw")
    let raw = scratch("raw")
    for output in [
      "raw", "raw/", "raw/sub-01", "raw/new", "raw/derivatives", "link", "link/new", "other/../raw/x",
      "other/../link/y/z",
      "raw/derivatives/../x", "raw/.", ".",
    ] {
      let failure = #expect(throws: Failure.self, "\(output)") {
        try Path.refuse(scratch(output), inside: raw, except: "derivatives")
      }
      #expect(failure?.kind == .cannotWrite)
    }
    for output in [
      "raw2", "rawer/x", "raw/derivatives/aginet", "raw/derivatives/a/b", "other", "other/raw", "raw/../p",
    ] {
      #expect(throws: Never.self, "\(output)") {
        try Path.refuse(scratch(output), inside: raw, except: "derivatives")
      }
    }
    #expect(throws: Failure.self) { try Path.refuse(scratch("raw/derivatives/aginet"), inside: raw) }
  }
}

@Suite struct RunningChecksumTests {
  /// RFC 3720, appendix B.4, and the plain form on every length and cut.
  @Test func isTheChecksumOfTheWhole() {
    var random = SplitMix64(seed: 3)
    let bytes = (0..<300).map { _ in UInt8.random(in: 0...255, using: &random) }
    [UInt8](repeating: 0, count: 32).withUnsafeBytes { #expect(CRC32C.checksum($0) == 0x8A91_36AA) }
    Array(UInt8(0)..<32).withUnsafeBytes { #expect(CRC32C.checksum($0) == 0x46DD_794E) }
    for count in 0..<300 {
      let part = Array(bytes[..<count])
      part.withUnsafeBytes { all in
        #expect(CRC32C.checksum(all) == CRC32C.checksum(part))
        let cut = count / 3
        let first = CRC32C.checksum(UnsafeRawBufferPointer(rebasing: all[..<cut]))
        #expect(
          CRC32C.checksum(UnsafeRawBufferPointer(rebasing: all[cut...]), after: first)
            == CRC32C.checksum(part))
      }
    }
  }
}

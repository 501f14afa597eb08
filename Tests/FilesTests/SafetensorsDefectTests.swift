import Failures
import Files
import Foundation
import ScanSupport
import Testing

/// Reliability: every defect has its sentence, and no bytes crash the reader.
@Suite struct SafetensorsDefectTests {
  /// A header and the tensors' bytes, framed.
  static func file(_ header: String, _ bytes: Int = 0) -> Data { file(Data(header.utf8), bytes) }

  static func file(_ header: Data, _ bytes: Int = 0) -> Data {
    withUnsafeBytes(of: UInt64(header.count).littleEndian) { Data($0) } + header + Data(count: bytes)
  }

  static func tensor(_ shape: String, _ offsets: String, dtype: String = "\"F32\"") -> String {
    "{\"w\":{\"dtype\":\(dtype),\"shape\":\(shape),\"data_offsets\":\(offsets)}}"
  }

  static let defects: [(String, Data, String)] = {
    let w = #""w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"#
    let late = #""v":{"dtype":"F32","shape":[1],"data_offsets":[12,16]}"#
    let inside = #""v":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}"#
    return [
      ("nothing", Data(), "cut short"),
      ("seven bytes", Data(count: 7), "cut short"),
      ("no header", file(""), "does not start with {"),
      ("huge header", Data(repeating: 0xFF, count: 64), "limit of 100 MB"),
      ("just over", Data([0x01, 0xE1, 0xF5, 0x05, 0, 0, 0, 0, 0x7B]), "limit of 100 MB"),
      ("header longer than the file", file("{}").dropLast(), "cut short"),
      ("space first", file(" {}"), "does not start with {"),
      ("an array", file("[]"), "does not start with {"),
      ("unclosed", file("{"), "ends too early"),
      ("two documents", file("{}{}"), "something follows"),
      ("trailing comma", file("{\(w),}", 8), "key in double quotes"),
      ("duplicate name", file("{\(w),\(w)}", 8), "occurs twice"),
      ("duplicate by escape", file("{\(w),\(w.replacing("\"w\"", with: #""\u0077""#))}", 8), "occurs twice"),
      ("duplicate field", file(#"{"w":{"dtype":"F32","dtype":"F32"}}"#), "occurs twice"),
      ("not UTF-8", file(Data("{\"".utf8) + [0xC3, 0x28] + Data("\":{}}".utf8)), "not UTF-8"),
      ("lone surrogate", file(#"{"\uD800":{}}"#), "surrogate"),
      ("deep", file(#"{"w":"# + String(repeating: "[", count: 100_000)), "nested more than"),
      ("metadata no object", file(#"{"__metadata__":3}"#), "__metadata__"),
      ("metadata no text", file(#"{"__metadata__":{"a":1}}"#), "is not text"),
      ("tensor no object", file(#"{"w":[]}"#), "not described by an object"),
      ("unknown key", file(#"{"w":{"strides":[1]}}"#), "unknown key \"strides\""),
      ("no dtype", file(#"{"w":{"shape":[],"data_offsets":[0,4]}}"#, 4), "no dtype"),
      ("dtype a number", file(tensor("[1]", "[0,4]", dtype: "3"), 4), "no dtype"),
      ("unknown dtype", file(tensor("[1]", "[0,4]", dtype: "\"F31\""), 4), "unknown dtype \"F31\""),
      ("no shape", file(#"{"w":{"dtype":"F32","data_offsets":[0,4]}}"#, 4), "no shape"),
      ("negative extent", file(tensor("[-1]", "[0,4]"), 4), "whole numbers"),
      ("fraction", file(tensor("[1.0]", "[0,4]"), 4), "whole numbers"),
      ("extent beyond 64 bits", file(tensor("[99999999999999999999]", "[0,4]"), 4), "whole numbers"),
      ("overflow", file(tensor("[4611686018427387904,4]", "[0,0]")), "too large"),
      ("no offsets", file(#"{"w":{"dtype":"F32","shape":[1]}}"#), "no data_offsets"),
      ("one offset", file(tensor("[1]", "[0]"), 4), "begin and an end"),
      ("backwards", file(tensor("[1]", "[4,0]"), 4), "begin and an end"),
      ("negative offset", file(tensor("[1]", "[-4,0]"), 4), "begin and an end"),
      ("size not shape", file(tensor("[2]", "[0,4]"), 4), "should take 8 bytes by its shape but has 4"),
      ("hole", file("{\(w),\(late)}", 16), "4 bytes before tensor \"v\" are unused"),
      ("hole at the start", file(tensor("[1]", "[4,8]"), 8), "unused"),
      ("overlap", file("{\(w),\(inside)}", 8), "overlaps"),
      ("cut", file("{\(w)}", 7), "cut short"),
      ("too long", file("{\(w)}", 9), "1 bytes follow the last tensor"),
      ("far beyond", file(tensor("[2305843009213693951]", "[0,9223372036854775804]")), "cut short"),
    ]
  }()

  @Test(arguments: defects.indices) func `each defect has its sentence`(_ index: Int) {
    let (name, data, sentence) = Self.defects[index]
    let failure = #expect(throws: Failure.self, "\(name)") { try Safetensors(data, path: "m.safetensors") }
    #expect(failure?.kind == .invalidModel, "\(name)")
    #expect(failure?.message.hasPrefix("m.safetensors: ") == true)
    #expect(failure?.message.contains(sentence) == true, "\(name): \(failure?.message ?? "")")
  }

  @Test func `what is right is accepted`() throws {
    #expect(try Safetensors(Self.file("{}"), path: "m").entries.isEmpty)
    #expect(try Safetensors(Self.file("{}   \n"), path: "m").entries.isEmpty)
    let escaped = try Safetensors(Self.file(#"{"__metadata__":{"\u00e9\ud83e\udde0":"\/"}}"#), path: "m")
    #expect(escaped.metadata == ["é🧠": "/"])
    let file = try Safetensors(Self.file(Self.tensor("[]", "[0,4]"), 4), path: "m")
    #expect(file["w"]?.count == 1)
    #expect(throws: Failure.self) { try file.values(of: "v", as: Float.self) }
    let mistyped = #expect(throws: Failure.self) { try file.values(of: "w", as: Double.self) }
    #expect(mistyped?.message == "m: tensor \"w\" is F32, not F64")
  }

  @Test func `a tensor that is not aligned in a foreign file is still read`() throws {
    let header =
      #"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"#
      + #""b":{"dtype":"F32","shape":[1],"data_offsets":[1,5]}}"#
    var data = Self.file(header, 1)
    withUnsafeBytes(of: Float(1.25)) { data.append(contentsOf: $0) }
    #expect(try Safetensors(data, path: "m").values(of: "b") == [1.25] as [Float])
  }

  @Test(arguments: [
    [0x50, 0x4B, 0x03, 0x04, 0, 0, 0, 0, 0], [0x80, 0x02, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9],
  ])
  func `a pickle is refused, unread`(_ start: [UInt8]) throws {
    let folder = try TemporaryFolder()
    try Data(start + [UInt8](repeating: 7, count: 100)).write(to: URL(fileURLWithPath: folder("best.pth")))
    let failure = #expect(throws: Failure.self) { try Safetensors(contentsOf: folder("best.pth")) }
    #expect(failure?.exitCode == 9)
    #expect(failure?.message.contains("is a PyTorch pickle; aginet reads only safetensors") == true)
  }

  @Test func `a header of 128 or 640 bytes is not taken for a pickle`() throws {
    for count in [0x80, 0x280] {
      let header = "{}" + String(repeating: " ", count: count - 2)
      #expect(try Safetensors(Self.file(header), path: "m").entries.isEmpty)
    }
  }

  @Test func `no file, a folder and an empty file`() throws {
    let folder = try TemporaryFolder()
    #expect(throws: Failure.self) { try Safetensors(contentsOf: folder("none")) }
    for path in [folder("none"), folder.path, "/dev/null"] {
      #expect((#expect(throws: Failure.self) { try Safetensors(contentsOf: path) })?.kind == .notFound)
    }
    try Data().write(to: URL(fileURLWithPath: folder("empty")))
    #expect(
      (#expect(throws: Failure.self) { try Safetensors(contentsOf: folder("empty")) })?.kind == .invalidModel)
  }

  @Test func `20,000 mutations of a valid file never crash`() throws {
    let valid = [UInt8](try Data(contentsOf: URL(fileURLWithPath: golden("exchange.safetensors"))))
    let clock = ContinuousClock()
    var slowest = Duration.zero
    let count = Soak.count(20_000, soak: 100_000)
    let telling = Array("{}[]\",:\\0123456789-.eu".utf8) + [0, 0x7F, 0x80, 0xFF]
    var random = SplitMix64(seed: 1)
    var accepted = 0
    for _ in 0..<count {
      var bytes = valid
      for _ in 0..<Int.random(in: 1...3, using: &random) where !bytes.isEmpty {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<6, using: &random) {
        case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 1: bytes[place] = telling.randomElement(using: &random) ?? 0
        case 2: bytes.remove(at: place)
        case 3: bytes.insert(telling.randomElement(using: &random) ?? 0, at: place)
        case 4: bytes.removeSubrange(place...)
        default:
          let other = Int.random(in: 0..<bytes.count, using: &random)
          bytes.insert(contentsOf: bytes[min(place, other)..<max(place, other)].prefix(64), at: place)
        }
      }
      let start = clock.now
      defer { slowest = max(slowest, clock.now - start) }
      do {
        let file = try Safetensors(Data(bytes), path: "m")
        accepted += 1
        // Whatever is accepted must be readable to the last byte.
        for entry in file.entries { file.withBytes(of: entry) { _ = $0.reduce(0, &+) } }
      } catch let failure as Failure { #expect(failure.kind == .invalidModel) }
    }
    // A flipped data byte or a changed name leaves the file valid; a cut one does not.
    #expect(accepted > count / 100 && accepted < count / 2)
    Soak.report(
      "\(count) mutated safetensors files: 0 crashes, \(accepted) valid, the slowest took \(slowest)")
  }
}

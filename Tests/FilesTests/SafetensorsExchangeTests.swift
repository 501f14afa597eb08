import Failures
import Files
import Foundation
import Testing

/// The file of Support/golden/safetensors_files.py, and the same content written here.
@Suite struct SafetensorsExchangeTests {
  let ramp = Array(-3..<3)
  let metadata = ["note": "a \"quoted\"\tΔ 🧠", "format": "pt"]

  /// In an order that is not that of the file: names by type last.
  var tensors: [Safetensors.Tensor] {
    [
      .init("bool", .bool, shape: [3], data: Data([1, 0, 1])),
      .init("u8", shape: [3], values: [0, 1, 255] as [UInt8]),
      .init("f64", shape: [6], values: ramp.map { Double($0) / 3 }),
      .init("f32", shape: [2, 3], values: ramp.map { Float($0) / 3 }),
      .init("f16", .f16, shape: [6], data: Data(little: [0xBA00, 0xB800, 0xB400, 0, 0x3400, 0x3800])),
      .init("bf16", .bf16, shape: [6], data: Data(little: [0xBF40, 0xBF00, 0xBE80, 0, 0x3E80, 0x3F00])),
      .init("i64", shape: [6], values: ramp.map { $0 << 40 }),
      .init("i32", shape: [6], values: ramp.map { Int32($0 * 1000) }),
      .init("i16", shape: [6], values: ramp.map { Int16($0 * 100) }),
      .init("i8", shape: [6], values: ramp.map { Int8($0) }),
      .init("scalar", shape: [], values: [0.5] as [Float]),
      .init("empty", shape: [0, 4], values: [] as [Float]),
      .init("quote \" slash \\ line\n", shape: [1], values: [1.5] as [Float]),
      .init("Δσ 脳 🧠", shape: [1], values: [-2.5] as [Float]),
    ]
  }

  @Test func `what Python wrote is read back exactly`() throws {
    let file = try Safetensors(contentsOf: golden("exchange.safetensors"))
    #expect(file.metadata == metadata)
    #expect(file.entries.count == tensors.count)
    for tensor in tensors {
      let entry = try #require(file[tensor.name])
      #expect(entry.type == tensor.type)
      #expect(entry.shape == tensor.shape)
      var expected = Data()
      try tensor.bytes { expected.append(contentsOf: $0) }
      #expect(file.withBytes(of: entry) { Data($0) } == expected, "\(tensor.name)")
    }
    #expect(try file.values(of: "f32") == ramp.map { Float($0) / 3 })
    #expect(try file.values(of: "i64", as: Int64.self) == ramp.map { Int64($0) << 40 })
  }

  @Test func `what is written here is read back, aligned and the same every time`() throws {
    let folder = try TemporaryFolder()
    // Kept on request, for Support/golden/safetensors_files.py --read.
    let path = ProcessInfo.processInfo.environment["AGINET_EXCHANGE"] ?? folder("a.safetensors")
    try Safetensors.write(tensors, metadata: metadata, to: path)
    try Safetensors.write(tensors, metadata: metadata, to: folder("b.safetensors"))
    let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    #expect(bytes == (try Data(contentsOf: URL(fileURLWithPath: folder("b.safetensors")))))

    let file = try Safetensors(contentsOf: path)
    #expect(file.metadata == metadata)
    #expect(
      bytes.count == 8 + Int(bytes[0]) + Int(bytes[1]) << 8 + file.entries.map(\.bytes.count).reduce(0, +))
    #expect(bytes[0] % 8 == 0)
    for entry in file.entries { #expect(entry.bytes.lowerBound % entry.type.size == 0) }
    for tensor in tensors {
      let entry = try #require(file[tensor.name])
      var expected = Data()
      try tensor.bytes { expected.append(contentsOf: $0) }
      #expect(file.withBytes(of: entry) { Data($0) } == expected, "\(tensor.name)")
    }
    // Within one width the given order stays.
    #expect(file.entries.map(\.name).prefix(4) == ["f64", "i64", "f32", "i32"])
  }

  @Test func `a tensor may come in pieces, but not too few or too many`() throws {
    let folder = try TemporaryFolder()
    func write(pieces: Int) throws {
      let tensor = Safetensors.Tensor("w", .u8, shape: [4]) { take in
        for piece in 0..<UInt8(pieces) { try withUnsafeBytes(of: (piece, piece)) { try take($0) } }
      }
      try Safetensors.write([tensor], to: folder("w.safetensors"))
    }
    try write(pieces: 2)
    #expect(try Safetensors(contentsOf: folder("w.safetensors")).values(of: "w") == [0, 0, 1, 1] as [UInt8])
    let before = try Data(contentsOf: URL(fileURLWithPath: folder("w.safetensors")))
    for pieces in [0, 1, 3] {
      let failure = #expect(throws: Failure.self) { try write(pieces: pieces) }
      #expect(failure?.message.contains("takes 4 bytes but gave \(2 * pieces)") == true)
    }
    #expect(folder.names == ["w.safetensors"])
    #expect(try Data(contentsOf: URL(fileURLWithPath: folder("w.safetensors"))) == before)
  }

  @Test func `a folder that cannot be written leaves nothing and says so`() throws {
    let folder = try TemporaryFolder()
    let missing = folder("none/model.safetensors")
    let failure = #expect(throws: Failure.self) { try Safetensors.write(tensors, to: missing) }
    #expect(failure?.kind == .cannotWrite)
    #expect(failure?.message.contains(missing) == true)

    // The name is taken by a folder: everything is written before the rename fails.
    try FileManager.default.createDirectory(
      atPath: folder("taken/inside"), withIntermediateDirectories: true)
    #expect(throws: Failure.self) { try Safetensors.write(tensors, to: folder("taken")) }
    #expect(folder.names == ["taken"])
  }

  @Test func `names and shapes that cannot be written are refused`() throws {
    let folder = try TemporaryFolder()
    let one = Safetensors.Tensor("w", shape: [1], values: [1] as [Float])
    for tensors in [
      [one, one], [.init("__metadata__", shape: [1], values: [1] as [Float])],
      [.init("w", .f32, shape: [-1], data: Data())], [.init("w", .f32, shape: [.max, 2], data: Data())],
    ] {
      let failure = #expect(throws: Failure.self) {
        try Safetensors.write(tensors, to: folder("w.safetensors"))
      }
      #expect(failure?.kind == .unexpected)
    }
    #expect(folder.names.isEmpty)
  }
}

extension Data {
  init(little words: [UInt16]) {
    self = words.reduce(into: Data()) { data, word in
      Swift.withUnsafeBytes(of: word.littleEndian) { data.append(contentsOf: $0) }
    }
  }
}

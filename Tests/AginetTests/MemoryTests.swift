import Foundation
import Imaging
import PipelineSupport
import ScanSupport
import Testing

/// What the program takes of memory, measured from outside.
@Suite(.serialized) struct MemoryTests {
  private let scratch: Scratch
  init() throws { scratch = try Scratch() }

  private func peak(_ t1: String, _ t2: String, _ options: [String] = []) throws -> Peak {
    try Peak(
      ["synthesize", "--model", try Trained.model, "--t1", t1, "--t2", t2, "-o", "pd.nii", "--force"]
        + options,
      in: scratch.path)
  }

  /// A header that claims much, or data that inflate to much, cost nothing.
  @Test func bombsTakeNoMemory() throws {
    let (t1, t2) = (try Trained.scan(.t1), try Trained.scan(.t2))
    let small = try peak(t1, t2)
    #expect(small.code == 0)
    // 16 MiB of zeros in 16 kB, over and over: 4 GiB in all.
    let plain = scratch("plain.nii")
    try NIfTI.write(scan(.t1, subject: 5), as: .uint8, to: plain)
    let whole = try #require(contents(of: plain))
    try Data(repeating: 0, count: 1 << 24).write(to: URL(fileURLWithPath: scratch("zeros")))
    let zip = Process()
    zip.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    zip.arguments = ["gzip", "-9", scratch("zeros")]
    try zip.run()
    zip.waitUntilExit()
    let zeros = try #require(contents(of: scratch("zeros.gz")))
    let count = Soak.count(10, soak: 50)
    var (largest, slowest) = (0, 0.0)
    for index in 0..<count {
      var header = whole.prefix(352)
      func set(_ place: Int, _ bytes: [UInt8]) {
        header.replaceSubrange(place..<place + bytes.count, with: bytes)
      }
      func word(_ value: Int16) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }
      let side = Int16([900, 2000, 8000, 32767, 1200][index % 5])
      switch index % 3 {
      // Voxels without number.
      case 0: for axis in 0..<3 { set(42 + 2 * axis, word(side)) }
      // More data than the header says.
      case 1: break
      // Voxels that begin far behind.
      default:
        set(108, withUnsafeBytes(of: Float(352 + 10000 * Int(side)).bitPattern.littleEndian) { Array($0) })
      }
      let bomb = scratch("bomb.nii")
      try header.write(to: URL(fileURLWithPath: bomb))
      let pack = Process()
      pack.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      pack.arguments = ["gzip", "-f", bomb]
      try pack.run()
      pack.waitUntilExit()
      let file = try FileHandle(forWritingTo: URL(fileURLWithPath: bomb + ".gz"))
      try file.seekToEnd()
      for _ in 0..<256 { try file.write(contentsOf: zeros) }
      try file.close()
      // No limit but memory's own, so that the reader's other checks are what saves it.
      let bombed = try peak(bomb + ".gz", t2)
      #expect(bombed.code == 4 || bombed.code == 8, "\(index): \(bombed.code)")
      (largest, slowest) = (max(largest, bombed.bytes), max(slowest, bombed.seconds))
    }
    #expect(largest <= small.bytes + 64 << 20, "\(largest) against \(small.bytes) bytes")
    Soak.report(
      "\(count) decompression bombs of 4 GiB: at most \(largest >> 20) MB resident, \(small.bytes >> 20) MB for a small patient; the"
        + " slowest \(String(format: "%.2f", slowest)) s, of it \(String(format: "%.2f", small.seconds)) s for a small patient"
    )
  }

  /// Four bytes a voxel for each source and two volumes more, and one batch.
  @Test func synthesisKeepsToItsBound() throws {
    let sizes: [SIMD3<Int>] = Soak.isOn ? [[240, 240, 155], [512, 512, 512]] : [[256, 256, 96]]
    for size in sizes {
      let base = try peak(try Trained.scan(.t1), try Trained.scan(.t2)).bytes
      // In another order of voxels than the network's, so that volumes are turned on the way.
      for (modality, name) in [(Modality.t1, "t1.nii"), (.t2, "t2.nii")] {
        let small = scan(modality, subject: 5)
        let voxels = [Float](unsafeUninitializedCapacity: size.x * size.y * size.z) { buffer, count in
          for index in buffer.indices {
            buffer[index] = small.voxels[index % small.voxels.count]
          }
          count = buffer.count
        }
        let affine = Affine(spacing: [0.5, 0.5, 0.5], origin: [-120, -100, -60])
        try NIfTI.write(
          Volume(dimensions: size, affine: affine, voxels: voxels), as: .int16, to: scratch(name))
      }
      let run = try peak("t1.nii", "t2.nii", ["--batch", "1"])
      #expect(run.code == 0)
      let voxels = size.x * size.y * size.z
      // One slice: up to sixty maps of the network's width (4) over it, those that LibTorch makes on the way included.
      let batch = size.x * size.y * 4 * 4 * 60
      let bound = base + 4 * voxels * (2 + 2) + batch
      #expect(run.bytes <= bound, "\(run.bytes >> 20) of \(bound >> 20) MB")
      Soak.report(
        "synthesize of two sources of \(size.x)x\(size.y)x\(size.z) at width 4: \(run.bytes >> 20) MB, the bound is \(bound >> 20) MB"
          + " (\(base >> 20) MB for the program, \(4 * voxels >> 20) MB a volume)")
      for name in ["t1.nii", "t2.nii", "pd.nii"] {
        try? FileManager.default.removeItem(atPath: scratch(name))
      }
    }
  }
}

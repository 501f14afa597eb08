import Foundation
import Imaging
import PipelineSupport
import Testing

/// Memory that is not there ends a command with exit code 8 and one line, and leaves nothing behind.
@Suite struct MemoryLimitTests {
  private let scratch: Scratch

  init() throws { scratch = try Scratch() }

  /// The program with so many MiB of addresses.
  private func limited(to mebibytes: Int) throws -> Command {
    var command = try Command(in: scratch.path)
    command.prefix = ["/bin/bash", "-c", "ulimit -v \(mebibytes * 1024) && exec \"$@\"", "limited"]
    return command
  }

  /// From what the libraries alone take to what is plenty. Below the first the system's loader cannot load them.
  private func sweep(_ name: String, _ arguments: [String], from least: Int, to most: Int, output: String)
    throws
  {
    var codes: [Int32] = []
    for mebibytes in stride(from: least, through: most, by: (most - least) / 6) {
      let outcome = try limited(to: mebibytes)(arguments)
      codes.append(outcome.code)
      #expect([0, 8].contains(outcome.code), "\(name) \(mebibytes): \(outcome.code) \(outcome.messages)")
      if outcome.code == 8 {
        #expect(outcome.lines.count == 1 && outcome.messages.contains("out of memory"), "\(outcome.messages)")
        #expect(
          !scratch.files().contains { $0.contains(".partial") || $0.hasPrefix(".") }, "\(scratch.files())")
      }
      try? FileManager.default.removeItem(atPath: scratch(output))
      try? FileManager.default.removeItem(atPath: scratch("pd.json"))
    }
    #expect(codes.first == 8 && codes.last == 0, "\(name): \(codes)")
  }

  @Test func synthesis() throws {
    // 64 MB a volume.
    let size = 256
    var volume = Volume(
      dimensions: [size, size, size], affine: Affine([-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 1, 0]),
      voxels: [Float](repeating: 0, count: size * size * size))
    for index in size * size * 100..<size * size * 110 { volume.voxels[index] = Float(index % 100) }
    for name in ["t1.nii", "t2.nii"] { try NIfTI.write(volume, as: .uint8, to: scratch(name)) }
    try sweep(
      "synthesize",
      [
        "synthesize", "--quiet", "--threads", "1", "--model", try Trained.model, "--t1", "t1.nii", "--t2",
        "t2.nii",
        "-o", "pd.nii",
      ], from: 480, to: 3000, output: "pd.nii")
  }
}

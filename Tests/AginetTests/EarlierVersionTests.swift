import Files
import Foundation
import Imaging
import PipelineSupport
import Testing

/// What version 0.1.0 wrote is still read: `Tests/Golden/0.1.0` holds a cohort of three computed people, a run of four
/// steps, two of the scans, and the volume that 0.1.0 made of them.
@Suite struct EarlierVersionTests {
  private let scratch: Scratch
  private let aginet: Command

  init() throws {
    scratch = try Scratch()
    aginet = try Command(in: scratch.path)
    let golden = Path.folder(Path.folder(#filePath)) + "/Golden/0.1.0"
    for name in try FileManager.default.contentsOfDirectory(atPath: golden) {
      try FileManager.default.copyItem(atPath: golden + "/" + name, toPath: scratch(name))
    }
  }

  @Test func itsModelMakesTheSameVolume() throws {
    let outcome = try aginet(
      "synthesize", "--model", "run/model.safetensors", "--t1", "t1.nii.gz", "--t2", "t2.nii.gz", "-o",
      "new.nii.gz", "--threads", "1")
    #expect(outcome.code == 0, "\(outcome.messages)")
    let (old, new) = (
      try NIfTI.read(path: scratch("pd.nii.gz")).volume, try NIfTI.read(path: scratch("new.nii.gz")).volume
    )
    #expect(new.grid == old.grid)
    #expect(old.voxels.contains { $0 > 0.5 })
    // Other processors round otherwise.
    let largest = zip(old.voxels, new.voxels).map { abs($0 - $1) }.max() ?? 1
    #expect(largest < 1e-4)
  }

  /// It has no checksum, but a tail of zeros betrays itself.
  @Test(arguments: [0.02, 0.3, 0.9]) func aTailOfZerosIsRefused(share: Double) throws {
    let path = scratch("run/model.safetensors")
    var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    let start = Int(Double(bytes.count) * (1 - share))
    bytes.replaceSubrange(start..., with: Data(count: bytes.count - start))
    try bytes.write(to: URL(fileURLWithPath: path))
    let line = try aginet.fails(
      9,
      [
        "synthesize", "--quiet", "--model", "run/model.safetensors", "--t1", "t1.nii.gz", "--t2", "t2.nii.gz",
        "-o", "new.nii.gz",
      ])
    #expect(line.contains("ends in zeros") && line.contains("copy it again"))
  }

  @Test func itsRunGoesOn() throws {
    let outcome = try aginet(
      "train", "--resume", "--iterations", "6", "--threads", "1", "--data", "cohort", "-o", "run")
    #expect(outcome.code == 0, "\(outcome.messages)")
    #expect(outcome.messages.contains("continuing at iteration 4"))
    let log = try String(contentsOfFile: scratch("run/log.csv"), encoding: .utf8)
    #expect(log.split(separator: "\n").last?.hasPrefix("6,") == true)
  }

  @Test func itsRunIsScored() throws {
    let before = try String(contentsOfFile: scratch("run/evaluation/test/subjects.csv"), encoding: .utf8)
    let outcome = try aginet("evaluate", "run", "--data", "cohort", "--force", "--threads", "1")
    #expect(outcome.code == 0, "\(outcome.messages)")
    let after = try String(contentsOfFile: scratch("run/evaluation/test/subjects.csv"), encoding: .utf8)
    #expect(words(of: before) == words(of: after))
    #expect(after.contains("sub-03"))
  }

  /// The words of a table's lines, what is no number, without the columns that were not there yet.
  private func words(of table: String) -> [[Substring]] {
    let rows = table.split(whereSeparator: \.isNewline).map {
      $0.split(separator: ",", omittingEmptySubsequences: false)
    }
    let kept = rows[0].indices.filter { rows[0][$0] != "through_plane" }
    return rows.map { row in kept.map { row[$0] }.filter { Double($0) == nil } }
  }
}

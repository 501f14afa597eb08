import Files
import Foundation
import Imaging
import PipelineSupport
import Testing

/// Model files that were damaged on the way, or that ask for what they do not hold.
@Suite struct ModelFileTests {
  private let scratch: Scratch
  private let aginet: Command

  init() throws {
    scratch = try Scratch()
    aginet = try Command(in: scratch.path)
  }

  /// Every command that reads a model, on `m.safetensors`.
  private func refused(_ code: Int32) throws -> String {
    try aginet.fails(
      code,
      [
        "synthesize", "--quiet", "--model", "m.safetensors", "--t1", try Trained.scan(.t1), "--t2",
        try Trained.scan(.t2), "-o", "pd.nii.gz",
      ])
  }

  /// The trained model with its tensors or metadata changed, written anew with a checksum of its own.
  private func write(
    metadata change: (String) -> String = { $0 }, tensors values: ([Float]) -> [Float] = { $0 }
  ) throws {
    let file = try Safetensors(contentsOf: Trained.model)
    let tensors = try file.entries.map { entry in
      Safetensors.Tensor(entry.name, shape: entry.shape, values: values(try file.values(of: entry.name)))
    }
    var metadata = file.metadata
    let before = try #require(metadata["aginet.experiment"])
    metadata["aginet.experiment"] = change(before)
    try Safetensors.write(tensors, metadata: metadata, to: scratch("m.safetensors"))
  }

  @Test(arguments: [0.01, 0.3, 0.9]) func aTailOfZerosIsRefused(share: Double) throws {
    var bytes = try #require(contents(of: try Trained.model))
    let start = Int(Double(bytes.count) * (1 - share))
    bytes.replaceSubrange(start..., with: Data(count: bytes.count - start))
    try bytes.write(to: URL(fileURLWithPath: scratch("m.safetensors")))
    let line = try refused(9)
    #expect(line.contains("m.safetensors: is damaged") && line.contains("copy it again"))
    #expect(try aginet.fails(9, ["info", "m.safetensors"]).contains("damaged"))
    #expect(scratch.files() == ["m.safetensors"])
  }

  /// As 0.1.0 wrote it, without a checksum.
  @Test func weightsThatNobodyTrainedAreRefused() throws {
    try write()
    let reads = try aginet("info", "m.safetensors")
    #expect(reads.code == 0, "\(reads.messages)")
    try write(tensors: { $0.map { _ in 0 } })
    #expect(try refused(9).contains("all its weights are 0"))
    try write(tensors: { [.nan] + $0.dropFirst() })
    #expect(try refused(10).contains("not finite"))
    try write(tensors: { $0.dropLast() + [.infinity] })
    #expect(try refused(10).contains("not finite"))
  }

  @Test(arguments: [
    ("\"blocks\" : 2", "\"blocks\" : 50000000"), ("\"blocks\" : 2", "\"blocks\" : 64"),
    ("\"blocks\" : 2", "\"blocks\" : 9223372036854775807"), ("\"width\" : 4", "\"width\" : 1024"),
    ("\"width\" : 4", "\"width\" : 50000000"), ("\"groups\" : 4", "\"groups\" : 50000000"),
    ("\"groups\" : 4", "\"groups\" : 1"), ("\"name\" : \"agi-net\"", "\"name\" : \"published\""),
    ("\"name\" : \"agi-net\"", "\"name\" : \"resunet\""),
    ("\"method\" : \"pix2pix\"", "\"method\" : \"iddpm\""),
    ("\"discriminatorWidth\" : 4", "\"discriminatorWidth\" : 50000000"),
  ])
  func anExperimentThatAsksForOtherTensorsIsRefusedBeforeTheyAreMade(before: String, after: String) throws {
    try write(metadata: { text in
      #expect(text.contains(before))
      return text.replacing(before, with: after)
    })
    // 1.5 GiB of addresses: nothing of that size can have been made.
    var limited = aginet
    limited.prefix = ["/bin/bash", "-c", "ulimit -v 1572864 && exec \"$@\"", "limited"]
    let line = try limited.fails(
      9,
      [
        "synthesize", "--quiet", "--threads", "1", "--model", "m.safetensors", "--t1", try Trained.scan(.t1),
        "--t2",
        try Trained.scan(.t2), "-o", "pd.nii.gz",
      ])
    #expect(line.contains("m.safetensors"), "\(line)")
    #expect(scratch.files() == ["m.safetensors"])
  }

  @Test func aCheckpointThatAsksForOtherTensorsIsRefused() throws {
    try Trained.copyRun(to: scratch("run"))
    let last = scratch("run/checkpoints/last.safetensors")
    let file = try Safetensors(contentsOf: last)
    let tensors = file.entries.map { entry in
      Safetensors.Tensor(entry.name, entry.type, shape: entry.shape) { take in
        try file.withBytes(of: entry) { try take($0) }
      }
    }
    var metadata = file.metadata
    func grown(_ text: String) -> String { text.replacing("\"blocks\" : 2", with: "\"blocks\" : 60") }
    metadata["aginet.experiment"] = metadata["aginet.experiment"].map(grown)
    try Safetensors.write(tensors, metadata: metadata, to: scratch("copy.safetensors"))
    _ = try FileManager.default.removeItem(atPath: last)
    try FileManager.default.moveItem(atPath: scratch("copy.safetensors"), toPath: last)
    let text = try scratch.text("run/experiment.json")
    try scratch.write(grown(text), to: "run/experiment.json")
    let line = try aginet.fails(
      9, ["train", "--resume", "--data", try Trained.cohort, "-o", "run", "--quiet"])
    #expect(line.contains("last.safetensors: does not fit the network"))
  }
}

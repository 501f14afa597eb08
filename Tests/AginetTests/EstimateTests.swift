import Foundation
import Imaging
import PipelineSupport
import Testing

/// What is told beforehand of memory holds, and what memory cannot hold is refused.
@Suite(.serialized) struct EstimateTests {
  private let scratch: Scratch
  private let aginet: Command

  init() throws {
    scratch = try Scratch()
    aginet = try Command(in: scratch.path)
  }

  /// What `--estimate --json` says.
  private struct Told: Decodable {
    var memory: Int, batch: Int, batches: Int, batchSize: Int, samples: String, seconds: Double
    var processes: Int?, limit: Int, limitOrigin: String
  }

  private func told(_ arguments: [String]) throws -> Told {
    let outcome = try aginet(arguments + ["--estimate", "--json"])
    try #require(outcome.code == 0, "\(outcome.messages)")
    return try JSONDecoder().decode(Told.self, from: Data(outcome.output.utf8))
  }

  /// - Parameter factor: what may be held of what was told.
  private func expect(_ told: Told, covers peak: Peak, upTo factor: Double) {
    #expect(peak.code == 0)
    let figures =
      "told \(told.memory >> 20) MB, of them \(told.batch >> 20) MB for a batch, took \(peak.bytes >> 20) MB"
    #expect(Double(peak.bytes) <= factor * Double(told.memory), "\(figures)")
    #expect(told.memory <= 2 * peak.bytes, "\(figures)")
    // Not for the program's size alone.
    #expect(Double(peak.bytes) > 1.25 * Double(told.memory - told.batch), "\(figures)")
  }

  private func command(_ region: String, _ iterations: Int, batch: Int = 2, width: Int = 8) throws
    -> [String]
  {
    [
      "train", "--sources", "t1,t2", "--target", "pd", "--network", "resunet", "--width", "\(width)",
      "--batch",
      "\(batch)", "--region", region, "--iterations", "\(iterations)", "--threads", "1", "--data",
      try Trained.cohort, "-o", "run", "--set", "pix2pix.weightAdversarial=0", "--set",
      "pix2pix.discriminatorWidth=8", "--set", "validateEvery=100",
    ]
  }

  @Test(arguments: [("slice", 96), ("slab:3", 96), ("patch:96x96x96", 16)])
  func training(region: String, batch: Int) throws {
    let arguments = try command(region, 4, batch: batch, width: 16)
    let told = try told(arguments)
    #expect(told.batches == 4 && told.batchSize == batch && told.seconds > 0)
    #expect(scratch.files().isEmpty)
    expect(told, covers: try Peak(arguments, in: scratch.path), upTo: 1.5)
  }

  /// Of several processes each has its share of a batch, and of the memory that there is.
  @Test func trainingOfRanks() throws {
    let alone = try command("slice", 4, batch: 96, width: 16)
    let (one, two) = (try told(alone), try told(alone + ["--ranks", "2"]))
    #expect(one.processes == nil && two.processes == 2)
    #expect(one.batchSize == 96 && two.batchSize == 48 && two.batches == 4)
    #expect(two.limit == (one.limitOrigin == "ulimit" ? one.limit : one.limit / 2))
    #expect(scratch.files().isEmpty)
    expect(two, covers: try Peak(alone + ["--ranks", "2"], in: scratch.path), upTo: 1.5)
    let words = try aginet(alone + ["--ranks", "2", "--estimate", "--force"])
    #expect(
      words.output.contains("at most in each of 2 processes: ")
        && words.output.contains("4 batches of 48 slices in each of 2 processes"), "\(words.output)")
    // Of those that a launcher starts one speaks.
    let said = try (0..<2).map { rank in
      var launched = aginet
      launched.environment = ["RANK": "\(rank)", "WORLD_SIZE": "2"]
      return try launched(alone + ["--estimate"]).output
    }
    #expect(said[0].contains("4 batches of 48 slices in each of 2 processes") && said[1].isEmpty, "\(said)")
    let odd = try aginet.fails(2, alone + ["--ranks", "5", "--estimate"])
    #expect(odd.contains("--batch 100"))
  }

  @Test func synthesisByPatches() throws {
    let trained = try aginet(try command("patch:96x96x96", 2, width: 16))
    try #require(trained.code == 0, "\(trained.messages)")
    #expect(
      trained.messages.contains("patches of 8x32x32: the volumes have at most 6 planes, 30 rows, 28 columns"))
    // Mostly empty, so that few of the patches have to be computed.
    let size = SIMD3(192, 192, 64)
    let texture = scan(.t1, subject: 5).voxels.filter { $0 > 0 }
    for name in ["t1.nii", "t2.nii"] {
      var volume = Volume(
        dimensions: size, affine: scan(.t1, subject: 5).affine,
        voxels: [Float](repeating: 0, count: size.x * size.y * size.z))
      for k in 24..<40 {
        for j in 80..<120 {
          for i in 80..<120 {
            volume.voxels[i + size.x * (j + size.y * k)] = texture[(i + 7 * j + 31 * k) % texture.count]
          }
        }
      }
      if name == "t2.nii" { volume.voxels = volume.voxels.map { $0.squareRoot() } }
      try NIfTI.write(volume, to: scratch(name))
    }
    let arguments = [
      "synthesize", "--model", "run/model.safetensors", "--t1", "t1.nii", "--t2", "t2.nii", "-o", "pd.nii",
      "--threads", "1", "--batch", "32",
    ]
    let told = try told(arguments)
    // Half a patch apart: eleven by eleven by fifteen.
    #expect(told.samples == "patches" && told.batchSize == 32 && told.batches == 57)
    #expect(!scratch.files().contains("pd.nii"))
    expect(told, covers: try Peak(arguments, in: scratch.path), upTo: 1.5)
    // Without an output, and of headers alone what is wrong with them.
    let inputs = ["synthesize", "--model", "run/model.safetensors", "--threads", "1", "--estimate"]
    #expect(try aginet(inputs + ["--t1", "t1.nii", "--t2", "t2.nii"]).code == 0)
    #expect(try aginet.fails(5, inputs + ["--t1", "t1.nii", "--t2", "t1.nii"]).contains("once"))
    let small = try Trained.scan(.t2)
    #expect(try aginet.fails(5, inputs + ["--t1", "t1.nii", "--t2", small]).contains("not on one grid"))
    try aginet.fails(2, inputs.dropLast() + ["--t1", "t1.nii", "--t2", "t2.nii"])
    let words = try aginet(arguments + ["--estimate", "--force"])
    #expect(words.output.contains("GiB at most") && words.output.contains("57 batches of 32 patches"))
  }

  @Test func whatMemoryCannotHoldIsRefused() throws {
    var limited = aginet
    limited.prefix = ["/bin/bash", "-c", "ulimit -v \(2 << 20) && exec \"$@\"", "limited"]
    let line = try limited.fails(8, try command("slice", 6, batch: 65536))
    #expect(line.contains("2.00 GiB (ulimit)") && line.contains("--batch"), "\(line)")
    #expect(scratch.files().isEmpty)
    let network = ["info", "--network", "resunet", "--region", "patch:2000x2000x2000"]
    let patch = try limited.fails(8, network)
    #expect(patch.contains("--region") && patch.contains("2000 x 2000 x 2000"), "\(patch)")
    try limited.fails(8, network + ["--estimate"])
  }

  /// Before anything is read or made.
  @Test func whatHasNoVolumesIsRefused() throws {
    let patch = ["--region", "patch:32x32x32"]
    for kind in [["--network", "deform-resunet"], ["--method", "ddpm"], ["--method", "selfrdb"]] {
      try aginet.fails(2, ["info"] + kind + patch)
      try aginet.fails(2, ["train", "--data", "none", "-o", "run"] + kind + patch)
    }
    #expect(scratch.files().isEmpty)
  }

  @Test func anImageAndAStepOfANetwork() throws {
    let network = ["info", "--network", "agi-net", "--width", "8", "--size", "32", "--batch", "1"]
    let words = try aginet(network + ["--estimate"])
    #expect(words.code == 0 && words.output.contains("a training step") && words.output.contains("GiB"))
    try aginet.fails(2, ["info", "none", "--estimate"])
    try aginet.fails(2, network + ["--json"])
  }
}

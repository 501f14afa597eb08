import Cohorts
import Foundation
import PipelineSupport
import Testing

/// What commands do with label maps of heads, as they are typed.
@Suite struct ComputedHeadTests {
  private let scratch: Scratch
  private let aginet: Command

  init() throws {
    scratch = try Scratch()
    aginet = try Command(in: scratch.path)
  }

  @Test func anatomiesAreWrittenAsTheyAreUsed() throws {
    let anatomies = try makeAnatomies(scratch)
    let outcome = try aginet("phantom", "--anatomies", "ball", "--pack", "packed")
    #expect(outcome.code == 0 && outcome.output == "packed\n", "\(outcome.messages)")
    #expect(scratch.files(in: "packed") == ["ball/labels.nii.gz", "tissues.json"])
    #expect(try Anatomies(folder: scratch("packed")).digest == anatomies.digest)
    // It takes the folder's place.
    let shown = try aginet("phantom", "--random", "--anatomies", "packed", "--sheet", "sheet.png", "--quiet")
    #expect(shown.code == 0, "\(shown.messages)")
    #expect(try aginet.fails(6, ["phantom", "--anatomies", "ball", "--pack", "packed"]).contains("packed"))
  }

  @Test func whatMakesNoSenseIsOneLine() throws {
    _ = try makeAnatomies(scratch)
    let pack = ["phantom", "--anatomies", "ball", "--pack"]
    #expect(try aginet.fails(2, ["phantom", "--pack", "packed"]).contains("--anatomies"))
    #expect(try aginet.fails(2, pack + ["packed", "--random"]).contains("--random"))
    #expect(try aginet.fails(2, pack + ["packed", "--sheet", "a.png"]).contains("--sheet"))
    #expect(try aginet.fails(2, pack + ["packed", "-o", "raw"]).contains("--output"))
    #expect(try aginet.fails(2, ["phantom", "--anatomies", "ball"]).contains("--pack"))
    #expect(try aginet.fails(11, pack + ["ball/packed"]).contains("never written to"))
    #expect(try aginet.fails(3, ["phantom", "--anatomies", "none", "--pack", "packed"]).contains("none"))
    #expect(scratch.files() == ["ball/ball/labels.nii.gz"])
  }

  /// Scans and heads at once, as they are typed; the words of what is wrong are the command's.
  @Test func headsAreMixedIntoACohort() throws {
    _ = try makeAnatomies(scratch)
    let tiny = [
      "train", "--data", try Trained.cohort, "--anatomies", "ball", "--width", "4", "--groups", "4",
      "--batch",
      "2", "--iterations", "4", "--set", "validateEvery=4", "--set", "physics.extent=[32,32]", "--quiet",
    ]
    let any = ["--method", "unified", "--sources", "t1,t2,pd"]
    let outcome = try aginet(tiny + any + ["-o", "run"])
    #expect(outcome.code == 0 && outcome.output == "run/model.safetensors\n", "\(outcome.messages)")
    let more = try aginet(tiny + any + ["--from", "run/model.safetensors", "-o", "more"])
    #expect(more.code == 0, "\(more.messages)")
    #expect(contents(of: scratch("more/mean.safetensors")) != nil)
    #expect(try aginet.fails(2, tiny + ["--target", "pd", "-o", "one"]).contains("method unified"))
    let scale = any + ["--set", "unified.intensity=percentile-99.5", "-o", "two"]
    #expect(try aginet.fails(2, tiny + scale).contains("--set unified.intensity=foreground"))
  }
}

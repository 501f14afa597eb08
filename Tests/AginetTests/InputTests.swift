import Files
import Foundation
import Imaging
import PipelineSupport
import Testing

/// Inputs are never written to, and what lies in them beside images goes nowhere.
@Suite struct InputTests {
  private let scratch: Scratch
  private let aginet: Command

  init() throws {
    scratch = try Scratch()
    aginet = try Command(in: scratch.path)
    try Trained.copyRun(to: scratch("run"))
    try FileManager.default.copyItem(atPath: Trained.cohort, toPath: scratch("cohort"))
    try FileManager.default.copyItem(atPath: Trained.scan(.t1), toPath: scratch("t1.nii.gz"))
    try FileManager.default.copyItem(atPath: Trained.scan(.t2), toPath: scratch("t2.nii.gz"))
  }

  private func digests(_ names: [String]) throws -> [String] {
    try names.map { "\($0) \(try SHA256.ofFile(scratch($0)).digest)" }
  }

  @Test func anInputIsNotWrittenToByAnyNameOfIt() throws {
    let files = FileManager.default
    try files.createSymbolicLink(atPath: scratch("soft.nii.gz"), withDestinationPath: "t1.nii.gz")
    try files.linkItem(atPath: scratch("t2.nii.gz"), toPath: scratch("hard.nii.gz"))
    try files.createSymbolicLink(atPath: scratch("also-cohort"), withDestinationPath: "cohort")
    try files.createSymbolicLink(atPath: scratch("page.html"), withDestinationPath: "run/model.safetensors")
    try files.linkItem(atPath: scratch("run/model.safetensors"), toPath: scratch("model.json"))
    try files.linkItem(atPath: scratch("run/model.safetensors"), toPath: scratch("m.nii.gz"))
    let before = try digests(scratch.files())
    let synthesis = [
      "synthesize", "--quiet", "--force", "--model", "run/model.safetensors", "--t1", "t1.nii.gz", "--t2",
      "t2.nii.gz", "-o",
    ]
    for output in ["t1.nii.gz", "./t1.nii.gz", "soft.nii.gz", "hard.nii.gz", "m.nii.gz", "model.nii.gz"] {
      #expect(try aginet.fails(11, synthesis + [output]).contains("never overwritten"), "\(output)")
    }
    let training = tinyTraining(1) + ["--quiet", "--force", "--data", "cohort", "-o"]
    for output in ["cohort", "cohort/", "also-cohort", "cohort/run", "also-cohort/../cohort/subjects"] {
      #expect(try aginet.fails(11, training + [output]).contains("never written to"), "\(output)")
    }
    for output in ["cohort", "also-cohort/tables"] {
      try aginet.fails(
        11, ["reproduce", "table5", "--quiet", "--data", "cohort", "-o", output, "--iterations", "1"])
    }
    let report = ["report", "run", "--quiet", "--force", "--data", "cohort", "-o"]
    for output in [
      "run/model.safetensors", "page.html", "run/experiment.json", "cohort/cohort.json", "t1.nii.gz",
    ] {
      #expect(try aginet.fails(11, report + [output]).contains("is not an HTML page"), "\(output)")
    }
    #expect(try digests(scratch.files()) == before)
  }

  /// A study of somebody's own in a folder named as the demonstration's.
  @Test func theDemonstrationReplacesNobodysImages() throws {
    try makeBIDS(scratch("study/raw"), subjects: 1)
    try scratch.write(#"{"Name": "mine", "BIDSVersion": "1.9.0"}"#, to: "study/raw/dataset_description.json")
    let before = scratch.files(in: "study")
    try aginet.fails(6, ["demo", "-o", "study", "--force", "--iterations", "1"])
    #expect(scratch.files(in: "study") == before)
  }

  @Test func aReportLeavesAnEvaluationAsItIs() throws {
    let evaluation = [
      "evaluate", "run", "--quiet", "--threads", "1", "--data", "cohort", "--ssim", "uniform",
    ]
    #expect(try aginet(evaluation).code == 0)
    let names = scratch.files(in: "run/evaluation/test").map { "run/evaluation/test/\($0)" }
    #expect(names.count > 5)
    let before = try digests(names)
    let report = ["report", "run", "--threads", "1", "--data", "cohort"]
    let outcome = try aginet(report)
    #expect(outcome.code == 0 && outcome.messages.contains("stays as it is"), "\(outcome.messages)")
    #expect(try digests(names) == before)
    // The page itself is made again as often as is wished; an evaluation that is half is made anew.
    try FileManager.default.removeItem(atPath: scratch("run/evaluation/test/summary.json"))
    #expect(try aginet(report).code == 0)
    #expect(contents(of: scratch("run/evaluation/test/summary.json")) != nil)
  }

  @Test func aSidecarStandsBeforeItsVolume() throws {
    let output = [
      "synthesize", "--quiet", "--threads", "1", "--model", "run/model.safetensors", "--t1", "t1.nii.gz",
      "--t2", "t2.nii.gz", "-o", "pd.nii",
    ]
    // The sidecar fits, the volume does not.
    var limited = aginet
    limited.prefix = ["/bin/bash", "-c", "ulimit -f 8 && exec \"$@\"", "limited"]
    let before = scratch.files()
    try limited.fails(6, output)
    #expect(scratch.files() == before)
    try scratch.write("a volume of before", to: "pd.nii")
    try scratch.write("its sidecar", to: "pd.json")
    try limited.fails(6, output + ["--force"])
    #expect(contents(of: scratch("pd.nii")) == Data("a volume of before".utf8))
    #expect(contents(of: scratch("pd.json")) == Data("its sidecar".utf8))
    #expect(try aginet(output + ["--force"]).code == 0)
    #expect(contents(of: scratch("pd.json"))?.first == UInt8(ascii: "{"))
  }

  // MARK: - Canaries

  private static let canary = "CANARY"

  /// Plants a name in every text field of a header, and in two extensions.
  private func plant(_ path: String) throws {
    let plain = scratch("plain.nii")
    try NIfTI.write(try NIfTI.read(path: path).volume, to: plain)
    var bytes = [UInt8](try #require(contents(of: plain)))
    for (place, length) in [(4, 10), (14, 18), (148, 80), (228, 24), (328, 16)] {
      let text = Array("\(Self.canary)^ERIKA".utf8.prefix(length - 1))
      bytes.replaceSubrange(
        place..<place + length, with: text + [UInt8](repeating: 0, count: length - text.count))
    }
    var extensions: [UInt8] = [1, 0, 0, 0]
    for code in [UInt8(6), 4] {
      let text = Array("\(Self.canary) 1955-01-31 id 4711".utf8)
      extensions += [64, 0, 0, 0, code, 0, 0, 0] + text + [UInt8](repeating: 0, count: 56 - text.count)
    }
    withUnsafeBytes(of: Float(348 + extensions.count)) { bytes.replaceSubrange(108..<112, with: $0) }
    bytes.replaceSubrange(348..<352, with: extensions)
    try Data(bytes).write(to: URL(fileURLWithPath: plain))
    try FileManager.default.removeItem(atPath: path)
    let unpacked = String(path.dropLast(3))
    try FileManager.default.moveItem(atPath: plain, toPath: unpacked)
  }

  @Test func whatAScansHeaderSaysReachesNothingThatIsWritten() throws {
    try makeBIDS(scratch("raw"))
    try scratch.write(splits, to: "splits.json")
    for subject in 1...5 {
      for modality in [Modality.t1, .t2, .pd] { try plant(bidsPath(scratch("raw"), subject, modality)) }
    }
    let planted = scratch("raw/sub-05/anat/sub-05_T1w.nii")
    #expect(contents(of: planted)?.firstRange(of: Data(Self.canary.utf8)) != nil)
    let commands = [
      ["prepare", "bids", "raw", "-o", "store", "--splits", "splits.json", "--slices", "all"],
      tinyTraining(4) + ["--data", "store", "-o", "trained"],
      ["evaluate", "trained", "--data", "store"], ["report", "trained", "--data", "store"],
      ["info", "store"], ["info", "trained"],
      [
        "synthesize", "--model", "trained/model.safetensors", "--t1", planted, "--t2",
        "raw/sub-05/anat/sub-05_T2w.nii", "-o", "made.nii", "--json",
      ],
    ]
    for arguments in commands {
      let outcome = try aginet(arguments)
      #expect(outcome.code == 0, "\(arguments): \(outcome.messages)")
      #expect(!(outcome.output + outcome.messages).contains(Self.canary), "\(arguments)")
    }
    // The volume's own header is tested where it is written.
    let written = scratch.files().filter { !$0.hasPrefix("raw/") && $0 != "made.nii" }
    #expect(written.contains("made.json") && written.contains { $0.contains("events.out") })
    #expect(written.contains("trained/report.html") && written.contains("store/cohort.json"))
    for name in written {
      #expect(contents(of: scratch(name))?.firstRange(of: Data(Self.canary.utf8)) == nil, "\(name)")
    }
  }
}

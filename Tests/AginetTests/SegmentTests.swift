import Foundation
import Imaging
import PipelineSupport
import Testing

/// Segmentations from the command line: what is written, what is said, and what is refused.
@Suite struct SegmentTests {
  private let scratch: Scratch
  private let aginet: Command

  init() throws {
    scratch = try Scratch()
    aginet = try Command(in: scratch.path)
    for (modality, name) in [(Modality.t1, "t1"), (.t2, "t2")] {
      try FileManager.default.copyItem(
        atPath: TrainedOnTumours.scan(modality), toPath: scratch("\(name).nii.gz"))
    }
  }

  private var files: [String] { ["--t1", "t1.nii.gz", "--t2", "t2.nii.gz"] }
  private func model(_ run: String = "seg") throws -> [String] {
    ["--model", try TrainedOnTumours.path("\(run)/model.safetensors")]
  }

  @Test func itWritesLabelsAndSidecar() throws {
    let outcome = try aginet(["segment"] + model() + files + ["-o", "seg.nii.gz", "--threads", "1"])
    #expect(outcome.code == 0, "\(outcome.messages)")
    #expect(outcome.output == "seg.nii.gz\n")
    #expect(outcome.lines.last?.hasPrefix("COMPUTED segmentation of T1, T2; not drawn by a person.") == true)
    #expect(outcome.lines.contains { $0.hasPrefix("WT (labels 1, 2, 3): ") && $0.hasSuffix(" ml") })
    #expect(scratch.files() == ["seg.json", "seg.nii.gz", "t1.nii.gz", "t2.nii.gz"])
    let made = try NIfTI.read(path: scratch("seg.nii.gz"))
    #expect(made.volume.grid == (try NIfTI.readHeader(path: scratch("t1.nii.gz")).grid))
    #expect(made.header.datatype == .uint8)

    // The same again is the same, but not without --force.
    let first = contents(of: scratch("seg.nii.gz"))
    let again = try ["segment"] + model() + files + ["-o", "seg.nii.gz"]
    #expect(try aginet.fails(6, again).contains("--force"))
    let forced = try aginet(again + ["--force", "--quiet", "--json"])
    #expect(forced.code == 0 && forced.messages.isEmpty, "\(forced.messages)")
    #expect(contents(of: scratch("seg.nii.gz")) == first)
    #expect(Data(forced.output.utf8) == contents(of: scratch("seg.json")))
  }

  @Test func eachModelHasItsCommand() throws {
    let wrong = try aginet.fails(2, ["segment"] + model("run") + files + ["-o", "seg.nii.gz"])
    #expect(wrong.contains("use aginet synthesize"), "\(wrong)")
    let other = try aginet.fails(2, ["synthesize"] + model() + files + ["-o", "pd.nii.gz"])
    #expect(other.contains("use aginet segment"), "\(other)")
    #expect(scratch.files() == ["t1.nii.gz", "t2.nii.gz"])
  }

  @Test func whatCannotBeSegmented() throws {
    let start = try ["segment"] + model()
    #expect(try aginet.fails(5, start + ["--t1", "t1.nii.gz", "-o", "s.nii"]).contains("--t2 is missing"))
    #expect(
      try aginet.fails(5, start + files + ["--flair", "t2.nii.gz", "-o", "s.nii"]).contains("FLAIR"))
    #expect(try aginet.fails(2, start + ["-o", "s.nii"]).contains("--t1"))
    #expect(
      try aginet.fails(3, start + ["--t1", "none.nii", "--t2", "t2.nii.gz", "-o", "s.nii"]).contains(
        "none.nii"))
    #expect(try aginet.fails(6, start + files + ["-o", "no/s.nii"]).contains("no folder no"))
    #expect(try aginet.fails(2, start + files + ["-o", "s.png"]).contains(".nii.gz"))
    #expect(try aginet.fails(11, start + files + ["-o", "t1.nii.gz", "--force"]).contains("input"))
    #expect(try aginet.fails(8, start + files + ["-o", "s.nii", "--max-voxels", "100"]).contains("limit"))
    #expect(try aginet.fails(2, start + files + ["-o", "s.nii", "--batch", "0"]).contains("--batch 0"))
    var volume = try NIfTI.read(path: scratch("t2.nii.gz")).volume
    volume.affine = Affine([-1, 0, 0, 14], [0, -1, 0, 19.2], [0, 0, 3, -9])
    try NIfTI.write(volume, to: scratch("moved.nii"))
    #expect(
      try aginet.fails(5, start + ["--t1", "t1.nii.gz", "--t2", "moved.nii", "-o", "s.nii"]).contains(
        "4.2 mm"))
    try aginet.fails(9, ["segment", "--model", "t1.nii.gz"] + files + ["-o", "s.nii"])
    #expect(scratch.files() == ["moved.nii", "t1.nii.gz", "t2.nii.gz"])
  }

  // MARK: - Scores

  private func copyRun(_ name: String) throws {
    try FileManager.default.copyItem(atPath: TrainedOnTumours.path(name), toPath: scratch(name))
  }

  @Test func evaluatingASegmentationPrintsItsRegions() throws {
    try copyRun("seg")
    let data = ["--data", try TrainedOnTumours.path("cohort")]
    let outcome = try aginet(["evaluate", "seg"] + data)
    #expect(outcome.code == 0, "\(outcome.messages)")
    for words in ["2-D Dice", "3-D Dice", "HD95", "Surface Dice", "ET"] {
      #expect(outcome.output.contains(words), "\(outcome.output)")
    }
    #expect(
      scratch.files(in: "seg/evaluation/test") == [
        "slices.csv", "subjects.csv", "summary.json", "table.csv", "table.json", "table.md", "table.tex",
      ])
    #expect(try aginet.fails(6, ["evaluate", "seg"] + data).contains("--force"))
    let forced = try aginet(["evaluate", "seg", "--force", "--json", "--quiet"] + data)
    #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(forced.output.utf8)) }
    #expect(
      try aginet.fails(2, ["evaluate", "seg", "--force", "--protocol", "brasyn"] + data).contains(
        "--protocol brasyn"))
  }

  /// What a contrast is worth to a segmentation: rows with something else in place of it.
  @Test func evaluatingASegmentationWithFillings() throws {
    try copyRun("seg")
    let start = ["evaluate", "seg", "--data", try TrainedOnTumours.path("cohort")]
    let trained = try aginet(
      tinyTraining(2).map { ["t1,t2": "t1,pd", "pd": "t2"][$0] ?? $0 }
        + ["--data", TrainedOnTumours.path("cohort"), "-o", "t2"])
    #expect(trained.code == 0, "\(trained.messages)")
    for (fill, code, words) in [
      ("t2", 2, "write flair=zero"), ("ct=zero", 2, "write flair=zero"),
      ("t2=copy:ct", 2, "no contrast 'ct'"),
      ("t2=copy:t2", 2, "no change"), ("flair=zero", 2, "no FLAIR to put something in place of"),
      ("t2=copy:flair", 5, "no FLAIR"), ("t1=t2", 5, "makes no T1"), ("t2=none", 3, "not a run folder"),
      ("t2=seg", 5, "makes no T2"), ("t2=t1.nii.gz", 9, "t1.nii.gz"),
    ] {
      let message = try aginet.fails(Int32(code), start + ["--fill", fill])
      #expect(message.contains(words), "\(message)")
    }
    #expect(
      try aginet.fails(2, ["evaluate", "t2", "--fill", "t2=zero"] + start.suffix(2)).contains(
        "t2 is no segmentation"))
    #expect(scratch.files(in: "seg/evaluation").isEmpty)
    let outcome = try aginet(
      start + ["--fill", "t2=zero", "--fill", "t2=copy:t1", "--fill", "t2=t2"]
        + ["--fill", "t2=t2/model.safetensors"])
    #expect(outcome.code == 0, "\(outcome.messages)")
    for row in [
      "as acquired", "T2 zero", "T2 copied from T1", #"T2 by AGI-Net (pix2pix) \[t2\]"#,
      #"T2 by AGI-Net (pix2pix) \[model.safetensors\]"#,
    ] {
      #expect(outcome.output.contains("| Segmentation, \(row) "), "\(outcome.output)")
    }
  }

  @Test func evaluatingASynthesisTellsOfLesionsToo() throws {
    try copyRun("run")
    let data = ["--data", try TrainedOnTumours.path("cohort")]
    let outcome = try aginet(["evaluate", "run"] + data)
    #expect(outcome.code == 0, "\(outcome.messages)")
    #expect(outcome.output.contains("Missed (ml)") && outcome.output.contains("PSNR"))
    #expect(scratch.files(in: "run/evaluation/test").contains("lesions.csv"))
    let brasyn = try aginet(["evaluate", "run", "--protocol", "brasyn"] + data)
    #expect(brasyn.code == 0, "\(brasyn.messages)")
    #expect(brasyn.output.contains("SSIM healthy") && brasyn.output.contains("1 by construction"))
    #expect(scratch.files(in: "run/evaluation/test/brasyn").contains("subjects.csv"))
    let again = try aginet.fails(6, ["evaluate", "run", "--protocol", "brasyn"] + data)
    #expect(again.contains("--force") && again.contains("run/evaluation/test/brasyn: "), "\(again)")
    try copyRun("seg")
    for wrong in [["run", "--protocol", "brasyn"], ["seg"]] {
      #expect(try aginet.fails(2, ["evaluate"] + wrong + ["--ssim", "crop"] + data).contains("--ssim crop"))
    }
    #expect(try aginet.fails(5, ["evaluate", "seg", "run"] + data).contains("share no table"))
    #expect(
      try aginet.fails(5, ["evaluate", "run", "seg", "--force"] + data).contains(
        "one table needs one scenario"))
  }

  @Test func trainingNamesItsLossesAndItsDice() throws {
    let outcome = try aginet(tinySegmentation(10) + ["--data", TrainedOnTumours.path("cohort"), "-o", "new"])
    #expect(outcome.code == 0, "\(outcome.messages)")
    let log = String(decoding: contents(of: scratch("new/log.csv")) ?? Data(), as: UTF8.self)
    #expect(log.hasPrefix("iteration,dice,cross-entropy,validation_dice"), "\(log)")
    #expect(outcome.messages.contains("best validation Dice"), "\(outcome.messages)")
    let info = try aginet("info", "new")
    #expect(info.output.contains("(T1, T2) -> labels") && info.output.contains("Segmentations may omit"))
  }
}

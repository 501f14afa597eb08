import Foundation
import Imaging
import PipelineSupport
import Testing

/// What `evaluate` says of the people that it scores, and of runs that it cannot.
@Suite struct EvaluateTests {
  private let scratch: Scratch
  private let aginet: Command

  init() throws {
    scratch = try Scratch()
    aginet = try Command(in: scratch.path)
    try Trained.copyRun(to: scratch("run"))
  }

  /// One patient's two visits, of which the first is of the images of subject 1, who was trained on, and another patient.
  private func prepareVisits() throws {
    for (visit, subject, source) in [("ses-1", "01", 1), ("ses-2", "01", 7), ("ses-1", "02", 8)] {
      for (modality, suffix) in [(Modality.t1, "T1w"), (.t2, "T2w"), (.pd, "PDw")] {
        let name = "sub-\(subject)/\(visit)/anat/sub-\(subject)_\(visit)_\(suffix).nii.gz"
        try writeScan(scan(modality, subject: source), scratch("raw/" + name))
      }
    }
    let split = #"{"train": ["sub-02_ses-1"], "validation": ["sub-01_ses-1"], "test": ["sub-01_ses-2"]}"#
    try scratch.write(split, to: "splits.json")
    try aginet.succeeds(
      ["prepare", "bids", "raw", "-o", "visits", "--splits", "splits.json", "--slices", "all", "--quiet"])
  }

  @Test func whoWasTrainedOnIsNamed() throws {
    try prepareVisits()
    let other = try aginet.succeeds(["evaluate", "run", "--data", "visits"]).messages
    #expect(
      other.contains(
        "run was trained on other scans of patients of this test split: sub-01_ses-2 (there sub-01_ses-1); "
          + "its scores may be too good"))
    #expect(!other.contains("was trained on images"))
    let same = try aginet.succeeds(["evaluate", "run", "--data", "visits", "--split", "validation"]).messages
    #expect(
      same.contains(
        "run was trained on images of this validation split: sub-01_ses-1 (then sub-01); its scores are too good"
      ))
    #expect(!same.contains("other scans of patients"))
    let strangers = try aginet.succeeds(["evaluate", "run", "--force", "--data", Trained.cohort]).messages
    #expect(!strangers.contains("was trained on"))
  }

  @Test func whatMakesAnyContrastIsSentToAssess() throws {
    try aginet.succeeds(
      [
        "train", "--method", "unified", "--network", "resunet", "--sources", "t1,t2,pd", "--width", "4",
        "--batch", "2", "--iterations", "1", "--threads", "1", "--quiet", "-o", "any", "--data",
        Trained.cohort,
      ])
    for command in ["evaluate", "report"] {
      let said = try aginet.fails(2, [command, "any", "--data", Trained.cohort])
      #expect(said.contains("any: makes whichever contrast is missing") && said.contains("aginet assess"))
    }
  }

  @Test func aRunWithoutAModelIsCalledThat() throws {
    try FileManager.default.removeItem(atPath: scratch("run/model.safetensors"))
    for command in [["evaluate", "run", "--data", try Trained.cohort], ["info", "run"]] {
      #expect(try aginet.fails(3, command).contains("run: has no model yet"))
    }
  }

  /// An option of another framework is no error: one file may hold several frameworks' settings.
  @Test func anotherFrameworksSettingIsSaidToDoNothing() throws {
    let training = tinyTraining(1) + ["--data", try Trained.cohort, "-o", "new", "--dry-run"]
    let said = try aginet.succeeds(training + ["--set", "ddpm.steps=50"]).messages
    #expect(said.contains("--set ddpm.steps=50 has no effect on pix2pix"))
    #expect(try !aginet.succeeds(training).messages.contains("has no effect"))
  }
}

import Cohorts
import Failures
import Files
import Foundation
import Imaging
import Testing

@Suite struct LayoutTests {
  private func touch(_ scratch: Scratch, _ names: [String]) throws {
    for name in names {
      let path = "\(scratch.path)/\(name)"
      try FileManager.default.createDirectory(
        atPath: Path.folder(path), withIntermediateDirectories: true)
      try Data().write(to: URL(fileURLWithPath: path))
    }
  }

  @Test func bidsWithAndWithoutSessions() throws {
    let scratch = try Scratch()
    try touch(
      scratch,
      [
        "dataset_description.json", "sub-01/anat/sub-01_T1w.nii.gz", "sub-01/anat/sub-01_T1w.json",
        "sub-01/anat/sub-01_acq-fast_T2w.nii", "sub-01/anat/sub-01_ce-gadolinium_T1w.nii.gz",
        "sub-01/anat/sub-01_T2map.nii.gz", "sub-02/ses-a/anat/sub-02_ses-a_FLAIR.nii.gz",
        "sub-02/ses-b/anat/sub-02_ses-b_PDw.nii.gz", "sub-02/ses-c/func/sub-02_ses-c_bold.nii.gz",
        "derivatives/lesions/sub-01/anat/sub-01_label-lesion_mask.nii.gz",
        "derivatives/strip/sub-01/anat/sub-01_desc-brain_mask.nii.gz",
        "derivatives/aginet/sub-01/anat/sub-01_desc-synth_T2w.nii.gz",
      ])
    let cohort = try BIDSCohort(folder: scratch.path)
    #expect(cohort.subjects.map(\.id) == ["sub-01", "sub-02_ses-a", "sub-02_ses-b"])
    #expect(cohort.subjects.map(\.patient) == ["sub-01", "sub-02", "sub-02"])
    #expect(cohort.subjects.map(\.modalities) == [[.t1, .t2, .t1gd], [.flair], [.pd]])
    #expect(cohort.subjects[0].labels?.hasSuffix("sub-01_label-lesion_mask.nii.gz") == true)
    #expect(cohort.subjects[0].files[.t2]?.hasSuffix("anat/sub-01_acq-fast_T2w.nii") == true)
    #expect(cohort.subjects.allSatisfy { $0.duplicates.isEmpty })
    #expect(cohort.notes.isEmpty)
  }

  @Test func bidsReportsTwoRuns() throws {
    let scratch = try Scratch()
    try touch(scratch, ["sub-01/anat/sub-01_run-1_T1w.nii.gz", "sub-01/anat/sub-01_run-2_T1w.nii.gz"])
    let subject = try BIDSCohort(folder: scratch.path).subjects[0]
    #expect(subject.files[.t1]?.hasSuffix("run-1_T1w.nii.gz") == true)
    #expect(subject.duplicates[.t1]?.count == 1)
  }

  @Test(arguments: [
    ["IXI002-Guys-0828-T1.nii.gz", "IXI002-Guys-0828-T2.nii.gz", "IXI002-Guys-0828-PD.nii.gz"],
    [
      "IXI-T1/IXI002-Guys-0828-T1.nii.gz", "IXI-T2/IXI002-Guys-0828-T2.nii.gz",
      "IXI-PD/IXI002-Guys-0828-PD.nii.gz", "IXI-DTI/IXI002-Guys-0828-DTI-00.nii.gz", "IXI-T1/notes.txt",
    ],
  ])
  func ixiFlatAndByModality(names: [String]) throws {
    let scratch = try Scratch()
    try touch(scratch, names)
    let cohort = try IXICohort(folder: scratch.path)
    #expect(cohort.subjects.map(\.id) == ["IXI002-Guys-0828"])
    #expect(cohort.subjects[0].modalities == [.t1, .t2, .pd])
    #expect(Splits.ixi.train.contains(cohort.subjects[0].id))
  }

  @Test func brats() throws {
    let scratch = try Scratch()
    let id = "BraTS-GLI-00095-001"
    try touch(
      scratch, ["t1n", "t1c", "t2w", "t2f", "seg"].map { "\(id)/\(id)-\($0).nii.gz" } + ["README.txt"])
    let cohort = try BraTSCohort(folder: scratch.path)
    let subject = cohort.subjects[0]
    #expect(cohort.subjects.count == 1 && subject.id == id && subject.patient == "BraTS-GLI-00095")
    #expect(subject.modalities == [.t1, .t2, .flair, .t1gd])
    #expect(subject.files[.t1gd]?.hasSuffix("-t1c.nii.gz") == true)
    #expect(subject.labels?.hasSuffix("-seg.nii.gz") == true)
  }

  @Test(arguments: CohortLayout.catalog.map(\.name))
  func everyLayoutRefusesWhatIsNotThere(name: String) throws {
    let scratch = try Scratch()
    let layout = try CohortLayout.named(name)
    #expect(try failure { _ = try layout.open(scratch.path + "/none") }.kind == .notFound)
    let file = try scratch.write("x", to: "file")
    #expect(try failure { _ = try layout.open(file) }.kind == .notFound)
    let failure = try failure { _ = try layout.open(scratch.path) }
    #expect(failure.kind == .malformed && failure.message.contains("expected"))
  }

  @Test func unknownLayoutNamesTheKnown() throws {
    let failure = try failure { _ = try CohortLayout.named("dicom") }
    #expect(failure.kind == .usage && failure.message.contains("bids, ixi, brats"))
  }
}

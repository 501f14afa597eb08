import Cohorts
import Failures
import Files
import Foundation
import Imaging
import Testing

/// What is read of a BIDS folder, what is not, and what is said of it.
@Suite struct BIDSNamesTests {
  private let scratch: Scratch
  init() throws { scratch = try Scratch() }

  private func touch(_ names: String...) throws {
    for name in names {
      let path = "\(scratch.path)/\(name)"
      try FileManager.default.createDirectory(atPath: Path.folder(path), withIntermediateDirectories: true)
      try Data().write(to: URL(fileURLWithPath: path))
    }
  }

  private func open(_ picks: String...) throws -> BIDSCohort {
    try BIDSCohort(folder: scratch.path, picks: picks.flatMap { try ScanPick.read($0) })
  }

  private func name(_ subject: Subject, _ modality: Modality) -> String? {
    subject.files[modality].map(Path.name)
  }

  /// What this program made is no scan that somebody acquired, unless it is asked for by name.
  @Test func whatWasComputedIsNotTaken() throws {
    try touch(
      "sub-1/anat/sub-1_T1w.nii.gz", "sub-1/anat/sub-1_space-individual_desc-synthetic_FLAIR.nii.gz")
    let cohort = try open()
    #expect(cohort.subjects.map(\.modalities) == [[.t1]])
    #expect(cohort.notes.contains { $0.contains("computed, not acquired") }, "\(cohort.notes)")
    #expect(try open("flair:desc=synthetic").subjects.map(\.modalities) == [[.t1, .flair]])
  }

  /// Coordinates of a template's space say nothing of where a person's own scans lie.
  @Test func mapsOfAnotherSpaceAreNotTaken() throws {
    let lesions = "derivatives/x/sub-1/anat/sub-1_space-MNI152Lin_label-lesion_mask.nii.gz"
    try touch(
      "sub-1/anat/sub-1_T1w.nii.gz", lesions, "derivatives/x/sub-1/anat/sub-1_space-MNI152Lin_dseg.nii.gz")
    let cohort = try open()
    #expect(cohort.subjects[0].labelMaps.candidates.isEmpty)
    #expect(cohort.notes.contains { $0.contains("in another space than the scans") }, "\(cohort.notes)")
    #expect(try open("labels:label=lesion").subjects[0].labels?.hasSuffix("lesion_mask.nii.gz") == true)
    // Where a scan is in it, or the map is in the person's own.
    try touch("sub-1/anat/sub-1_space-MNI152Lin_T2w.nii.gz")
    #expect(try open().subjects[0].labels?.hasSuffix("lesion_mask.nii.gz") == true)
    try touch(
      "sub-2/anat/sub-2_T1w.nii.gz", "derivatives/x/sub-2/anat/sub-2_space-orig_label-lesion_mask.nii.gz")
    #expect(try open().subjects[1].labels != nil)
  }

  // MARK: - Labels

  @Test func labelsWithUnderscoresAndHyphens() throws {
    try touch(
      "sub-OAS_0001/anat/sub-OAS_0001_T1w.nii.gz", "sub-site-01/anat/sub-site-01_acq-x_T2w.nii.gz",
      "sub-A_B/ses-1_a/anat/sub-A_B_ses-1_a_FLAIR.nii.gz", "sub-A_B/ses-2/anat/sub-A_B_T1w.nii.gz")
    let cohort = try open()
    #expect(cohort.subjects.map(\.id) == ["sub-A_B_ses-1_a", "sub-A_B_ses-2", "sub-OAS_0001", "sub-site-01"])
    #expect(cohort.subjects.map(\.patient) == ["sub-A_B", "sub-A_B", "sub-OAS_0001", "sub-site-01"])
    #expect(cohort.subjects.map(\.modalities) == [[.flair], [.t1], [.t1], [.t2]])
    #expect(cohort.notes.isEmpty, "\(cohort.notes)")
    #expect(cohort.subjects.map { cohort.patient(of: $0.id) } == cohort.subjects.map(\.patient))
    // Of subjects that are not there, only the session is told from the name.
    #expect(cohort.patient(of: "sub-X_1_ses-2") == "sub-X_1" && cohort.patient(of: "sub-X_1") == "sub-X_1")
  }

  @Test func twoFoldersOfOneIdentifier() throws {
    try touch("sub-A/ses-1/anat/sub-A_ses-1_T1w.nii.gz", "sub-A_ses-1/anat/sub-A_ses-1_T1w.nii.gz")
    let failure = try failure { _ = try open() }
    #expect(failure.kind == .inconsistent && failure.message.contains("sub-A_ses-1"))
  }

  // MARK: - What is not taken

  @Test(arguments: [
    ("sub-01/anat/T1w.nii.gz", "does not begin"), ("sub-01/anat/sub-02_T1w.nii.gz", "does not begin"),
    ("sub-01/anat/sub-01_t1.nii.gz", "does not end in _T1w"),
    ("sub-01/anat/sub-01_T1w (1).nii.gz", "does not end in _T1w"),
    ("sub-01/sub-01_T1w.nii.gz", "anat folder"), ("sub-01/struct/sub-01_T1w.nii", "anat folder"),
    ("sub-01/Anat/sub-01_T1w.nii", "anat folder"), ("sub-01_T1w.nii.gz", "anat folder"),
    ("sub-01/anat/sub-01_T1w.img", ".hdr and .img"), ("sub-01/anat/sub-01_T1w.mgz", "another format"),
    ("sub-01/anat/sub-01_T1w.nii.bz2", "packed"), ("sub-01/dicom/0001.dcm", "DICOM"),
    ("sub-01/anat/DICOM/0001.IMA", "DICOM"), ("02/anat/T1w.nii.gz", "does not begin with sub-"),
    ("Sub-02/anat/Sub-02_T1w.nii.gz", "does not begin with sub-"),
    ("sub-01/anat/sub-01_ce-gadolinium_FLAIR.nii.gz", "contrast agent"),
    ("sub-03/ses-1/anat/sub-03_ses-2_T1w.nii.gz", "another session"),
    ("sub-03/ses-1/sub-03_ses-1_T1w.nii.gz", "anat folder"),
  ])
  func whatLooksLikeAScanIsNamedWithItsReason(file: String, says: String) throws {
    try touch("sub-01/anat/sub-01_T1w.nii.gz", "sub-03/ses-1/anat/sub-03_ses-1_T1w.nii.gz", file)
    let notes = try open().notes
    #expect(notes.count == 1 && notes[0].contains(says) && notes[0].contains(file), "\(notes)")
  }

  @Test func oneLineAReason() throws {
    for number in 1...9 { try touch("sub-01/anat/scan\(number).nii.gz") }
    try touch("sub-01/anat/sub-01_T1w.nii.gz", "sub-01/anat/old.mgz")
    let notes = try open().notes
    #expect(notes.count == 2 && notes.contains { $0.hasSuffix("and 6 more") }, "\(notes)")
  }

  @Test func whatBIDSHasIsPassedOverInSilence() throws {
    try touch(
      "sub-01/anat/sub-01_T1w.nii.gz", "sub-01/anat/sub-01_T1map.nii.gz",
      "sub-01/anat/sub-01_part-phase_T1w.nii.gz",
      "sub-01/anat/sub-01_T1w.json",
      "sub-01/func/sub-01_task-rest_bold.nii.gz", "sub-01/dwi/sub-01_dwi.nii.gz",
      "sub-01/fmap/sub-01_phasediff.nii.gz",
      "sourcedata/x/1.dcm", "code/a.nii.gz",
      "derivatives/fmriprep/sub-01/anat/sub-01_desc-preproc_T1w.nii.gz",
      "derivatives/a.nii.gz", "sub-01/anat/sub-01_desc-brain_mask.nii.gz",
      "sub-01/anat/sub-01_label-GM_probseg.nii.gz",
      "sub-01/figures/sub-01_T1w.svg", "sub-01.html", "README", "participants.tsv",
      "sub-01/anat/._sub-01_T1w.nii.gz")
    let cohort = try open()
    #expect(cohort.notes.isEmpty, "\(cohort.notes)")
    #expect(cohort.subjects.map(\.modalities) == [[.t1]])
  }

  /// What somebody may take for a T1 or a T2, and the program does not.
  @Test func whatLooksLikeOursIsNamed() throws {
    try touch("sub-01/anat/sub-01_T1w.nii.gz")
    for suffix in ["UNIT1", "inv-1_MP2RAGE", "PDT2", "T2starw"] {
      try touch("sub-01/anat/sub-01_\(suffix).nii.gz")
      let notes = try open().notes
      #expect(notes.contains { $0.contains(suffix) && $0.contains("none of T1w, T2w") }, "\(notes)")
    }
  }

  /// A T1 after contrast medium whose name does not say so is neither a T1 nor taken for the other: its name is to be put right.
  @Test(arguments: [("GADOLINIUM", true), ("none", false), ("", false)])
  func whatItsSidecarSaysOfContrastMediumIsRead(agent: String, isKept: Bool) throws {
    try touch("sub-01/anat/sub-01_acq-post_T1w.nii.gz", "sub-01/anat/sub-01_T2w.nii.gz")
    _ = try scratch.write(
      "{\"ContrastBolusIngredient\": \"\(agent)\"}", to: "sub-01/anat/sub-01_acq-post_T1w.json")
    let cohort = try open()
    #expect(cohort.subjects[0].modalities == (isKept ? [.t2] : [.t1, .t2]))
    #expect(cohort.notes.contains { $0.contains("after a contrast agent (\(agent))") } == isKept)
    #expect(try open("t1:acq=post").subjects[0].modalities == [.t1, .t2])
  }

  @Test func endingsInCapitals() throws {
    try touch("sub-01/anat/sub-01_T1w.NII.GZ")
    #expect(try open().subjects[0].modalities == [.t1])
  }

  @Test func aFolderWithoutScansSaysWhy() throws {
    try touch("sub-01/func/sub-01_bold.nii.gz")
    try FileManager.default.createDirectory(
      atPath: scratch.path + "/sub-02", withIntermediateDirectories: true)
    let remarks = try open().subjects.map { $0.remark ?? "" }
    #expect(remarks[0].contains("no anat") && remarks[1].contains("datalad get"))
  }

  // MARK: - .bidsignore

  @Test(arguments: [
    ("*_rec-norm_T1w.nii.gz", true), ("*rec-norm*", true), ("# *_T1w.nii.gz", false), ("*_T2w*", false),
    ("sub-01/anat/*_rec-norm_T1w.nii.gz", true), ("/sub-01/anat/*_rec-norm_T1w.nii.gz", true),
    ("anat/*_rec-norm_T1w.nii.gz", false), ("**/*_rec-norm_T1w.nii.gz", true), ("sub-01/**/*norm*", true),
    ("sub-01/**", nil), ("sub-01/", nil), ("sub-01", nil), ("sub-0?", nil), ("sub-[0-3]1/", nil),
    ("anat/", nil),
    ("*_T1w.nii.gz\n!sub-01_T1w.nii.gz", true), ("*_rec-norm_T1w.nii.gz  \r", true),
    ("*_rec-norm_T1w.nii.gz\n!*_rec-norm_T1w.nii.gz", false), ("\\#x\n\n*_rec-norm_T1w.nii.gz/", false),
  ])
  func bidsignoreIsAGitignore(rules: String, leavesOut: Bool?) throws {
    try touch(
      "sub-01/anat/sub-01_T1w.nii.gz", "sub-01/anat/sub-01_rec-norm_T1w.nii.gz", "sub-92/anat/sub-92_T1w.nii")
    _ = try scratch.write(rules + "\n", to: ".bidsignore")
    let cohort = try open()
    let subject = cohort.subjects.first { $0.id == "sub-01" }
    guard let leavesOut else {
      // The folder itself, or all that is in it.
      #expect(subject?.files.isEmpty ?? true)
      return
    }
    #expect(subject.flatMap { name($0, .t1) } == "sub-01_T1w.nii.gz")
    #expect((subject?.duplicates.isEmpty == true) == leavesOut)
    #expect(
      cohort.notes.contains { $0.contains(".bidsignore leaves out: sub-01/anat/sub-01_rec-norm_T1w.nii.gz") }
        == leavesOut)
  }

  /// Editors begin files with a mark; and of what cannot be read nobody knows whom it leaves out.
  @Test func anOddBidsignoreLeavesOutOrIsRefused() throws {
    try touch("sub-01/anat/sub-01_T1w.nii.gz", "sub-02/anat/sub-02_T1w.nii.gz")
    let path = "\(scratch.path)/.bidsignore"
    try Data([0xEF, 0xBB, 0xBF] + Array("sub-02/\r\n".utf8)).write(to: URL(fileURLWithPath: path))
    #expect(try open().subjects.map(\.id) == ["sub-01"])
    try Data([0xFF, 0xFE] + Array("s\0u\0b\0".utf8)).write(to: URL(fileURLWithPath: path))
    #expect { try open() } throws: { ($0 as? Failure)?.kind == .malformed }
    try FileManager.default.removeItem(atPath: path)
    try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "nowhere")
    #expect { try open() } throws: { ($0 as? Failure)?.kind == .malformed }
  }

  @Test func whoAsksForAnIgnoredScanGetsIt() throws {
    try touch("sub-01/anat/sub-01_T1w.nii.gz", "sub-01/anat/sub-01_rec-norm_T1w.nii.gz")
    _ = try scratch.write("*_rec-norm_T1w.nii.gz\n", to: ".bidsignore")
    let cohort = try open("t1:rec=norm")
    #expect(name(cohort.subjects[0], .t1) == "sub-01_rec-norm_T1w.nii.gz" && cohort.notes.isEmpty)
  }

  // MARK: - --pick

  @Test(arguments: [
    (["t1:rec=norm"], "sub-01_rec-norm_run-02_T1w.nii.gz"),
    (["t1:rec-norm"], "sub-01_rec-norm_run-02_T1w.nii.gz"),
    (["t1:rec=,run=1"], "sub-01_run-01_T1w.nii.gz"), (["t1w:rec!", "t1:run=01"], "sub-01_run-01_T1w.nii.gz"),
    (["run=2", "rec="], "sub-01_run-02_T1w.nii.gz"), (["t1:acq-highres"], "sub-01_acq-highres_T1w.nii.gz"),
    (["t1:acq=", "t1:rec=", "t1:run="], "sub-01_desc-preproc_T1w.nii.gz"),
  ])
  func rulesChooseAmongSeveral(rules: [String], chosen: String) throws {
    try touch(
      "sub-01/anat/sub-01_rec-norm_run-02_T1w.nii.gz", "sub-01/anat/sub-01_run-01_T1w.nii.gz",
      "sub-01/anat/sub-01_run-02_T1w.nii.gz", "sub-01/anat/sub-01_acq-highres_T1w.nii.gz",
      "sub-01/anat/sub-01_desc-preproc_T1w.nii.gz", "sub-01/anat/sub-01_T2w.nii.gz")
    let cohort = try BIDSCohort(folder: scratch.path, picks: rules.flatMap { try ScanPick.read($0) })
    #expect(name(cohort.subjects[0], .t1) == chosen)
    #expect(cohort.subjects[0].duplicates.isEmpty && cohort.subjects[0].problems.isEmpty)
    #expect(cohort.subjects[0].modalities == [.t1, .t2])
  }

  @Test func fMRIPrepsFolderAsItIs() throws {
    for subject in ["sub-01", "sub-02"] {
      for space in ["", "_space-MNI152NLin2009cAsym_res-1"] {
        try touch(
          "\(subject)/anat/\(subject)\(space)_desc-preproc_T1w.nii.gz",
          "\(subject)/anat/\(subject)\(space)_dseg.nii.gz",
          "\(subject)/anat/\(subject)\(space)_desc-brain_mask.nii.gz")
      }
      try touch(
        "\(subject)/anat/\(subject)_from-T1w_to-MNI152NLin2009cAsym_mode-image_xfm.h5", "\(subject).html")
    }
    let native = try open("t1:space=")
    #expect(
      native.subjects.map { name($0, .t1) } == [
        "sub-01_desc-preproc_T1w.nii.gz", "sub-02_desc-preproc_T1w.nii.gz",
      ])
    #expect(native.notes.isEmpty)
    let standard = try open("space=MNI152NLin2009cAsym")
    #expect(standard.subjects.allSatisfy { name($0, .t1)?.contains("_space-MNI") == true })
  }

  @Test func aContrastAgentMakesAnotherModality() throws {
    try touch("sub-01/anat/sub-01_T1w.nii.gz", "sub-01/anat/sub-01_ce-gadolinium_T1w.nii.gz")
    #expect(try open().subjects[0].modalities == [.t1, .t1gd])
  }

  @Test func anOnlyScanIsTakenUnlessItContradicts() throws {
    try touch(
      "sub-01/anat/sub-01_run-1_T1w.nii.gz", "sub-01/anat/sub-01_run-2_T1w.nii.gz",
      "sub-02/anat/sub-02_T1w.nii.gz",
      "sub-03/anat/sub-03_run-2_T1w.nii.gz")
    let subjects = try open("run=1").subjects
    #expect(
      name(subjects[0], .t1) == "sub-01_run-1_T1w.nii.gz" && name(subjects[1], .t1) == "sub-02_T1w.nii.gz")
    #expect(
      subjects[2].files.isEmpty && subjects[2].problems[.t1]?.contains("\(Term.picks("run=1"))") == true)
  }

  @Test func severalThatNoRuleTellsApartNameTheRule() throws {
    try touch("sub-01/anat/sub-01_T1w.nii.gz", "sub-01/anat/sub-01_rec-norm_T1w.nii.gz")
    let problem = try #require(try open().subjects[0].problems[.t1])
    #expect(
      problem.contains("\(Term.picks("t1:rec=")) or \(Term.picks("t1:rec=norm"))")
        && problem.contains("sub-01_rec-norm_T1w.nii.gz"))
    // An entity that none of them has chooses nothing.
    try touch("sub-02/anat/sub-02_run-1_T1w.nii.gz")
    #expect(try open("t1:run=1").subjects[0].problems[.t1]?.contains("has 2 scans") == true)
  }

  @Test func aRuleThatNothingFitsIsASlip() throws {
    try touch("sub-01/anat/sub-01_T1w.nii.gz", "sub-01/anat/sub-01_rec-norm_T1w.nii.gz")
    for (rule, says) in [
      ("t1:rec=nrom", "rec-norm"), ("t1:rce=norm", "have rec"), ("t1:run=", "have rec"),
      ("t2:rec=norm", "T2"),
    ] {
      let failure = try failure { _ = try open(rule) }
      #expect(failure.kind == .inconsistent && failure.message.contains(says), "\(failure)")
    }
  }

  @Test(arguments: [
    "", "t1", "t1:", "ct:rec=norm", "t1:=norm", "t1:rec", "t1:ses=1", "t1:re_c=1", "t1:rec=a_b", "t1:rec!x",
    "labels:desc", "label:desc=lesion",
  ])
  func rulesThatAreNone(text: String) throws {
    let failure = try failure { _ = try ScanPick.read(text) }
    #expect(failure.kind == .usage && failure.message.contains("t1:rec=norm"), "\(failure)")
  }

  // MARK: - Other layouts

  @Test func variantsOfIXI() throws {
    try touch(
      "IXI-T1/IXI002-Guys-0828-T1.nii", "IXI-T2/IXI002-Guys-0828-t2.nii.gz", "IXI002-Guys-0828-PD.nii.gz",
      "IXI-MRA/IXI002-Guys-0828-MRA.nii.gz", "IXI-DTI/IXI002-Guys-0828-DTI-00.nii.gz",
      "IXI-T1/IXI2-Guys-0828-T1.nii.gz",
      "a.dcm")
    let cohort = try IXICohort(folder: scratch.path)
    #expect(cohort.subjects.map(\.modalities) == [[.t1, .t2, .pd]])
    #expect(cohort.notes.count == 2 && cohort.notes.contains { $0.contains("IXI2-Guys") }, "\(cohort.notes)")
  }

  @Test func variantsOfBraTS() throws {
    let (new, old) = ("BraTS-GLI-00000-000", "BraTS2021_00001")
    try touch(
      "\(new)/\(new)-T1N.nii.gz", "\(new)/\(new)-t1c.nii", "\(new)/\(new)-seg.nii.gz", "\(new)/other.nii.gz",
      "\(old)/\(old)_t1.nii.gz", "\(old)/\(old)_t1ce.nii.gz", "\(old)/\(old)_t2.nii.gz",
      "\(old)/\(old)_flair.nii.gz",
      "stray.nii.gz")
    let cohort = try BraTSCohort(folder: scratch.path)
    #expect(cohort.subjects.map(\.modalities) == [[.t1, .t1gd], [.t1, .t2, .flair, .t1gd]])
    #expect(cohort.notes.count == 2, "\(cohort.notes)")
  }

  @Test(arguments: [
    ("ixi", "sub-01/anat/sub-01_T1w.nii.gz", " bids "),
    ("brats", "IXI002-Guys-0828-T1.nii.gz", " ixi "),
    ("bids", "BraTS-GLI-00000-000/BraTS-GLI-00000-000-t1n.nii.gz", " brats "),
    ("bids", "imagesTr/case_0000.nii.gz", "nnU-Net"),
    ("brats", "Training/BraTS-GLI-00000-000/BraTS-GLI-00000-000-t1n.nii", "/Training"),
    ("bids", "IM0001.dcm", "dcm2niix"),
  ])
  func anotherLayoutIsRecognised(layout: String, file: String, says: String) throws {
    try touch(file)
    let failure = try failure { _ = try CohortLayout.named(layout).open(scratch.path) }
    #expect(failure.kind == .malformed && failure.message.contains(says), "\(failure)")
  }

  @Test(arguments: [
    ("BIDS", nil), ("Ixi", nil), ("BraTS", nil), ("brats2021", "brats?"), ("bid", "bids"),
    ("nnU-Net", "nnU-Net"), ("dicom", "dcm2niix"),
  ])
  func namesOfLayouts(name: String, says: String?) throws {
    guard let says else {
      #expect(try CohortLayout.named(name).name == name.lowercased())
      return
    }
    let failure = try failure { _ = try CohortLayout.named(name) }
    #expect(
      failure.kind == .usage && failure.message.contains(says) && failure.message.contains("bids, ixi, brats")
    )
  }

  @Test func aSubjectsFolderIsNoCohort() throws {
    try touch("sub-01/anat/sub-01_T1w.nii.gz")
    let failure = try failure { _ = try BIDSCohort(folder: scratch.path + "/sub-01") }
    #expect(
      failure.kind == .malformed && failure.message.hasSuffix("holds it: \(scratch.path)"), "\(failure)")
  }

  @Test func onlyBIDSHasEntities() throws {
    try touch("IXI002-Guys-0828-T1.nii.gz")
    let failure = try failure {
      _ = try CohortLayout.named("ixi").open(scratch.path, picks: try ScanPick.read("t1:run=1"))
    }
    #expect(failure.kind == .usage)
  }
}

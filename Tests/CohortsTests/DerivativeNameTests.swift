import Cohorts
import Foundation
import Imaging
import Testing

/// Names of images that were computed of a subject's scans.
@Suite struct DerivativeNameTests {
  private func name(_ id: String, of patient: String, like scan: String) -> DerivativeName {
    DerivativeName(of: Subject(id: id, patient: patient), like: scan)
  }

  @Test func theyAreThoseOfBIDS() {
    let plain = name("sub-01", of: "sub-01", like: "/raw/sub-01/anat/sub-01_acq-mprage_run-1_T1w.nii.gz")
    #expect(
      plain.image(.flair) == "sub-01/anat/sub-01_space-individual_desc-synthetic_FLAIR.nii.gz")
    // The contrast agent's entity stands before that of the space.
    #expect(
      plain.image(.t1gd)
        == "sub-01/anat/sub-01_ce-gadolinium_space-individual_desc-synthetic_T1w.nii.gz")
    #expect(
      plain.figure(of: [.flair, .t1gd], from: [.t1, .t2])
        == "sub-01/figures/sub-01_desc-T1T2toFLAIRT1Gd.png")
  }

  @Test func sessionsHaveFoldersOfTheirOwn() {
    let visit = name("sub-a_ses-02", of: "sub-a", like: "sub-a_ses-02_T2w.nii")
    #expect(visit.session == "ses-02" && visit.folder == "sub-a/ses-02")
    #expect(
      visit.image(.pd) == "sub-a/ses-02/anat/sub-a_ses-02_space-individual_desc-synthetic_PDw.nii.gz")
    #expect(name("sub-a", of: "sub-a", like: "sub-a_T2w.nii").session == nil)
  }

  @Test func aSpaceThatAScanNamesStays() {
    let scan = "sub-01_space-MNI152NLin2009cAsym_desc-preproc_T1w.nii.gz"
    let image = name("sub-01", of: "sub-01", like: scan).image(.t2)
    #expect(image == "sub-01/anat/sub-01_space-MNI152NLin2009cAsym_desc-synthetic_T2w.nii.gz")
  }
}

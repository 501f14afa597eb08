import Cohorts
import Failures
import Foundation
import Imaging
import Testing

/// One person under two names, and what else equal images betray.
@Suite struct EqualScansTests {
  private let scratch: Scratch
  private var raw: String { scratch.path + "/raw" }

  init() throws {
    scratch = try Scratch()
    try makeBIDS(scratch.path + "/raw", subjects: 5)
  }

  private let across =
    #"{"train": ["sub-01", "sub-02", "sub-03"], "validation": ["sub-04"], "test": ["sub-05"]}"#
  private let together =
    #"{"train": ["sub-01", "sub-02", "sub-05"], "validation": ["sub-04"], "test": ["sub-03"]}"#

  private func prepare(
    _ splits: String, _ change: (inout Preparation) -> Void = { _ in }
  ) throws -> Preparation.Outcome {
    var preparation = Preparation()
    preparation.splits = .file(try scratch.write(splits, to: "s.json"))
    preparation.overwrite = true
    change(&preparation)
    return try preparation.run(
      BIDSCohort(folder: raw), layout: "bids", into: scratch.path + "/store", program: "1")
  }

  private func copy(_ from: String, to: String) throws {
    try? FileManager.default.removeItem(atPath: to)
    try FileManager.default.copyItem(atPath: from, toPath: to)
  }

  @Test func acrossSplitsItIsRefusedUnlessAllowed() throws {
    for modality in [Modality.t1, .t2, .flair] {
      try copy(bidsPath(raw, 1, modality), to: bidsPath(raw, 5, modality))
    }
    let failure = try failure { _ = try prepare(across) }
    #expect(failure.kind == .inconsistent)
    for word in ["sub-01 (train)", "sub-05 (test)", "sub-05_T1w.nii.gz", "\(Term.allowsDuplicates)"] {
      #expect(failure.message.contains(word), "\(failure)")
    }
    #expect(!FileManager.default.fileExists(atPath: scratch.path + "/store"))
    let allowed = try prepare(across) { $0.allowsDuplicates = true }
    #expect(
      allowed.notes.contains { $0.hasPrefix("warning") && $0.contains("sub-05 (test)") }, "\(allowed.notes)")
    let within = try prepare(together)
    #expect(
      within.notes.contains { $0.contains("sub-01 and sub-05") && $0.contains("2 more") }, "\(within.notes)")
    #expect(within.failure == nil && within.manifest.notes == within.notes)
  }

  enum Change: CaseIterable { case header, compression, type, axes, modality }

  /// Saved again with another header, packing, type or order of axes, it is the same image still.
  @Test(arguments: Change.allCases)
  func aCopyThatWasSavedAgain(change: Change) throws {
    let volume = try NIfTI.read(path: bidsPath(raw, 1, .t1)).volume
    let path = bidsPath(raw, 5, change == .modality ? .t2 : .t1)
    try FileManager.default.removeItem(atPath: path)
    let plain = path.replacingOccurrences(of: ".gz", with: "")
    switch change {
    case .header: try NIfTI.write(volume, description: "another", to: path)
    case .compression, .modality: try NIfTI.write(volume, to: plain)
    case .type: try NIfTI.write(volume, as: .int16, to: path)
    case .axes: try NIfTI.write(volume.reoriented(to: .ras), to: path)
    }
    let failure = try failure { _ = try prepare(across) }
    #expect(failure.kind == .inconsistent && failure.message.contains("sub-05 (test)"), "\(failure)")
  }

  @Test func aSeededSplitIsLookedAtToo() throws {
    for number in 2...5 { try copy(bidsPath(raw, 1, .t1), to: bidsPath(raw, number, .t1)) }
    #expect(try failure { _ = try prepare(across) { $0.splits = .seeded } }.kind == .inconsistent)
  }

  @Test func oneImageAsTwoModalities() throws {
    try copy(bidsPath(raw, 2, .t1), to: bidsPath(raw, 2, .t2))
    let outcome = try prepare(across)
    #expect(outcome.manifest.leftOut.map(\.id) == ["sub-02"])
    let reason = outcome.manifest.leftOut[0].reason
    for word in ["T1 and T2", "sub-02_T1w.nii.gz", "sub-02_T2w.nii.gz", "mislabelled"] {
      #expect(reason.contains(word))
    }
    #expect(try failure { _ = try prepare(across) { $0.onDefect = .refuse } }.kind == .inconsistent)
    #expect(try prepare(across) { $0.allowsDuplicates = true }.failure == nil)
  }

  @Test func twoVisitsOfOnePatient() throws {
    for session in ["1", "2"] {
      for (index, modality) in [Modality.t1, .t2, .flair].enumerated() {
        let name = "sub-06_ses-\(session)_\(bidsSuffix[modality] ?? "").nii.gz"
        try writeScan(scan(UInt64(600 + index)), "\(raw)/sub-06/ses-\(session)/anat/\(name)")
      }
    }
    let apart = #"{"train": ["sub-01", "sub-06_ses-1"], "test": ["sub-06_ses-2"]}"#
    #expect(try failure { _ = try prepare(apart) }.kind == .inconsistent)
    let notes = try prepare(#"{"train": ["sub-01", "sub-06_ses-1", "sub-06_ses-2"]}"#).notes
    #expect(notes.contains { $0.contains("two visits") && $0.contains("sub-06_ses-2") }, "\(notes)")
  }

  @Test func differentPeopleAreNotTheSame() throws {
    let outcome = try prepare(across)
    #expect(!outcome.notes.contains { $0.contains("same image") }, "\(outcome.notes)")
    #expect(Set(outcome.manifest.subjects.flatMap { $0.scans.map { $0.content ?? "" } }).count == 15)
  }
}

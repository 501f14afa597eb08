import Cohorts
import Failures
import Files
import Foundation
import Imaging
import Testing

/// Which of a subject's label maps is the lesions', and what is said of it.
@Suite struct LesionMapsTests {
  private let scratch: Scratch
  init() throws { scratch = try Scratch() }

  private static let size: SIMD3<Int> = [48, 56, 24]
  /// As LPS, 4 x 4 x 6 mm: 0.096 ml.
  private static let axes = Affine([-4, 0, 0, 96], [0, -4, 0, 112], [0, 0, 6, -72])

  /// A map that marks so many ml, its labels from 1 to `labels` in turn.
  private static func map(_ millilitres: Double, labels: Int = 1) -> Volume {
    let (count, marked) = (size.x * size.y * size.z, Int((millilitres / 0.096).rounded()))
    let voxels = (0..<count).map { $0 < 5000 || $0 >= 5000 + marked ? 0 : Float(1 + $0 % labels) }
    return Volume(dimensions: size, affine: axes, voxels: voxels)
  }

  /// Subject 4 of 4, who is tested on; the same map for everyone.
  private func write(_ volume: Volume, _ pipeline: String, _ ending: String) throws {
    for id in (1...4).map({ "sub-0\($0)" }) {
      try writeScan(volume, "\(scratch.path)/raw/derivatives/\(pipeline)/\(id)/anat/\(id)_\(ending).nii.gz")
    }
  }

  private func makeHeads() throws {
    for number in 1...4 {
      for (index, modality) in [Modality.t1, .flair].enumerated() {
        var head = scan(UInt64(10 * number + index), Self.size)
        head = Volume(dimensions: Self.size, affine: Self.axes, voxels: head.voxels)
        try writeScan(head, bidsPath("\(scratch.path)/raw", number, modality))
      }
    }
  }

  private func prepare(_ picks: String...) throws -> (store: PreparedCohort, notes: [String]) {
    var preparation = Preparation()
    (preparation.splits, preparation.overwrite) = (try splitsFile(scratch), true)
    let cohort = try BIDSCohort(
      folder: "\(scratch.path)/raw", picks: picks.flatMap { try ScanPick.read($0) })
    let store = "\(scratch.path)/store"
    let outcome = try preparation.run(cohort, layout: "bids", into: store, program: "test")
    return (try PreparedCohort(folder: store), outcome.notes.filter { $0.contains("label map") })
  }

  /// ml that the stored map of the last subject marks; nil where there is none.
  private func stored(_ store: PreparedCohort) throws -> Double? {
    try store.labelCounts(of: store.manifest.subjects[3]).map { counts in
      0.096 * Double(counts.reduce(0) { $0 + ($1.key > 0 ? $1.value : 0) })
    }
  }

  private func lesioned(_ store: PreparedCohort) throws -> Int {
    try store.withLesions(among: Set(store.manifest.subjects.map(\.id))).count
  }

  // MARK: - Names

  private func open(_ names: [String], _ picks: String...) throws -> Subject {
    for name in ["sub-tumor1/anat/sub-tumor1_T1w.nii.gz"] + names.map({ "derivatives/\($0)" }) {
      let path = "\(scratch.path)/names/\(name)"
      try FileManager.default.createDirectory(atPath: Path.folder(path), withIntermediateDirectories: true)
      try Data().write(to: URL(fileURLWithPath: path))
    }
    let picks = try picks.flatMap { try ScanPick.read($0) }
    return try BIDSCohort(folder: "\(scratch.path)/names", picks: picks).subjects[0]
  }

  /// `a_dseg` lies before all of them.
  @Test(arguments: [
    "label-lesion_mask", "label-L_mask", "desc-manualTumour_dseg", "label-WMH_mask",
    "space-T1w_desc-tumor_dseg",
    "seg-lesion_dseg", "label-L_desc-T1lesion_mask",
  ])
  func namesOfLesionsComeFirst(ending: String) throws {
    let subject = try open(
      ["a/sub-tumor1/anat/sub-tumor1_dseg.nii.gz", "b/sub-tumor1/anat/sub-tumor1_\(ending).nii.gz"])
    #expect(subject.labels?.hasSuffix("sub-tumor1_\(ending).nii.gz") == true && subject.labelMaps.areNamed)
    #expect(subject.labelMaps.others.map(Path.name) == ["sub-tumor1_dseg.nii.gz"])
  }

  @Test(arguments: [
    "desc-brain_mask", "label-GM_mask", "desc-aparcaseg_dseg", "atlas-AAL_dseg", "seg-Hippocampus_dseg",
    "label-brain_dseg", "hemi-L_desc-ribbon_mask",
  ])
  func namesOfOtherPartsAreNotTaken(ending: String) throws {
    // Neither the subject nor the folder makes a lesion of it.
    let subject = try open(["lesions/sub-tumor1/anat/sub-tumor1_\(ending).nii.gz"])
    #expect(subject.labels == nil && subject.labelMaps.others.count == 1)
  }

  @Test func aFolderOfLesionsHasThemWithoutMoreWords() throws {
    let (plain, other) = (
      "sub-tumor1/anat/sub-tumor1_dseg.nii.gz", "sub-tumor1/anat/sub-tumor1_desc-x_dseg.nii.gz"
    )
    let subject = try open(["lesions/\(plain)", "lesions/\(other)", "fmriprep/\(plain)"])
    #expect(subject.labels?.hasSuffix("lesions/\(plain)") == true && subject.labelMaps.areNamed)
    #expect(subject.labelMaps.candidates.count == 1 && subject.labelMaps.others.count == 2)
  }

  @Test func whatIsAskedForIsTaken() throws {
    let names = ["label-lesion_mask", "desc-aseg_dseg", "desc-manual_mask"].map {
      "x/sub-tumor1/anat/sub-tumor1_\($0).nii.gz"
    }
    #expect(try open(names).labels?.hasSuffix("label-lesion_mask.nii.gz") == true)
    #expect(try open(names, "labels:desc=aseg").labels?.hasSuffix("desc-aseg_dseg.nii.gz") == true)
    #expect(try open(names, "labels:desc=").labels?.hasSuffix("label-lesion_mask.nii.gz") == true)
    let slip = try failure { _ = try open(names, "labels:desc=asge") }
    #expect(slip.kind == .inconsistent && slip.message.contains("no label map has desc-asge"), "\(slip)")
    // Rules for scans have nothing to do with label maps.
    #expect(try failure { _ = try open(names, "desc=manual") }.message.contains("no scan has"))
  }

  // MARK: - Preparing

  /// What real elderly people have: 149 labels of the brain beside a mask of their lesions.
  @Test func aParcellationBesideTheLesionsIsLeftOut() throws {
    try makeHeads()
    try write(Self.map(10.3), "lesions", "label-lesion_mask")
    let (alone, silence) = try prepare()
    #expect(silence.isEmpty)
    let expected = try contents(of: alone)
    try write(Self.map(1503, labels: 149), "lesions", "desc-dlmuse_dseg")
    let (store, notes) = try prepare()
    #expect(try contents(of: store) == expected && lesioned(store) == 4)
    #expect(abs(try #require(try stored(store)) - 10.3) < 0.1)
    let note = try #require(notes.first)
    #expect(
      notes.count == 1 && note.contains("lesions/**/*_label-lesion_mask.nii.gz (4 subjects)"), "\(notes)")
    #expect(note.contains("lesions/**/*_desc-dlmuse_dseg.nii.gz (4 subjects)"), "\(note)")
    #expect(note.contains("\(Term.picks("labels:desc=dlmuse"))"), "\(note)")

    // Whoever asks for the parcellation, to learn to segment it, has it; it is no lesion for all that.
    let (asked, told) = try prepare("labels:desc=dlmuse")
    #expect(told.count == 1 && told[0].contains("one map is used: lesions/**/*_label-lesion_mask"), "\(told)")
    #expect(abs(try #require(try stored(asked)) - 1503) < 0.1)
    #expect(try lesioned(asked) == 0)
  }

  private func contents(of store: PreparedCohort) throws -> Data {
    try #require(FileManager.default.contents(atPath: "\(store.folder)/subjects/sub-04.labels"))
  }

  @Test func aParcellationAloneIsNoLesion() throws {
    try makeHeads()
    try write(Self.map(1503, labels: 149), "muse", "desc-dlmuse_dseg")
    let (store, notes) = try prepare()
    #expect(store.manifest.subjects.allSatisfy { $0.labels == nil })
    let note = try #require(notes.first)
    #expect(notes.count == 1 && note.contains("no label map is taken"), "\(notes)")
    #expect(note.contains("muse/**/*_desc-dlmuse_dseg.nii.gz (4 subjects)") && note.contains("label-lesion"))
  }

  /// The names leave open what either is of: how much they mark tells.
  @Test func aQuarterOfALitreIsTheMostThatIsALesion() throws {
    try makeHeads()
    try write(Self.map(260), "x", "desc-a_dseg")
    try write(Self.map(240), "x", "desc-b_dseg")
    let (store, notes) = try prepare()
    #expect(abs(try #require(try stored(store)) - 240) < 0.1)
    #expect(try lesioned(store) == 4)
    let note = try #require(notes.first)
    #expect(notes.count == 1 && note.contains("250 ml") && note.contains("does not say lesion"), "\(notes)")
    // A large lesion that is named so is one.
    try write(Self.map(260), "y", "label-lesion_mask")
    let (named, _) = try prepare()
    #expect(abs(try #require(try stored(named)) - 260) < 0.1)
    #expect(try lesioned(named) == 4)
  }

  @Test func ofTwoMapsOfLesionsTheFirstIsUsedUnlessTheOtherIsAskedFor() throws {
    try makeHeads()
    try write(Self.map(12), "one", "label-lesion_desc-first_mask")
    try write(Self.map(9), "two", "label-lesion_desc-second_mask")
    let (store, notes) = try prepare()
    #expect(abs(try #require(try stored(store)) - 12) < 0.1)
    let note = try #require(notes.first)
    #expect(notes.count == 1 && note.contains("one map is used"), "\(notes)")
    #expect(note.contains("\(Term.picks("labels:desc=second"))"), "\(note)")
    let (other, _) = try prepare("labels:desc=second")
    #expect(abs(try #require(try stored(other)) - 9) < 0.1)
  }

  /// A map that does not lie on the scans' grid is passed over where another does.
  @Test func ofTwoMapsOfLesionsOneLiesOnTheGrid() throws {
    try makeHeads()
    try write(
      Volume(dimensions: [10, 12, 6], affine: lps, voxels: scan(3).voxels), "a", "space-MNI_label-lesion_mask"
    )
    try write(Self.map(9), "b", "label-lesion_mask")
    #expect(abs(try #require(try stored(try prepare().store)) - 9) < 0.1)
  }
}

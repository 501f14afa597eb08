import Cohorts
import Failures
import Files
import Foundation
import Imaging
import PipelineSupport
import Runs
import Testing

/// A data set whose scans change after contrasts were computed of them: what stands in the folder of derivatives is of the scans
/// as they are, or it is told of.
@Suite struct CompletionChangesTests {
  private let scratch: Scratch
  private let earlier = Date(timeIntervalSince1970: 1_600_000_000)

  init() throws {
    scratch = try Scratch()
    try makeBIDS(scratch("raw"), subjects: 3, modalities: [.t1, .t2])
    // As a restored backup, rsync -a or mv leave them: older than anything that is computed of them.
    for subject in 1...3 {
      for modality in [Modality.t1, .t2] { try date(path(subject, modality), earlier) }
    }
  }

  private func complete() throws -> [CompletedPerson] {
    let model = try Trained.model()
    let completion = try Completion(
      of: BIDSCohort(folder: scratch("raw")), by: model, into: scratch("out"), .init())
    try completion.run(model)
    try completion.writeTable()
    return completion.found()
  }

  private func path(_ subject: Int, _ modality: Modality) -> String {
    bidsPath(scratch("raw"), subject, modality)
  }

  private func file(_ subject: Int) -> String {
    "sub-0\(subject)/anat/sub-0\(subject)_space-individual_desc-synthetic_PDw.nii.gz"
  }

  private func image(_ subject: Int) -> String { scratch("out/\(file(subject))") }

  private func sidecar(_ subject: Int) -> String { image(subject).replacing(".nii.gz", with: ".json") }

  private func fields(_ subject: Int) throws -> [String: Any] {
    let data = try #require(contents(of: sidecar(subject)))
    return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
  }

  private func stands(_ subject: Int) -> Bool {
    [image(subject), sidecar(subject)].allSatisfy { FileManager.default.fileExists(atPath: $0) }
  }

  private func date(_ path: String, _ date: Date) throws {
    try FileManager.default.setAttributes([.modificationDate: date], ofItemAtPath: path)
  }

  /// Exchanges a person's two scans; neither is written anew.
  private func exchange(_ subject: Int) throws {
    let aside = scratch("aside.nii.gz")
    for (from, to) in [
      (path(subject, .t1), aside), (path(subject, .t2), path(subject, .t1)), (aside, path(subject, .t2)),
    ] { try FileManager.default.moveItem(atPath: from, toPath: to) }
  }

  @Test func contentsDecideAndNotTimes() throws {
    #expect(try complete().allSatisfy { $0.state == .completed })
    let before = try #require(contents(of: image(2)))
    let told = try fields(2)
    let digests = try [Modality.t1, .t2].map { try SHA256.ofFile(path(2, $0)).digest }
    #expect(told["SourceSHA256"] as? [String] == digests)

    try exchange(2)
    try date(path(3, .t1), Date().addingTimeInterval(3600))
    #expect(try complete().map(\.state) == [.kept, .completed, .kept])
    #expect(contents(of: image(2)) != before)
    #expect(try complete().allSatisfy { $0.state == .kept && $0.leftovers == nil })
    try exchange(2)
    #expect(try complete().map(\.state) == [.kept, .completed, .kept])
    #expect(contents(of: image(2)) == before)
  }

  /// What was written before digests were kept goes by the times.
  @Test func ofEarlierVersionsTimesDecide() throws {
    _ = try complete()
    for subject in 1...3 {
      var fields = try fields(subject)
      fields["SourceSHA256"] = nil
      try JSONSerialization.data(withJSONObject: fields).write(to: URL(fileURLWithPath: sidecar(subject)))
    }
    #expect(try complete().allSatisfy { $0.state == .kept })
    try date(path(2, .t1), Date().addingTimeInterval(60))
    #expect(try complete().map(\.state) == [.kept, .completed, .kept])
    // And what was computed anew has them.
    #expect(try complete().map(\.state) == [.kept, .kept, .kept])
  }

  @Test func whatCannotBeComputedAnewDoesNotStay() throws {
    let figures = try complete().map(\.figure)
    let figure = try scratch("out/\(#require(figures[1]))")
    try FileManager.default.createDirectory(atPath: Path.folder(figure), withIntermediateDirectories: true)
    try Data("picture".utf8).write(to: URL(fileURLWithPath: figure))

    try Data("no image".utf8).write(to: URL(fileURLWithPath: path(2, .t2)))
    try date(path(2, .t2), earlier)
    let people = try complete()
    #expect(people.map(\.state) == [.kept, .failed, .kept])
    let line =
      "\(file(2)) is removed: sub-02/anat/sub-02_T2w.nii.gz, which it was computed of, is another now"
    #expect(people[1].leftovers == [line] && people[1].images.isEmpty)
    #expect(scratch.files(in: "out/sub-02").isEmpty && stands(1) && stands(3))
    #expect(try scratch.text("out/\(CompletionFolder.table)").contains(line))
    #expect(try complete()[1].leftovers == nil)
  }

  /// Contents that were dropped, as DataLad does when they are not needed, are no other contents.
  @Test func whatIsNotThereToCompareRemovesNothing() throws {
    _ = try complete()
    try FileManager.default.removeItem(atPath: path(1, .t2))
    try Data("/annex/objects/SHA256E-s9--0.nii.gz\n".utf8).write(to: URL(fileURLWithPath: path(2, .t2)))
    try FileManager.default.removeItem(atPath: path(3, .t1))
    try FileManager.default.createSymbolicLink(
      atPath: path(3, .t1), withDestinationPath: "../../.git/annex/objects/nowhere.nii.gz")
    let people = try complete()
    #expect(people.allSatisfy { $0.state == .failed } && (1...3).allSatisfy(stands))
    #expect(
      people[1].code == Failure.Kind.notFound.rawValue && people[2].failure?.contains("datalad") == true)
    #expect(people.map(\.leftovers) == (1...3).map { ["\(file($0)) is left of an earlier run"] })
  }

  @Test func whatWasAcquiredSinceIsToldOf() throws {
    _ = try complete()
    try NIfTI.write(scan(.pd, subject: 2), to: path(2, .pd))
    let line = "PD was acquired since; \(file(2)), which was computed, is left"
    let people = try complete()
    #expect(people.map(\.state) == [.kept, .whole, .kept] && people[1].given == [.t1, .t2, .pd])
    #expect(people[1].leftovers == [line] && people[1].images.isEmpty && stands(2))
    #expect(try scratch.text("out/\(CompletionFolder.table)").contains("n/a\tn/a\t\(line)\n"))
    // Nobody computes it anew, so that of other scans it does not stay.
    try exchange(2)
    #expect(try complete()[1].leftovers?.first?.contains("is removed") == true)
    #expect(!stands(2) && stands(1))
    #expect(try complete()[1].leftovers == nil)
  }

  /// Only what this program wrote, by the same model, is ever removed.
  @Test func whatOthersMadeIsLeftAlone() throws {
    _ = try complete()
    let mine = "out/sub-02/anat/sub-02_desc-synthetic_T2w.nii.gz"
    try scratch.write("mine", to: mine)
    var fields = try fields(3)
    fields["ModelSHA256"] = String(repeating: "0", count: 64)
    try JSONSerialization.data(withJSONObject: fields).write(to: URL(fileURLWithPath: sidecar(3)))
    for subject in 2...3 {
      try Data("no image".utf8).write(to: URL(fileURLWithPath: path(subject, .t2)))
    }
    #expect(try complete().map(\.state) == [.kept, .failed, .failed])
    let others = try scratch.text(mine)
    #expect(!stands(2) && stands(3) && others == "mine")
  }
}

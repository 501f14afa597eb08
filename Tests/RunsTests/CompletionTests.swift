import Cohorts
import Experiments
import Failures
import Files
import Foundation
import Imaging
import Inference
import PipelineSupport
import Runs
import Testing
import Torch
import Training

/// A data set whose people lack what a tiny model of (T1, T2) -> PD makes.
@Suite struct CompletionTests {
  private let scratch: Scratch
  private let output: String

  init() throws {
    scratch = try Scratch()
    output = scratch("out")
    try makeBIDS(scratch("raw"), subjects: 3, modalities: [.t1, .t2])
  }

  private func completion(
    into output: String? = nil, _ change: (inout Completion.Options) -> Void = { _ in }
  ) throws -> Completion {
    var options = Completion.Options()
    change(&options)
    return try Completion(
      of: BIDSCohort(folder: scratch("raw")), by: Trained.model(), into: output ?? self.output, options)
  }

  @discardableResult
  private func complete(_ change: (inout Completion.Options) -> Void = { _ in }) throws -> [CompletedPerson] {
    let completion = try completion(change)
    try completion.run(Trained.model())
    try completion.writeTable()
    return completion.found()
  }

  private func image(_ subject: Int) -> String {
    scratch("out/sub-0\(subject)/anat/sub-0\(subject)_space-individual_desc-synthetic_PDw.nii.gz")
  }

  private func sidecar(_ subject: Int) -> String { image(subject).replacing(".nii.gz", with: ".json") }

  private func fields(_ path: String) throws -> [String: Any] {
    let data = try #require(contents(of: path))
    return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
  }

  @Test func everyoneGetsWhatIsLackingAsDerivativesOfBIDS() throws {
    let people = try complete()
    #expect(people.map(\.id) == ["sub-01", "sub-02", "sub-03"])
    #expect(people.allSatisfy { $0.state == .completed && $0.lacking == [.pd] && $0.given == [.t1, .t2] })
    #expect(people.failure == nil)

    // The very image that one patient alone gets.
    _ = try PatientSynthesis(model: Trained.model(), output: scratch("pd.nii.gz")).run([
      (.t1, bidsPath(scratch("raw"), 2, .t1)), (.t2, bidsPath(scratch("raw"), 2, .t2)),
    ])
    let alone = try NIfTI.read(path: scratch("pd.nii.gz")).volume
    let there = try NIfTI.read(path: image(2)).volume
    #expect(there.grid == alone.grid && there.voxels == alone.voxels)

    let beside = try fields(sidecar(2))
    let links = ["bids:raw:sub-02/anat/sub-02_T1w.nii.gz", "bids:raw:sub-02/anat/sub-02_T2w.nii.gz"]
    #expect(beside["Sources"] as? [String] == links)
    #expect(beside["SpatialReference"] as? String == links[0])
    #expect((beside["Warning"] as? String)?.contains("SYNTHETIC") == true)

    let about = try fields(scratch("out/dataset_description.json"))
    #expect(about["DatasetType"] as? String == "derivative")
    #expect(about["DatasetLinks"] as? [String: String] == ["raw": "../raw"])
    let programs = try #require(about["GeneratedBy"] as? [[String: String]])
    #expect(programs.map { $0["Name"] } == ["aginet complete"])

    let table = try #require(contents(of: scratch("out/\(CompletionFolder.table)")))
    let rows = String(decoding: table, as: UTF8.self).split(separator: "\n").map {
      $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
    }
    #expect(rows.count == 4 && rows.allSatisfy { $0.count == rows[0].count })
    #expect(rows[2].prefix(6) == ["sub-02", "n/a", "completed", "T1,T2", "PD", "n/a"])
  }

  @Test func whatStandsThereIsNotComputedAgain() throws {
    try complete()
    let before = try (1...3).map { try #require(contents(of: image($0))) }
    let dates = try (1...3).map { try date(image($0)) }
    #expect(try complete().allSatisfy { $0.state == .kept })
    #expect(try (1...3).map { try date(image($0)) } == dates)

    // One that is gone, one that was cut, and one whose sidecar was not finished.
    try FileManager.default.removeItem(atPath: image(1))
    try before[1].prefix(before[1].count / 2).write(to: URL(fileURLWithPath: image(2)))
    var unfinished = try fields(sidecar(3))
    unfinished["SpatialReference"] = nil
    try JSONSerialization.data(withJSONObject: unfinished).write(to: URL(fileURLWithPath: sidecar(3)))
    #expect(try complete().allSatisfy { $0.state == .completed })
    #expect(try (1...3).map { try #require(contents(of: image($0))) } == before)
    #expect(try complete().allSatisfy { $0.state == .kept })
  }

  /// What was computed otherwise is not what would be computed.
  @Test func anotherWayOfComputingIsAnotherImage() throws {
    try complete { $0.isAxialAlone = true }
    #expect(try fields(sidecar(1))["AxialOnly"] as? Bool == true)
    #expect(try complete { $0.isAxialAlone = true }.allSatisfy { $0.state == .kept })
    #expect(try complete().allSatisfy { $0.state == .completed })
    #expect(try fields(sidecar(1))["AxialOnly"] == nil)
    #expect(try complete().allSatisfy { $0.state == .kept })
    // Of fewer scans than the model would be shown.
    var fewer = try fields(sidecar(1))
    fewer["SourcesNotShown"] = ["t2"]
    try JSONSerialization.data(withJSONObject: fewer).write(to: URL(fileURLWithPath: sidecar(1)))
    #expect(try complete().map(\.state) == [.completed, .kept, .kept])
    #expect(try fields(sidecar(1))["SourcesNotShown"] == nil)
  }

  /// The name says in whose space an image lies: that of the scan whose grid it has.
  @Test func theNameSaysWhoseSpaceItIs() throws {
    let mine = bidsPath(scratch("raw"), 1, .t1)
    try FileManager.default.moveItem(
      atPath: mine, toPath: mine.replacing("sub-01_T1w", with: "sub-01_space-MNI152Lin_T1w"))
    func there(_ space: String) -> Bool {
      FileManager.default.fileExists(
        atPath: scratch("out/sub-01/anat/sub-01_space-\(space)_desc-synthetic_PDw.nii.gz"))
    }
    try complete { $0.alignment = ScanAlignment(.headers) }
    #expect(there("MNI152Lin") && !there("individual"))
    try complete { $0.alignment = ScanAlignment(.headers, onto: .t2) }
    #expect(there("individual"))
  }

  @Test func scansComeOntoOneGrid() throws {
    let (t2, path) = (scan(.t2, subject: 2), bidsPath(scratch("raw"), 2, .t2))
    try NIfTI.write(
      t2.resampled(to: t2.grid.resized(columns: 42, rows: 45, planes: 9)), to: path, replacing: true)
    #expect(try complete().map(\.state) == [.completed, .failed, .completed])

    // The others' scans lay on one grid, but nobody had looked.
    let people = try complete { $0.alignment = ScanAlignment(.headers) }
    #expect(people.allSatisfy { $0.state == .completed })
    #expect(people.map { $0.placements?.map(\.isResampled) } == [[], [true], []])
    #expect(people[1].notes.contains("T2 was resampled onto the grid of T1"))
    let beside = try fields(sidecar(2))
    #expect(beside["AlignedBy"] as? String == "headers")
    #expect(beside["SpatialReference"] as? String == "bids:raw:sub-02/anat/sub-02_T1w.nii.gz")
    #expect(try complete { $0.alignment = ScanAlignment(.headers) }.allSatisfy { $0.state == .kept })

    // Onto another's grid they are other images.
    let others = try complete { $0.alignment = ScanAlignment(.headers, onto: .t2) }
    #expect(others.allSatisfy { $0.state == .completed })
    #expect(
      try fields(sidecar(2))["SpatialReference"] as? String == "bids:raw:sub-02/anat/sub-02_T2w.nii.gz")
    let grid = try NIfTI.readHeader(path: image(2)).grid
    #expect(grid == (try NIfTI.readHeader(path: path).grid))
    let estimate = try completion { $0.alignment = ScanAlignment(.headers) }.estimate(Trained.model())
    #expect(estimate.people == 3 && estimate.hindered.isEmpty)
  }

  private func date(_ path: String) throws -> Date {
    try #require(FileManager.default.attributesOfItem(atPath: path)[.modificationDate] as? Date)
  }

  @Test func whoCannotBeCompletedStopsNobodyElse() throws {
    try Data("no image".utf8).write(to: URL(fileURLWithPath: bidsPath(scratch("raw"), 1, .t2)))
    try FileManager.default.removeItem(atPath: bidsPath(scratch("raw"), 2, .t2))
    let people = try complete()
    #expect(people.map(\.state) == [.failed, .failed, .completed])
    #expect(people[0].code == Failure.Kind.malformed.rawValue)
    #expect(people[1].failure == "has no T2, which the model needs")
    // From the data set, wherever it lies.
    #expect(people[0].failure?.hasPrefix("sub-01/anat/sub-01_T2w.nii.gz: ") == true)
    for name in [CompletionFolder.table, "logs/sub-01.json"] {
      let text = try scratch.text("out/\(name)")
      #expect(!text.contains(scratch.path), "\(name)")
    }
    let failure = try #require(people.failure)
    #expect(failure.kind == .partial && failure.message.hasPrefix("2 of 3 could not be completed: sub-01 ("))
    #expect(!FileManager.default.fileExists(atPath: image(1)))

    // Where all fail alike the code is theirs.
    #expect(Array(people.prefix(1)).failure?.kind == .malformed)
    #expect(Array(people.prefix(2)).failure?.kind == .partial)

    // What was mended is done the next time.
    try makeBIDS(scratch("raw"), subjects: 3, modalities: [.t1, .t2])
    let mended = try complete()
    #expect(mended.map(\.state) == [.completed, .completed, .kept])
    #expect(mended.failure == nil && mended.allSatisfy { $0.failure == nil })
  }

  /// How many people at a time memory holds is judged by whoever needs most of it.
  @Test func memoryIsJudgedByTheLargest() throws {
    for modality in [Modality.t1, .t2] {
      try NIfTI.write(
        scan(modality, subject: 2, size: [40, 44, 12]), to: bidsPath(scratch("raw"), 2, modality))
    }
    try Data("no image".utf8).write(to: URL(fileURLWithPath: bidsPath(scratch("raw"), 3, .t1)))
    #expect(try completion().largestFirst == ["sub-02", "sub-01", "sub-03"])
    // Who lacks nothing needs none.
    try NIfTI.write(scan(.pd, subject: 2, size: [40, 44, 12]), to: bidsPath(scratch("raw"), 2, .pd))
    #expect(try completion().largestFirst == ["sub-01", "sub-03"])
  }

  /// A file's name alone does not make a contrast that is there.
  @Test func aContrastThatIsThereAndIsNoImageIsAFailure() throws {
    let junk = bidsPath(scratch("raw"), 2, .pd)
    try Data("junk".utf8).write(to: URL(fileURLWithPath: junk))
    try NIfTI.write(scan(.pd, subject: 3), to: bidsPath(scratch("raw"), 3, .pd))
    let people = try complete()
    #expect(people.map(\.state) == [.completed, .failed, .whole])
    #expect(people[1].code == Failure.Kind.malformed.rawValue)
    #expect(people[1].failure?.hasPrefix("sub-02/anat/sub-02_PDw.nii.gz: ") == true)
    #expect(people.failure?.kind == .partial)
    let estimate = try completion().estimate(Trained.model())
    #expect(estimate.kept == 1 && estimate.whole == 1)
    #expect(estimate.hindered == ["sub-02": people[1].failure])
  }

  @Test func aStopKeepsWhatIsDone() throws {
    let completion = try completion { $0.jobs = 1 }
    let stop = Stop()
    let failure = try failure {
      try completion.run(Trained.model(), shouldStop: { stop.kind }) { done, _, _ in
        if done == 1 { stop.set(.interrupted) }
      }
    }
    #expect(failure.kind == .interrupted)
    #expect(completion.found().map(\.state) == [.completed])
    #expect(scratch.files(in: "out").allSatisfy { !$0.contains("partial") })
    #expect(try complete().map(\.state) == [.kept, .completed, .completed])
  }

  @Test func peopleMayBeNamed() throws {
    #expect(try complete { $0.participants = ["02"] }.map(\.id) == ["sub-02"])
    // The table has everyone with whom anybody began.
    #expect(try complete { $0.participants = ["sub-03"] }.map(\.id) == ["sub-02", "sub-03"])
    let unknown = try failure { _ = try completion { $0.participants = ["02", "9", "x"] } }
    #expect(unknown.kind == .notFound && unknown.message.contains("has no sub-9, sub-x; there are sub-01"))
    #expect(try failure { _ = try completion { $0.sessions = ["1"] } }.kind == .notFound)
  }

  @Test func whatAnotherModelMadeIsNotMixedIn() throws {
    try complete()
    var other = try fields(sidecar(1))
    other["ModelSHA256"] = String(repeating: "0", count: 64)
    try JSONSerialization.data(withJSONObject: other).write(to: URL(fileURLWithPath: sidecar(1)))
    let people = try complete()
    #expect(people.map(\.state) == [.failed, .kept, .kept])
    #expect(people[0].failure?.contains("by another model") == true)
    #expect(people[0].code == Failure.Kind.cannotWrite.rawValue)
    #expect(people[0].failure?.contains("recompute") == true)
    #expect(try complete { $0.replaces = true }.allSatisfy { $0.state == .completed })
  }

  /// What a folder of derivatives says of itself is what stands in it.
  @Test func theModelsAreThoseOfTheImagesThatAreThere() throws {
    func programs() throws -> [[String: String]] {
      try #require(
        try fields(scratch("out/dataset_description.json"))["GeneratedBy"] as? [[String: String]])
    }
    // Nothing could be made.
    for subject in 1...3 {
      try FileManager.default.removeItem(atPath: bidsPath(scratch("raw"), subject, .t2))
    }
    #expect(try complete().allSatisfy { $0.state == .failed })
    #expect(try programs().map { $0["Description"]?.contains("SHA-256") } == [false])

    try makeBIDS(scratch("raw"), subjects: 3, modalities: [.t1, .t2])
    let people = try complete()
    let model = try Trained.model()
    #expect(people.allSatisfy { $0.images.allSatisfy { $0.model?.sha256 == model.sha256 } })
    #expect(try programs().map { $0["Description"]?.contains(model.sha256) } == [true])

    // One that another model made is told of too.
    var other = try fields(sidecar(1))
    other["ModelSHA256"] = String(repeating: "0", count: 64)
    try JSONSerialization.data(withJSONObject: other).write(to: URL(fileURLWithPath: sidecar(1)))
    try complete()
    #expect(try programs().map { $0["Name"] } == ["aginet complete", "aginet complete"])
    let told = try programs().compactMap { $0["Description"] }.joined()
    #expect(told.contains(model.sha256) && told.contains(String(repeating: "0", count: 64)))
  }

  @Test func aDataSetIsOnlyRead() throws {
    let raw = scratch("raw")
    for place in [raw, raw + "/out", raw + "/sub-01", scratch.path] {
      #expect(try failure { _ = try completion(into: place) }.kind == .cannotWrite, "\(place)")
    }
    // BIDS has a place for them.
    let inside = try completion(into: raw + "/derivatives/aginet")
    try inside.run(Trained.model())
    #expect(inside.found().allSatisfy { $0.state == .completed })
    let about = try fields(raw + "/derivatives/aginet/dataset_description.json")
    #expect(about["DatasetLinks"] as? [String: String] == ["raw": "../.."])
    // And what lies there does not make the people whole.
    #expect(try completion().people.allSatisfy { $0.lacking == [.pd] })
  }

  @Test func aFolderWithSomethingElseIsLeftAlone() throws {
    try FileManager.default.createDirectory(atPath: output, withIntermediateDirectories: true)
    try scratch.write("mine", to: "out/notes.txt")
    let failure = try failure { try completion().run(Trained.model()) }
    #expect(failure.kind == .cannotWrite && failure.message.contains("holds something else"))
    #expect(scratch.files(in: "out") == ["notes.txt"])
  }

  @Test func whatCannotBeAskedIsOneLine() throws {
    let unmade = try failure { _ = try completion { $0.targets = .these([.pd, .flair]) } }
    #expect(unmade.kind == .usage && unmade.message.contains("flair: the model makes PD"))
    let segmentation = try failure {
      _ = try Completion(
        of: BIDSCohort(folder: scratch("raw")), by: TrainedOnTumours.segmentation().model(device: .cpu),
        into: output, .init())
    }
    #expect(segmentation.kind == .usage)
    try complete()
    let computed = try failure {
      _ = try Completion(
        of: BIDSCohort(folder: output), by: Trained.model(), into: scratch("again"), .init())
    }
    #expect(computed.kind == .refused && computed.message.contains("were computed"))
  }

  /// Where there is nothing to compute, table and folder say so.
  @Test func nobodyMayLackAnything() throws {
    try makeBIDS(scratch("raw"), subjects: 3)
    let people = try complete()
    #expect(people.allSatisfy { $0.state == .whole && $0.lacking.isEmpty } && people.failure == nil)
    #expect(try completion().wanted == [.pd])
    let table = try scratch.text("out/\(CompletionFolder.table)")
    #expect(table.split(separator: "\n").dropFirst().allSatisfy { $0.contains("\twhole\tT1,T2,PD\t") })
    #expect(scratch.files(in: "out").allSatisfy { $0.scanStem == nil })
    #expect(try completion().estimate(Trained.model()).whole == 3)
  }
}

/// What a person's hand on the keyboard is to a program.
private final class Stop: @unchecked Sendable {
  private let lock = NSLock()
  private var asked: Failure.Kind?
  var kind: Failure.Kind? { lock.withLock { asked } }
  func set(_ kind: Failure.Kind) { lock.withLock { asked = kind } }
}

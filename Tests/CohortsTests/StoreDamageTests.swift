import Cohorts
import Failures
import Files
import Foundation
import Imaging
import Testing

/// Stores that are not what they were when they were written.
@Suite struct StoreDamageTests {
  private let scratch: Scratch
  private let whole: PreparedCohort
  private var folder: String { scratch.path + "/store" }

  init() throws {
    scratch = try Scratch()
    try makeBIDS("\(scratch.path)/raw", subjects: 4)
    try writeScan(
      Volume(dimensions: [10, 12, 6], affine: lps, voxels: scan(7).voxels.map { $0 > 50 ? 1 : 0 }),
      "\(scratch.path)/raw/derivatives/lesions/sub-01/anat/sub-01_dseg.nii.gz")
    whole = try makeStore(scratch)
  }

  private func change(_ name: String, _ edit: (inout Data) -> Void) throws {
    var data = try #require(FileManager.default.contents(atPath: "\(folder)/\(name)"))
    edit(&data)
    try data.write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
  }

  /// A transfer that was cut and has full length: its tail is zeros.
  @Test(arguments: ["sub-01.slices", "sub-04.slices", "sub-01.labels"])
  func aTailOfZerosIsRefused(name: String) throws {
    try change("subjects/\(name)") {
      $0.replaceSubrange($0.count * 2 / 3..<$0.count, with: Data(count: $0.count - $0.count * 2 / 3))
    }
    let failure = try failure { _ = try PreparedCohort(folder: folder) }
    #expect(failure.kind == .malformed && failure.message.contains(name), "\(failure)")
  }

  /// Of a store too large to be compared as it is opened, a file is before it is first read.
  @Test func aLargeStoreIsComparedAsItIsRead() throws {
    try change("subjects/sub-02.slices") { $0[$0.count / 2] ^= 1 }
    let store = try PreparedCohort(folder: folder, checkingUpTo: 0)
    #expect(try store.slice(.t1, at: SampleReference(subject: "sub-01", slice: 1)).count == 256)
    // Any slice of the file tells, not only the one that is wrong.
    let failure = try failure { _ = try store.slice(.t1, at: SampleReference(subject: "sub-02", slice: 1)) }
    #expect(failure.kind == .malformed && failure.message.contains("sub-02.slices"))
    #expect(
      try self.failure { _ = try store.batches(in: .train, scenario: scenario, batchSize: 10)[0] } == failure)
    for threads in [0, 2] {
      let stream = try SampleStream(store, scenario: scenario, batchSize: 10, seed: 1, threads: threads)
      #expect(try self.failure { _ = try stream.next() } == failure)
    }
  }

  private func failure(_ body: () throws -> Void) throws -> Failure {
    try #require(throws: Failure.self) { try body() }
  }

  /// A store that is cut short while it is read ends in a failure and not in the process' end.
  @Test func aFileThatIsCutShortMeanwhile() throws {
    for limit in [0, 1 << 30] {
      let store = try PreparedCohort(folder: folder, checkingUpTo: limit)
      let path = "\(folder)/subjects/sub-02.slices"
      let before = try #require(FileManager.default.contents(atPath: path))
      #expect(truncate(path, 100) == 0)
      let stream = try SampleStream(store, scenario: scenario, batchSize: 4, seed: 1, threads: 2)
      let failure = try failure { for _ in 0..<20 { _ = try stream.next() } }
      #expect(failure.kind == .malformed && failure.message.contains("sub-02.slices"), "\(failure)")
      try before.write(to: URL(fileURLWithPath: path))
    }
  }

  /// A store of aginet 0.1.0 states no checksums, digests or notes; it is read as before.
  @Test func aStoreWithoutChecksums() throws {
    let expected = try whole.batches(in: .train, scenario: scenario, batchSize: 4).all()
    #expect(whole.hasChecksums)
    let path = "\(folder)/cohort.json"
    let text = try String(contentsOfFile: path, encoding: .utf8)
    let lines = text.split(separator: "\n").filter { line in
      !["\"slicesChecksum\"", "\"labelsChecksum\"", "\"content\""].contains { line.contains($0) }
    }
    // Keys are sorted, and none of these is the last of its object.
    try (lines.joined(separator: "\n") + "\n").replacingOccurrences(
      of: "\"notes\" : [\n\n  ],\n", with: ""
    ).write(toFile: path, atomically: true, encoding: .utf8)
    let store = try PreparedCohort(folder: folder)
    #expect(!store.hasChecksums && store.manifest.subjects[0].scans[0].content == nil)
    #expect(try store.batches(in: .train, scenario: scenario, batchSize: 4).all() == expected)
  }

  @Test func theChecksumIsThatOfTheFile() throws {
    for subject in whole.manifest.subjects {
      let bytes = try #require(
        FileManager.default.contents(atPath: "\(folder)/subjects/\(subject.id).slices"))
      let checksum = bytes.withUnsafeBytes { CRC32C.checksum($0) }
      #expect(subject.slicesChecksum == String(format: "%08x", checksum))
      #expect((subject.labelsChecksum != nil) == (subject.id == "sub-01"))
    }
  }

  @Test func aPipeOrAFolderInAFilesPlace() throws {
    let path = "\(folder)/subjects/sub-03.slices"
    try FileManager.default.removeItem(atPath: path)
    #expect(mkfifo(path, 0o600) == 0)
    #expect(try failure { _ = try PreparedCohort(folder: folder) }.kind == .malformed)
    try FileManager.default.removeItem(atPath: "\(folder)/cohort.json")
    #expect(mkfifo("\(folder)/cohort.json", 0o600) == 0)
    #expect(try failure { _ = try PreparedCohort(folder: folder) }.kind == .malformed)
  }
}

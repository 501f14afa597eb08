import Failures
import Foundation
import Imaging
import Testing

/// Contents that DataLad, git-annex or Git LFS did not fetch: what stands in their place is named, with the cure.
@Suite struct PointerFileTests {
  private static let key = "MD5E-s152998--c8d2672a467cd80deff39c4daddcd616.nii.gz"

  private func message(_ make: (String) throws -> Void, name: String = "scan.nii.gz") throws -> Failure {
    let folder = NSTemporaryDirectory() + "/aginet-pointer-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let path = "\(folder)/\(name)"
    try make(path)
    let failure = try #require(throws: Failure.self) { _ = try NIfTI.read(path: path) }
    #expect(failure.message.contains(path))
    let ofHeader = #expect(throws: Failure.self) { _ = try NIfTI.readHeader(path: path) }
    #expect(ofHeader == failure)
    return failure
  }

  @Test(arguments: [
    ("../../.git/annex/objects/x9/25/\(key)/\(key)", "datalad get"),
    ("../lost/scan.nii.gz", "lost/scan.nii.gz"),
  ])
  func linksThatLeadNowhere(target: String, says: String) throws {
    let failure = try message {
      try FileManager.default.createSymbolicLink(atPath: $0, withDestinationPath: target)
    }
    #expect(failure.kind == .notFound && failure.message.contains(says), "\(failure)")
  }

  @Test(arguments: [
    ("/annex/objects/\(key)\n", "datalad get", "scan.nii.gz"),
    ("/annex/objects/\(key)", "git annex get", "scan.nii"),
    ("../../.git/annex/objects/x9/25/\(key)/\(key)", "datalad get", "scan.nii.gz"),
    (
      "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 152998\n", "git lfs pull",
      "scan.nii.gz"
    ),
    ("version https://git-lfs.github.com/spec/v1\r\noid sha256:00\r\nsize 1\r\n", "git lfs pull", "scan.nii"),
  ])
  func pointerFiles(text: String, says: String, name: String) throws {
    let failure = try message({ try Data(text.utf8).write(to: URL(fileURLWithPath: $0)) }, name: name)
    #expect(failure.kind == .notFound && failure.message.contains(says), "\(failure)")
  }

  /// A path that a shell would take apart is quoted in the cure.
  @Test func theCureCanBePasted() throws {
    let failure = try message(
      { try Data("/annex/objects/\(Self.key)\n".utf8).write(to: URL(fileURLWithPath: $0)) },
      name: "a b's.nii.gz")
    #expect(failure.message.contains("a b'\\''s.nii.gz'"), "\(failure)")
  }

  @Test func anotherTextIsNoPointer() throws {
    let failure = try message { try Data("see /annex/objects/x\n".utf8).write(to: URL(fileURLWithPath: $0)) }
    #expect(failure.kind == .malformed && !failure.message.contains("datalad"))
  }
}

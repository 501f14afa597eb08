import Cohorts
import Failures
import Foundation
import Imaging
import Testing

/// Folders of label maps, as they are read and refused.
@Suite struct AnatomiesTests {
  @Test func orderOfAxesInFilesDoesNotMatter() throws {
    let scratch = try Scratch()
    try writeAnatomies("\(scratch.path)/lps")
    try writeAnatomies("\(scratch.path)/other", orientation: #require(Orientation("AIR")))
    let (first, second) = (
      try Anatomies(folder: "\(scratch.path)/lps"), try Anatomies(folder: "\(scratch.path)/other", threads: 1)
    )
    #expect(first.names == ["one", "two"])
    #expect(first.heads.map(\.isWhole) == [true, false])
    #expect(first.lesions.count == 2)
    #expect(first.digest == second.digest)
  }

  @Test func whatIsPackedIsReadToTheSameHeads() throws {
    let scratch = try Scratch()
    try writeAnatomies("\(scratch.path)/raw")
    let raw = try Anatomies(folder: "\(scratch.path)/raw")
    try raw.write(to: "\(scratch.path)/packed")
    let packed = try Anatomies(folder: "\(scratch.path)/packed")
    #expect(packed.digest == raw.digest)
    for stream in 0..<8 {
      var (a, b) = (
        RandomSource(seed: 3, stream: UInt64(stream)), RandomSource(seed: 3, stream: UInt64(stream))
      )
      let first = HeadSampler(raw).slab(&a, rows: 32, columns: 48, planes: 3, margin: 4)
      let second = HeadSampler(packed).slab(&b, rows: 32, columns: 48, planes: 3, margin: 4)
      #expect(first.classes == second.classes)
      #expect(first.mask == second.mask)
      #expect(first.volumes == second.volumes)
    }
    #expect(try failure { try raw.write(to: "\(scratch.path)/packed") }.kind == .cannotWrite)
  }

  @Test func digestTellsContentsApart() throws {
    let scratch = try Scratch()
    try writeScan(ballHead(), "\(scratch.path)/a/one/labels.nii.gz")
    var changed = ballHead()
    let middle = changed.voxels.count / 2 + 42
    changed.voxels[middle] = changed.voxels[middle] == 3 ? 2 : 3
    try writeScan(changed, "\(scratch.path)/b/one/labels.nii.gz")
    let digests = try ["a", "b"].map { try Anatomies(folder: "\(scratch.path)/\($0)").digest }
    #expect(digests[0] != digests[1])
  }

  @Test func tissueMapsAndTheirLesions() throws {
    let scratch = try Scratch()
    var head = ballHead(whole: false)
    head.voxels = head.voxels.map { code in
      switch code {
      case 4, 24: 1
      case 3, 8, 10, 11, 12: 2
      case 0: 0
      default: 3
      }
    }
    var lesions = head
    lesions.voxels = lesions.voxels.map { _ in 0 }
    for k in 48..<52 {
      for j in 40..<44 { for i in 54..<58 { lesions.voxels[i + 84 * (j + 84 * k)] = 1 } }
    }
    try writeScan(head, "\(scratch.path)/fast/labels.nii.gz")
    try writeScan(lesions, "\(scratch.path)/fast/lesions.nii.gz")
    let anatomies = try Anatomies(folder: scratch.path)
    // Without lesions drawn, its owner's are white matter; with them, they are plaques.
    func count(_ options: HeadOptions, _ tissue: TissueClass) -> Int {
      (0..<6).reduce(0) { sum, stream in
        var random = RandomSource(seed: 1, stream: UInt64(stream))
        let slab = HeadSampler(anatomies, options).slab(&random, rows: 128, columns: 128, planes: 41)
        return sum + slab.classes.count { $0 == tissue.rawValue }
      }
    }
    #expect(count(plainHeads(), .plaque) == 0)
    #expect(count(plainHeads { $0.whiteMatterLesions = 1 }, .plaque) > 0)
    #expect(count(plainHeads(), .ventricularFluid) > 0)

    // A header that counts from voxels' corners is half a voxel off; the voxels are the same.
    let digest = anatomies.digest
    for (shift, fits) in [(1.0, true), (2.0, false)] {
      lesions.affine = Affine([-2, 0, 0, 83 - shift], [0, -2, 0, 83 - shift], [0, 0, 2, -83 + shift])
      try writeScan(lesions, "\(scratch.path)/fast/lesions.nii.gz")
      if fits {
        #expect(try Anatomies(folder: scratch.path).digest == digest)
      } else {
        #expect(try failure { _ = try Anatomies(folder: scratch.path) }.kind == .inconsistent)
      }
    }

    try writeScan(lesionMask(), "\(scratch.path)/fast/lesions.nii.gz")
    #expect(try failure { _ = try Anatomies(folder: scratch.path) }.kind == .inconsistent)
  }

  @Test func refusesWhatIsNoAnatomy() throws {
    let scratch = try Scratch()
    func refusal(_ name: String, _ change: (inout Volume) -> Void) throws -> Failure {
      var head = ballHead()
      change(&head)
      try writeScan(head, "\(scratch.path)/\(name)/one/labels.nii.gz")
      return try failure { _ = try Anatomies(folder: "\(scratch.path)/\(name)") }
    }
    let missing = try failure { _ = try Anatomies(folder: "\(scratch.path)/none") }
    #expect(missing.kind == .notFound)

    let unknown = try refusal("unknown") { $0.voxels[0] = 999 }
    #expect(unknown.kind == .malformed && unknown.message.contains("unknown code 999"))

    let broken = try refusal("broken") { $0.voxels[0] = 0.5 }
    #expect(broken.kind == .malformed && broken.message.contains("no label map"))

    let foreign = try refusal("foreign") { $0.voxels = $0.voxels.map { $0 == 0 ? 0 : 7 } }
    #expect(foreign.kind == .malformed && foreign.message.contains("no convention"))

    let small = try refusal("small") { $0.affine = Affine(spacing: [0.5, 0.5, 0.5]) }
    #expect(small.kind == .malformed && small.message.contains("litres"))

    try FileManager.default.createDirectory(
      atPath: "\(scratch.path)/bare/one", withIntermediateDirectories: true)
    let bare = try failure { _ = try Anatomies(folder: "\(scratch.path)/bare") }
    #expect(bare.kind == .notFound && bare.message.contains("labels.nii.gz"))

    try FileManager.default.createDirectory(
      atPath: "\(scratch.path)/empty", withIntermediateDirectories: true)
    #expect(try failure { _ = try Anatomies(folder: "\(scratch.path)/empty") }.kind == .notFound)

    try writeAnatomies("\(scratch.path)/kinds")
    try writeScan(lesionMask(), "\(scratch.path)/kinds/lesions/warts/a.nii.gz")
    let kind = try failure { _ = try Anatomies(folder: "\(scratch.path)/kinds") }
    #expect(kind.kind == .malformed && kind.message.contains("ms and stroke"))
  }
}

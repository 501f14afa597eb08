import Failures
import Foundation
import Imaging
import Testing

/// A file that is not what it should be, the exit code's kind and words its message must hold.
struct Defect: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let kind: Failure.Kind
  let words: String
  let change: @Sendable (inout RawNIfTI) -> Void

  init(
    _ name: String, _ kind: Failure.Kind = .malformed, _ words: String,
    _ change: @escaping @Sendable (inout RawNIfTI) -> Void
  ) {
    (testDescription, self.kind, self.words, self.change) = (name, kind, words, change)
  }

  static let all: [Defect] = [
    Defect("four volumes", "holds 4 volumes (5x4x3x4)") { $0.sizes = [4, 5, 4, 3, 4, 1, 1, 1] },
    Defect("vectors", "holds 3 volumes") { $0.sizes = [5, 5, 4, 3, 1, 3, 1, 1] },
    Defect("no voxels", "is empty") { $0.sizes[2] = 0 },
    Defect("negative size", "is empty") { $0.sizes[1] = -5 },
    Defect("no dimensions", "0 dimensions") { $0.sizes[0] = 0 },
    Defect("eight dimensions", "8 dimensions") { $0.sizes[0] = 8 },
    Defect("colour", "RGB") { ($0.datatype, $0.bits) = (128, 24) },
    Defect("complex", "complex64") { ($0.datatype, $0.bits) = (32, 64) },
    Defect("float128", "float128") { ($0.datatype, $0.bits) = (1536, 128) },
    Defect("unknown type", "code 77") { $0.datatype = 77 },
    Defect("wrong bits", "contradicts") { $0.bits = 16 },
    Defect("infinite intercept", "scl_inter inf") { $0.intercept = .infinity },
    Defect("NaN in sform", "sform holds a value") { $0.srow[5] = .nan },
    Defect("flat sform", "places no volume") { $0.srow[10] = 0 },
    Defect("sheared flat", "places no volume") { $0.srow = [1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 1, 0] },
    Defect("no rotation", "not a rotation") {
      ($0.sformCode, $0.qformCode, $0.quaternion) = (0, 1, [1, 1, 0])
    },
    Defect("infinite voxel size", "not a finite number") {
      ($0.sformCode, $0.pixdim) = (0, [1, .infinity, 1, 1, 0, 0, 0, 0])
    },
    Defect("offset in header", "begin at byte 348") { $0.offset = 348 },
    Defect("fractional offset", "begin at byte 352.5") { $0.offset = 352.5 },
    Defect("NaN offset", "begin at byte nan") { $0.offset = .nan },
    Defect("late offset", "begin at byte 1000000000") { $0.offset = 1e9 },
    Defect("offset past end", "is truncated") { $0.offset = 800 },
    Defect("one byte short", "is truncated") { $0.data.removeLast() },
    Defect("one byte more", "1 bytes more") { $0.data.append(7) },
    Defect("zeros and then more", "more than its header says") {
      $0.data += [UInt8](repeating: 0, count: 2 << 20) + [7]
    },
    Defect("more zeros than padding", "more than its header says") {
      $0.data += [UInt8](repeating: 0, count: 2 << 20)
    },
    Defect("both forms flat", "sform places no volume") {
      ($0.srow[10], $0.qformCode, $0.pixdim) = (0, 1, [1, 1, 1e7, 1, 0, 0, 0, 0])
    },
    Defect("too large", .limit, "32767x32767x32767") { $0.sizes = [3, 32767, 32767, 32767, 1, 1, 1, 1] },
    Defect("overflowing", .limit, "limit") {
      ($0.version, $0.sizes) = (2, [3, Int.max, Int.max, Int.max, 1, 1, 1, 1])
    },
    Defect("overflowing volumes", "volumes") {
      ($0.version, $0.sizes) = (2, [7, 5, 4, 3, Int.max, Int.max, 2, 2])
    },
    Defect("pair", ".hdr/.img pair") { $0.magic = [0x6E, 0x69, 0x31, 0] },
    Defect("Analyze", "Analyze") { $0.magic = [0, 0, 0, 0] },
    Defect("damaged mark", "damaged NIfTI-2") {
      ($0.version, $0.magic) = (2, [0x6E, 0x2B, 0x32, 0, 10, 10, 26, 10])
    },
  ]
}

extension Defect {
  init(_ name: String, _ words: String, _ change: @escaping @Sendable (inout RawNIfTI) -> Void) {
    self.init(name, .malformed, words, change)
  }
}

@Test(arguments: Defect.all, [false, true])
func defectIsRefusedInOneLine(defect: Defect, compressed: Bool) {
  var raw = RawNIfTI(sformCode: 1)
  raw.store((0..<60).map { Double($0) })
  #expect(throws: Never.self) { try NIfTI.read(raw.bytes, name: "scan") }
  defect.change(&raw)
  let bytes = compressed ? gzip(raw.bytes) : raw.bytes
  let failure = #expect(throws: Failure.self) { try NIfTI.read(bytes, name: "scan.nii") }
  #expect(failure?.kind == defect.kind)
  #expect(failure?.message.hasPrefix("scan.nii: ") == true)
  let late = compressed && ["offset past end", "one byte short"].contains(defect.testDescription)
  #expect(
    failure?.message.contains(late ? "truncated" : defect.words) == true || late, "\(failure?.message ?? "")")
}

@Test func pathsThatAreNoVolume() throws {
  try withFolder { folder in
    var raw = RawNIfTI()
    raw.store((0..<60).map { Double($0) })
    func put(_ name: String, _ bytes: [UInt8]) throws -> String {
      try Data(bytes).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
      return "\(folder)/\(name)"
    }
    let cases: [(path: String, kind: Failure.Kind, words: String)] = [
      ("\(folder)/none.nii", .notFound, "no such file"),
      ("\(folder)/none/none.nii", .notFound, "no such file"),
      (folder, .notFound, "is a folder"),
      ("/dev/null", .notFound, "not a regular file"),
      (try put("empty.nii.gz", []), .malformed, "is empty"),
      (try put("text.nii", Array("patient: 7".utf8)), .malformed, "is not NIfTI"),
      (try put("long.nii", Array(repeating: 65, count: 5000)), .malformed, "is not NIfTI"),
      (try put("plain.nii.gz", raw.bytes), .malformed, "is not gzip"),
      (try put("packed.nii", gzip(raw.bytes)), .malformed, "rename it to .nii.gz"),
      (try put("rubbish.nii.gz", gzip(raw.bytes) + [1, 2, 3]), .malformed, "other than gzip"),
      (try put("late.nii.gz", gzip(raw.bytes) + [0, 0, 0, 1]), .malformed, "other than gzip"),
      (try put("half.nii.gz", gzip(raw.bytes) + gzip([0, 0]).dropLast(4)), .malformed, "end too early"),
      (try put("second.nii.gz", gzip(raw.bytes) + [0, 0] + gzip([5])), .malformed, "1 bytes more"),
      (try put("a.dcm", [UInt8](repeating: 0, count: 128) + "DICM".utf8), .malformed, "dcm2niix"),
      (try put("a.nrrd", Array("NRRD0004".utf8)), .malformed, "NRRD"),
      (try put("a.mha", Array("ObjectType = Image".utf8)), .malformed, "MetaImage"),
      (try put("a.mgz", gzip([0, 0, 0, 1] + Array(repeating: 0, count: 400))), .malformed, "mri_convert"),
      (try put("a.mnc", [0x89] + Array("HDF".utf8)), .malformed, "mnc2nii"),
      (try put("a.img", raw.data), .malformed, ".hdr/.img pair"),
      (
        try put("git.nii", Array("version https://git-lfs.github.com/spec/v1".utf8)), .notFound,
        "git lfs pull"
      ),
      (try put("head.nii.gz", gzip(Array(raw.bytes[..<200]))), .malformed, "is not NIfTI"),
    ]
    for (path, kind, words) in cases {
      let failure = #expect(throws: Failure.self, "\(path)") { try NIfTI.read(path: path) }
      #expect(failure?.kind == kind, "\(path)")
      #expect(failure?.message.contains(words) == true, "\(failure?.message ?? "")")
      #expect(failure?.message.hasPrefix(path) == true)
    }
  }
}

@Test func limitIsTheUsersOwn() {
  var raw = RawNIfTI()
  raw.store((0..<60).map { Double($0) })
  #expect(throws: Never.self) { try NIfTI.read(raw.bytes, name: "scan", limit: 60) }
  let failure = #expect(throws: Failure.self) { try NIfTI.read(raw.bytes, name: "scan", limit: 59) }
  #expect(failure?.kind == .limit)
}

@Test func outputMustBeAVolumesName() throws {
  try withFolder { folder in
    let failure = #expect(throws: Failure.self) { try NIfTI.write(ramp(), to: "\(folder)/volume.img") }
    #expect(failure?.kind == .cannotWrite)
    #expect(throws: Failure.self) { try NIfTI.write(ramp(), to: "\(folder)/none/volume.nii.gz") }
    try #expect(FileManager.default.contentsOfDirectory(atPath: folder) == [])
  }
}

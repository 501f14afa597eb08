import Cohorts
import Failures
import Files
import Foundation
import Imaging
import Testing

/// A folder that goes when the test ends.
final class Scratch {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.path + "/cohorts-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func write(_ text: String, to name: String) throws -> String {
    let file = "\(path)/\(name)"
    try Data(text.utf8).write(to: URL(fileURLWithPath: file))
    return file
  }
}

/// Axes as LPS (i to the left, j to posterior, k to superior), 1 mm.
let lps = Affine([-1, 0, 0, 5], [0, -1, 0, 6], [0, 0, 1, -3])

/// A head-like box of whole numbers 0 ... 100 with an empty margin and, at `empty`, empty slices; 2 % of the voxels
/// are 100, so that the 99.5th percentile is 100 exactly.
func scan(_ seed: UInt64, _ dimensions: SIMD3<Int> = [10, 12, 6], empty: [Int] = []) -> Volume {
  var random = RandomSource(seed: seed)
  var voxels: [Float] = []
  for k in 0..<dimensions.z {
    for j in 0..<dimensions.y {
      for i in 0..<dimensions.x {
        let value = random.uniform() < 0.1 ? 100 : 1 + (random.uniform() * 98).rounded()
        let isMargin = i == 0 || j == 0 || empty.contains(k)
        voxels.append(isMargin ? 0 : Float(value))
      }
    }
  }
  return Volume(dimensions: dimensions, affine: lps, voxels: voxels)
}

func writeScan(_ volume: Volume, _ path: String) throws {
  try FileManager.default.createDirectory(
    atPath: Path.folder(path), withIntermediateDirectories: true)
  try NIfTI.write(volume, to: path)
}

let bidsSuffix: [Modality: String] = [
  .t1: "T1w", .t2: "T2w", .pd: "PDw", .flair: "FLAIR", .t1gd: "ce-gadolinium_T1w",
]

/// Subjects `sub-01`, ... with these modalities, each scan of its own numbers.
func makeBIDS(
  _ root: String, subjects: Int, modalities: [Modality] = [.t1, .t2, .flair],
  _ dimensions: SIMD3<Int> = [10, 12, 6], empty: [Int] = [0]
) throws {
  for number in 1...subjects {
    for (index, modality) in modalities.enumerated() {
      let volume = scan(UInt64(100 * number + index), dimensions, empty: empty)
      try writeScan(volume, bidsPath(root, number, modality))
    }
  }
}

func bidsPath(_ root: String, _ number: Int, _ modality: Modality) -> String {
  let id = "sub-" + (number < 10 ? "0" : "") + "\(number)"
  return "\(root)/\(id)/anat/\(id)_\(bidsSuffix[modality] ?? "").nii.gz"
}

/// The split every small store below uses: 1 and 2 train, 3 validates, 4 tests.
func splitsFile(_ scratch: Scratch) throws -> Preparation.SplitChoice {
  .file(
    try scratch.write(
      #"{"train": ["sub-01", "sub-02"], "validation": ["sub-03"], "test": ["sub-04"]}"#, to: "splits.json"))
}

/// Four subjects of (T1, T2, FLAIR), 5 of 6 slices each, prepared.
func makeStore(_ scratch: Scratch, _ change: (inout Preparation) -> Void = { _ in }) throws -> PreparedCohort
{
  try makeBIDS("\(scratch.path)/raw", subjects: 4)
  var preparation = Preparation()
  preparation.splits = try splitsFile(scratch)
  change(&preparation)
  _ = try preparation.run(
    BIDSCohort(folder: "\(scratch.path)/raw"), layout: "bids", into: "\(scratch.path)/store", program: "test")
  return try PreparedCohort(folder: "\(scratch.path)/store")
}

/// The failure that `body` throws; its message must be one line.
func failure(_ body: () throws -> Void) throws -> Failure {
  let failure = try #require(throws: Failure.self) { try body() }
  #expect(!failure.message.contains("\n"))
  return failure
}

let scenario = Scenario(sources: [.t1, .t2], target: .flair)

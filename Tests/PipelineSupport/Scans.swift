import Cohorts
import Files
import Foundation
import Imaging

/// The size of the scans below: 28 columns, 30 rows and 6 slices of 1 x 1 x 3 mm, stored as 32 x 32.
public let scanSize: SIMD3<Int> = [28, 30, 6]

private let lps = Affine([-1, 0, 0, 14], [0, -1, 0, 15], [0, 0, 3, -9])

/// An ellipse of texture on black, its first slice empty. What `modality` shows of a subject is a power of one random
/// texture, so that a network has something to learn.
public func scan(_ modality: Modality, subject: Int, size: SIMD3<Int> = scanSize) -> Volume {
  var random = RandomSource(seed: UInt64(subject))
  let power = Double(1 + (Modality.allCases.firstIndex(of: modality) ?? 0))
  let centre = SIMD2(Double(size.x - 1) / 2, Double(size.y - 1) / 2)
  var voxels: [Float] = []
  for k in 0..<size.z {
    for j in 0..<size.y {
      for i in 0..<size.x {
        let texture = 0.2 + 0.6 * random.uniform()
        let place = (SIMD2(Double(i), Double(j)) - centre) / (centre - 1)
        let isInside = k > 0 && (place * place).sum() < 1
        voxels.append(isInside ? Float(400 * pow(texture, power)) : 0)
      }
    }
  }
  return Volume(dimensions: size, affine: lps, voxels: voxels)
}

/// One as large as a head, at 6 mm, its texture some 20 mm coarse, so that it can be registered.
public func headScan(_ modality: Modality, subject: Int) -> Volume {
  let fine = scan(modality, subject: subject, size: [28, 30, 24])
  let coarse = fine.resized(columns: 10, rows: 11, planes: 9).resampled(to: fine.grid)
  return Volume(
    dimensions: fine.dimensions, affine: Affine([-6, 0, 0, 84], [0, -6, 0, 90], [0, 0, 6, -70]),
    voxels: coarse.voxels)
}

private let suffixes: [Modality: String] = [
  .t1: "T1w", .t2: "T2w", .pd: "PDw", .flair: "FLAIR", .t1gd: "ce-gadolinium_T1w",
]

/// Where a subject's scan lies in a BIDS folder.
public func bidsPath(_ root: String, _ subject: Int, _ modality: Modality) -> String {
  "\(root)/sub-0\(subject)/anat/sub-0\(subject)_\(suffixes[modality] ?? "").nii.gz"
}

/// Writes subjects `sub-01`, ... as a BIDS folder.
public func makeBIDS(_ root: String, subjects: Int = 5, modalities: [Modality] = [.t1, .t2, .pd]) throws {
  for subject in 1...subjects {
    for modality in modalities {
      try writeScan(scan(modality, subject: subject), bidsPath(root, subject, modality))
    }
  }
}

/// Where a subject's label map lies in a BIDS folder.
public func labelPath(_ root: String, _ subject: Int) -> String {
  "\(root)/derivatives/tumour/sub-0\(subject)/anat/sub-0\(subject)_dseg.nii.gz"
}

/// Labels 2, 1 and 3 on the scan's grid, one within the other as BraTS' regions are, a little elsewhere in each subject. The
/// first slice has none.
public func labelMap(subject: Int, size: SIMD3<Int> = scanSize) -> Volume {
  let centre = SIMD2(Double(size.x) / 2 - 4 + Double(subject), Double(size.y) / 2 + 2)
  var voxels: [Float] = []
  for k in 0..<size.z {
    for j in 0..<size.y {
      for i in 0..<size.x {
        let place = SIMD2(Double(i), Double(j)) - centre
        let distance = (place * place).sum().squareRoot() + 0.5 * Double(k)
        voxels.append(k == 0 || distance > 8 ? 0 : distance > 6 ? 2 : distance > 4 ? 1 : 3)
      }
    }
  }
  return Volume(dimensions: size, affine: lps, voxels: voxels)
}

/// A scan in which the label map shows.
public func tumourScan(_ modality: Modality, subject: Int) -> Volume {
  var scan = scan(modality, subject: subject)
  // Dark where it enhances in T1, bright there in all others.
  let levels: [Float] = modality == .t1 ? [0, 180, 270, 36] : [0, 216, 126, 360]
  for (index, label) in labelMap(subject: subject).voxels.enumerated() where label > 0 {
    scan.voxels[index] = 0.1 * scan.voxels[index] + levels[Int(label)]
  }
  return scan
}

/// The same five subjects with tumours and their label maps.
public func makeTumours(_ root: String, modalities: [Modality] = [.t1, .t2, .pd]) throws {
  for subject in 1...5 {
    for modality in modalities {
      try writeScan(tumourScan(modality, subject: subject), bidsPath(root, subject, modality))
    }
    try writeScan(labelMap(subject: subject), labelPath(root, subject))
  }
}

/// Writes a file, and the folder that it lies in.
public func writeScan(_ volume: Volume, _ path: String) throws {
  try FileManager.default.createDirectory(atPath: Path.folder(path), withIntermediateDirectories: true)
  try NIfTI.write(volume, to: path)
}

/// 1, 2 and 3 train, 4 validates, 5 tests.
public let splits =
  #"{"train": ["sub-01", "sub-02", "sub-03"], "validation": ["sub-04"], "test": ["sub-05"]}"#

/// Five subjects, prepared: 25 slices of 32 x 32 that are not empty.
/// - Parameter tumours: whether they have tumours and label maps.
public func makeCohort(
  _ scratch: Scratch, tumours: Bool = false, _ change: (inout Preparation) -> Void = { _ in }
) throws -> PreparedCohort {
  if tumours { try makeTumours(scratch("raw")) } else { try makeBIDS(scratch("raw")) }
  return try prepared(scratch, change)
}

/// What lies in `raw`, prepared as `cohort`.
public func prepared(
  _ scratch: Scratch, _ change: (inout Preparation) -> Void = { _ in }
) throws -> PreparedCohort {
  var preparation = Preparation()
  preparation.splits = .file(try scratch.write(splits, to: "splits.json"))
  preparation.sliceRule = .all
  change(&preparation)
  _ = try preparation.run(
    BIDSCohort(folder: scratch("raw")), layout: "bids", into: scratch("cohort"), program: "test")
  return try PreparedCohort(folder: scratch("cohort"))
}

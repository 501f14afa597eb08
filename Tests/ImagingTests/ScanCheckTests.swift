import Failures
import Foundation
import Imaging
import ScanSupport
import Testing

private typealias Kind = ScanCheck.Finding.Kind

/// All that is said of a file.
private func findings(_ bytes: [UInt8], name: String = "t1.nii.gz") throws -> [ScanCheck.Finding] {
  let image = try NIfTI.read(bytes, name: "folder/" + name)
  return ScanCheck.findings(of: image.header, name: name)
    + (try ScanCheck(image.volume, path: "folder/" + name, name: name)).findings
}

// MARK: - Headers

/// A head in a NIfTI-1 file with some bytes of its header changed.
private func header(_ changes: [Int: [UInt8]], _ change: (inout NIfTIHeader) -> Void = { _ in }) throws
  -> [ScanCheck.Finding]
{
  var volume = Head().volume()
  volume.voxels = volume.voxels.map { $0.rounded() }
  var bytes = try NIfTI.encoded(volume, as: .int16, compressed: false)
  for (place, value) in changes { bytes.replaceSubrange(place..<place + value.count, with: value) }
  return try findings(bytes)
}

private func floats(_ values: Float...) -> [UInt8] {
  values.flatMap { withUnsafeBytes(of: $0.bitPattern.littleEndian) { Array($0) } }
}

@Test func aHeaderThatIsWellGivesNoFinding() throws { #expect(try header([:]).isEmpty) }

@Test func whatAHeaderHasAgainstItselfIsSaid() throws {
  let affine = Head().affine
  func rows(_ scale: Float) -> [UInt8] {
    affine.rows.flatMap { row in (0..<4).flatMap { floats(Float(row[$0]) * scale) } }
  }
  let cases: [(kind: ScanCheck.Finding.Kind, words: String, changes: [Int: [UInt8]])] = [
    (
      .computed, "not acquired",
      [148: Array("SYNTHETIC FLAIR, not acquired; research only; aginet 0.2.0".utf8)]
    ),
    (.unplaced, "left and right are a guess", [252: [0, 0, 0, 0]]),
    (.placements, "origin 5.0 mm apart), the sform is used", [268: floats(100)]),
    (.placements, "disagree", [256: floats(0, 0, 0)]),
    (.sform, "the qform is used", [280: floats(0, 0, 0)]),
    (.sform, "the qform is used", [296: floats(.nan)]),
    (.qform, "not a rotation", [256: floats(3, 3, 3)]),
    (.units, "taken as mm", [123: [1]]),
    (.units, "taken as mm", [123: [3]]),
    (
      .units, "in metres; its voxels are taken as 4.80x4.50x5.20 mm",
      [123: [1], 252: [0, 0], 280: rows(1e-3), 80: floats(0.0048, 0.0045, 0.0052)]
    ),
    (
      .voxelSize, "0.0048x0.0045x0.0052 mm",
      [252: [0, 0], 280: rows(1e-3), 80: floats(0.0048, 0.0045, 0.0052)]
    ),
    (.voxelSize, "48.00x45.00x52.00 mm", [252: [0, 0], 280: rows(10), 80: floats(48, 45, 52)]),
    (.fieldOfView, "19 x 22 x 16 mm", [252: [0, 0], 280: rows(0.1), 80: floats(0.48, 0.45, 0.52)]),
    (.spacings, "by pixdim", [252: [0, 0], 80: floats(1, 1, 1)]),
    (.scaling, "dark and bright are exchanged", [112: floats(-1, 1000)]),
    (.scaling, "does not count", [112: floats(0, 5)]),
    (.scaling, "taken as they are stored", [112: floats(.nan)]),
    (.scaling, "taken as they are stored", [112: floats(.infinity)]),
  ]
  for (kind, words, changes) in cases {
    let words = words.replacingOccurrences(of: "),", with: ");")
    let found = try header(changes).filter { $0.kind == kind || kind != .scaling }
    #expect(found.map(\.kind) == [kind], "\(words): \(found.map(\.text))")
    #expect(found.first?.text.contains(words) == true, "\(found.map(\.text))")
    #expect(found.first?.text.hasPrefix("t1.nii.gz: ") == true)
  }
}

/// Codes that differ mean two spaces of which both may hold; what is said is that they are two.
@Test func formsThatAgreeButForRoundingAreNotToldApart() throws {
  var random = RandomSource(seed: 30)
  for _ in 0..<Soak.count(300, soak: 20_000) {
    var q = SIMD4(pow(10, random.uniform(-6, 0)), random.normal(), random.normal(), random.normal())
    q /= (q * q).sum().squareRoot()
    let grid = Grid(
      dimensions: [5, 4, 3],
      affine: Affine(
        Quaternion(b: q[1], c: q[2], d: q[3], handedness: 1), spacing: [40, 45, 50], origin: [-100, 3, 7]))
    var raw = RawNIfTI()
    raw.place(grid.affine, sform: 1, qform: 1)
    raw.store((0..<60).map { Double($0) })
    let header = try NIfTI.read(raw.bytes, name: "both").header
    #expect(!ScanCheck.findings(of: header, name: "both").contains { $0.kind == .placements })
  }
}

@Test func unitsAreBelievedWhereTheyMakeAHead() throws {
  var raw = RawNIfTI(sformCode: 1)
  raw.store((0..<60).map { Double($0) })
  for (code, factor, expected) in [
    (1, 1e-3, 1.0), (3, 1e3, 1.0), (1, 1.0, 1.0), (3, 1.0, 1.0), (0, 1.0, 1.0),
  ] {
    raw.units = code
    raw.srow = [1, 0, 0, 0, 0, 2, 0, 0, 0, 0, 3, 0].map { $0 * factor }
    let spacing = try NIfTI.read(raw.bytes, name: "u").volume.affine.spacing
    #expect(abs(spacing.x - expected) < 1e-6 && abs(spacing.z - 3 * expected) < 1e-6, "\(code) \(factor)")
  }
}

// MARK: - Voxels

private func intensities(_ head: Head = Head(), _ change: (inout Volume) -> Void) throws
  -> [ScanCheck.Finding]
{
  var volume = head.volume()
  change(&volume)
  return try ScanCheck(volume, path: "folder/t1.nii.gz", name: "t1.nii.gz").findings
}

extension Volume {
  fileprivate mutating func map(_ body: (Float) -> Float) { voxels = voxels.map(body) }
}

@Test func whatVoxelsHaveAgainstThemselvesIsSaid() throws {
  var random = RandomSource(seed: 31)
  let bare = Head(hasSkull: false)
  let cases: [(kind: ScanCheck.Finding.Kind, words: String, found: [ScanCheck.Finding])] = [
    (.negative, "of its voxels lie below 0", try intensities(Head(noise: 0)) { $0.map { $0 - 70 } }),
    (.negative, "a background of -1024", try intensities(bare) { $0.map { $0 == 0 ? -1024 : $0 } }),
    (.background, "about 1000", try intensities(bare) { $0.map { $0 + 1000 } }),
    (.saturated, "largest value, 300", try intensities { $0.map { min($0, 300) } }),
    (.fewValues, "2 different values", try intensities(bare) { $0.map { $0 > 0 ? 1 : 0 } }),
    (.fewValues, "2 different values", try intensities(bare) { $0.map { $0 > 0 ? 417.5 : 0 } }),
    (.fewValues, "different values", try intensities { $0.map { ($0 / 200).rounded() } }),
    (
      .noisyAir, "of an MP2RAGE",
      try intensities(bare) { $0.map { $0 == 0 ? Float(random.uniform(0, 400)) : $0 } }
    ),
  ]
  for (kind, words, found) in cases {
    #expect(found.map(\.kind) == [kind], "\(words): \(found.map(\.text))")
    #expect(found.first?.text.contains(words) == true, "\(found.map(\.text))")
  }
  // A box of tissue, dark and bright, has no air in its corners.
  var box = bare.volume()
  for index in box.voxels.indices {
    let (i, j, k) = (index % 40, index / 40 % 48, index / (40 * 48))
    box.voxels[index] = ((i / 5 + j / 5 + k / 5) % 2 == 0 ? 100 : 300) + Float(random.uniform(0, 20))
  }
  #expect(try !ScanCheck(box, path: "a", name: "a").findings.contains { $0.kind == .noisyAir })
  // A parcellation of forty regions, numbered as an atlas numbers them.
  var map = bare.volume()
  let numbers = (0..<40).map { _ in Float(random.integer(below: 2000) + 1) }
  for index in map.voxels.indices where map.voxels[index] > 0 {
    let (i, j, k) = (index % 40, index / 40 % 48, index / (40 * 48))
    map.voxels[index] = numbers[(i / 12 + 4 * (j / 12) + 16 * (k / 12)) % 40]
  }
  #expect(try ScanCheck(map, path: "a", name: "a").findings.map(\.kind) == [.labels])
  // Of small regions three in four neighbours are equal.
  for index in map.voxels.indices where map.voxels[index] > 0 {
    let (i, j, k) = (index % 40, index / 40 % 48, index / (40 * 48))
    map.voxels[index] = numbers[(i / 4 + 10 * (j / 4) + 120 * (k / 4)) % 40]
  }
  #expect(try ScanCheck(map, path: "a", name: "a").findings.map(\.kind) == [.labels])
}

@Test func aHeadOfWhichHalfLiesBelowNoughtIsRefused() throws {
  let cases: [(String, (Volume) -> Volume)] = [
    ("z-scores of the head", { standardised($0) { $0 > 40 } }),
    ("z-scores of the volume", { standardised($0) { _ in true } }),
    (
      "-1 to 1",
      { volume in
        var volume = volume
        volume.voxels = volume.voxels.map { min($0 / 800, 1) * 2 - 1 }
        return volume
      }
    ),
    (
      "all below",
      { volume in
        var volume = volume
        volume.voxels = volume.voxels.map { -$0 - 1 }
        return volume
      }
    ),
  ]
  for (name, change) in cases {
    for head in [Head(), Head(hasSkull: false)] {
      // Skull-stripped and standardised as a whole, the head lies above the background: that is no refusal.
      if !head.hasSkull && name.hasSuffix("volume") { continue }
      let failure = #expect(throws: Failure.self, "\(name)") {
        try ScanCheck(change(head.volume()), path: "folder/t1.nii.gz", name: "t1.nii.gz")
      }
      #expect(failure?.kind == .malformed)
      #expect(failure?.message.contains("folder/t1.nii.gz: ") == true)
      #expect(failure?.message.contains("below 0") == true, "\(failure?.message ?? "")")
    }
  }
}

/// Mean 0 and deviation 1 over what `counts`; the rest becomes 0.
private func standardised(_ volume: Volume, _ counts: (Float) -> Bool) -> Volume {
  var volume = volume
  let values = volume.voxels.filter(counts).map(Double.init)
  let mean = values.reduce(0, +) / Double(values.count)
  let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
  volume.voxels = volume.voxels.map { counts($0) ? Float((Double($0) - mean) / variance.squareRoot()) : 0 }
  return volume
}

// MARK: - Two scans

@Test func oneScanUnderTwoNamesIsSaid() throws {
  let t1 = try ScanCheck(Head().volume(), path: "t1", name: "t1")
  let copy = try ScanCheck(Head().volume(), path: "t2", name: "t2")
  #expect(t1.findings(with: copy).map(\.text) == ["t2: is the same scan as t1, voxel by voxel"])
  var scaled = Head().volume()
  scaled.voxels = scaled.voxels.map { ($0 * 3.5).rounded() }
  let rescaled = try ScanCheck(scaled, path: "t2", name: "t2")
  #expect(t1.findings(with: rescaled, sharesGrid: false).map(\.kind) == [.sameScan])
  let t2 = try ScanCheck(Head().volume(1), path: "t2", name: "t2")
  #expect(t1.findings(with: t2).isEmpty)
}

@Test func scansThatDoNotLieOnOneAnotherAreSaid() throws {
  // Small heads at two ends of the field of view.
  func moved(_ contrast: Int, by rows: Int) -> Volume {
    let inner = Head(size: [20, 24, 15], hasSkull: false).volume(contrast)
    var volume = Volume(
      dimensions: [40, 48, 30], affine: Head().affine, voxels: .init(repeating: 0, count: 57600))
    for k in 0..<15 {
      for j in 0..<24 {
        for i in 0..<20 {
          volume.voxels[10 + i + 40 * (j + rows + 48 * (k + 7))] = inner.voxels[i + 20 * (j + 24 * k)]
        }
      }
    }
    return volume
  }
  let first = try ScanCheck(moved(0, by: 0), path: "t1", name: "t1")
  let second = try ScanCheck(moved(1, by: 24), path: "t2", name: "t2")
  #expect(first.findings(with: second).map(\.kind) == [.apart])
  #expect(first.findings(with: second, sharesGrid: false).isEmpty)
  #expect(try first.findings(with: ScanCheck(moved(1, by: 3), path: "t2", name: "t2")).isEmpty)
}

/// Of a head: what contrast medium reaches, every twentieth voxel and those beside it.
private func enhanced(_ volume: Volume) -> Volume {
  var volume = volume
  let sides = volume.dimensions
  for index in volume.voxels.indices {
    let (i, j, k) = (index % sides.x, index / sides.x % sides.y, index / (sides.x * sides.y))
    if (i / 2 + j / 2 * 7 + k * 3) % 20 == 0 { volume.voxels[index] *= 2 }
  }
  return volume
}

@Test func whatContrastMediumBrightensTellsWhichScanIsTheLater() throws {
  func check(_ volume: Volume, _ name: String) throws -> ScanCheck {
    try ScanCheck(volume, path: name, name: name)
  }
  var head = Head()
  head.noise = 0.03
  let before = head.volume()
  // Noise of its own, on a scale of its own.
  var random = RandomSource(seed: 5)
  var after = enhanced(before)
  after.voxels = after.voxels.map { $0 * Float(0.3 * random.uniform(0.85, 1.15)) }
  #expect(try check(after, "t1gd").exchanged(with: check(before, "t1")) == nil)
  let found = try #require(try check(before, "t1gd").exchanged(with: check(after, "t1")))
  #expect(found.kind == .exchanged && found.name == "t1gd")
  #expect(
    found.text.hasPrefix("t1gd: looks as before contrast medium and t1 as after it")
      && found.text.hasSuffix("see whether they are exchanged"))

  // Neither has seen any: apart by two voxels, one brighter on one side, one that was not acquired everywhere.
  let sides = before.dimensions
  var (moved, uneven, partial) = (before, before, before)
  for index in before.voxels.indices {
    let (i, k) = (index % sides.x, index / (sides.x * sides.y))
    moved.voxels[index] = i + 2 < sides.x ? before.voxels[index + 2] : 0
    uneven.voxels[index] *= 0.75 + 0.5 * Float(i) / Float(sides.x)
    if k > sides.z * 3 / 4 { partial.voxels[index] = 0 }
  }
  for other in [moved, uneven, partial] {
    #expect(try check(other, "t1gd").exchanged(with: check(before, "t1")) == nil)
    #expect(try check(before, "t1gd").exchanged(with: check(other, "t1")) == nil)
  }
  let small = Volume(dimensions: [2, 2, 2], affine: before.affine, voxels: (1...8).map { Float($0) })
  #expect(try check(small, "t1gd").exchanged(with: check(before, "t1")) == nil)
}

@Test func manyFindingsOfAKindAreOneLine() throws {
  var found: [ScanCheck.Finding] = []
  for number in 1...9 {
    var bytes = try NIfTI.encoded(Head().volume(), as: .int16, compressed: false)
    bytes.replaceSubrange(252..<256, with: [0, 0, 0, 0])
    found += try findings(bytes, name: "sub-\(number) T1.nii")
  }
  let lines = ScanCheck.lines(found)
  #expect(lines.count == 1)
  #expect(lines[0].hasPrefix("sub-1 T1.nii: says nothing"))
  #expect(
    lines[0].hasSuffix(
      "likewise 8 others: sub-2 T1.nii, sub-3 T1.nii, sub-4 T1.nii, sub-5 T1.nii and 4 more"), "\(lines)")
  #expect(ScanCheck.lines(Array(found[..<3])) == found[..<3].map(\.text))
}

// MARK: - No false alarm

/// Two contrasts of a person, in a file each, of every kind that is well.
@Test(arguments: 0..<4) func cleanScansGiveNoFinding(part: Int) throws {
  var random = RandomSource(seed: 32, stream: UInt64(part))
  let types: [Datatype] = [.uint8, .int16, .uint16, .float32, .float64, .int32]
  let sizes: [SIMD3<Int>] = [[40, 48, 30], [64, 64, 20], [32, 40, 44], [48, 56, 18], [36, 36, 36]]
  let count = Soak.count(50, soak: 1000)
  defer { Soak.report("\(count) clean people of two scans each (part \(part)): looked at for false alarms") }
  for round in 0..<count {
    let type = types[random.integer(below: types.count)]
    let isFloat = !type.isInteger
    var head = Head()
    head.seed = UInt64(1000 * part + round)
    head.size = sizes[random.integer(below: sizes.count)]
    head.hasSkull = random.uniform() < 0.5
    head.scale = type == .uint8 ? random.uniform(60, 240) : isFloat ? pow(10, random.uniform(-1, 4)) : 1500
    head.noise = random.uniform(0, 0.05)
    head.ringing = type != .uint8 && type != .uint16 && random.uniform() < 0.4 ? 0.05 : 0
    let orientation = Orientation.all[random.integer(below: 48)]
    let tilt = random.uniform() < 0.5 ? 0 : random.uniform(0, 0.4)
    var checks: [ScanCheck] = []
    for contrast in 0..<2 {
      var volume = head.volume(contrast)
      if !isFloat || random.uniform() < 0.3 && head.scale > 50 {
        volume.voxels = volume.voxels.map { min($0.rounded(), type == .uint8 ? 255 : 30000) }
      }
      volume.affine =
        Affine([1, 0, 0, 0], [0, cos(tilt), -sin(tilt), 0], [0, sin(tilt), cos(tilt), 0]) * volume.affine
      volume = volume.reoriented(to: orientation)
      var bytes = try NIfTI.encoded(volume, as: type, compressed: false)
      let codes: [UInt8] = [[1, 0, 1, 0], [0, 0, 1, 0], [1, 0, 0, 0], [1, 0, 4, 0]][round % 4]
      bytes.replaceSubrange(252..<256, with: codes)
      let image = try NIfTI.read(round % 2 == 0 ? gzip(bytes, level: 1) : bytes, name: "clean")
      let check = try ScanCheck(image.volume, path: "clean", name: "clean")
      let found = ScanCheck.findings(of: image.header, name: "clean") + check.findings
      #expect(found.isEmpty, "\(head) \(type) \(found.map(\.text))")
      checks.append(check)
    }
    #expect(checks[0].findings(with: checks[1]).isEmpty, "\(head) \(type)")
  }
}

/// A name proves nothing; where it says something else than the flag, a person should look.
@Test(arguments: [
  ("sub-01_T1w.nii.gz", Modality.t1, nil as String?), ("sub-01_FLAIR.nii.gz", .t1, "FLAIR"),
  ("sub-01_ce-gadolinium_T1w.nii", .t1gd, nil), ("sub-01_ce-gadolinium_T1w.nii", .t2, "T1Gd"),
  ("sub-01_acq-post_T1w.nii.gz", .t1gd, nil), ("IXI002-Guys-0828-PD.nii.gz", .t2, "PD"),
  ("BraTS-GLI-00001-000-t2f.nii.gz", .t2, "FLAIR"), ("BraTS-GLI-00001-000-t2w.nii.gz", .t2, nil),
  ("a.nii.gz", .t1, nil), ("flair.nii.gz", .t1, nil), ("scan_7.nii", .pd, nil),
]) func namesAreHeldAgainstWhatScansAreGivenAs(_ name: String, _ given: Modality, _ told: String?) throws {
  let found = ScanCheck.findings(ofNames: [(given, "/data/x_t2/\(name)")])
  #expect(
    found.map(\.text)
      == (told.map { ["\(name): is given as \(given.title), and its name says \($0)"] } ?? []))
}

@Test func namesOfTwoPeopleAreHeldAgainstEachOther() throws {
  func text(_ first: String, _ second: String) -> [String] {
    ScanCheck.findings(ofNames: [(.t1, "a/\(first)_T1w.nii"), (.t2, "b/\(second)_T2w.nii")]).map(\.text)
  }
  #expect(text("sub-01", "sub-01").isEmpty && text("patient", "sub-02").isEmpty)
  #expect(
    text("sub-01", "sub-02") == [
      "sub-02_T2w.nii: is of sub-02 by its name, and sub-01_T1w.nii of sub-01; are they one person's?"
    ])
}

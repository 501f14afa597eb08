import Failures
import Imaging
import Testing

@Test(arguments: Datatype.allCases, [false, true])
func everyTypeIsReadInBothByteOrders(type: Datatype, bigEndian: Bool) throws {
  let signed = ![Datatype.uint8, .uint16, .uint32, .uint64].contains(type)
  var values = (0..<60).map { Double($0) * (signed && $0 % 2 == 1 ? -1 : 1) }
  if type.size > 1 { values[7] = signed ? -31000 : 62000 }
  for (slope, intercept) in [(1.0, 0.0), (0, 7), (0.25, -2), (-3, 0.5)] {
    var raw = RawNIfTI(bigEndian: bigEndian)
    raw.use(type)
    raw.store(values)
    (raw.slope, raw.intercept) = (slope, intercept)
    let expected = values.map { Float(slope == 0 ? $0 : $0 * slope + intercept) }
    #expect(try NIfTI.read(raw.bytes, name: "input").volume.voxels == expected)
    #expect(try NIfTI.read(gzip(raw.bytes), name: "input").volume.voxels == expected)
  }
}

@Test(arguments: [Datatype.uint8, .int8, .uint16, .int16, .uint32, .int32, .uint64, .int64])
func integerTypesHoldFractionsWithASlope(type: Datatype) throws {
  var random = RandomSource(seed: 3)
  var volume = ramp([16, 16, 16])
  for index in volume.voxels.indices { volume.voxels[index] = Float(random.uniform(-2, 5)) }
  let back = try NIfTI.read(NIfTI.encoded(volume, as: type, compressed: false), name: "output").volume
  let step: Float = 7 / (type.size == 1 ? 255 : 65535)
  for (a, b) in zip(volume.voxels, back.voxels) { #expect(abs(a - b) < step * 0.52) }
}

@Test func integerTypesRefuseNaN() {
  var volume = ramp()
  volume.voxels[3] = .nan
  let failure = #expect(throws: Failure.self) { try NIfTI.encoded(volume, as: .int16, compressed: false) }
  #expect(failure?.kind == .numerical)
  #expect(throws: Never.self) { try NIfTI.encoded(volume, as: .float32, compressed: false) }
}

@Test func compressedBytesDoNotDependOnThreads() throws {
  var random = RandomSource(seed: 5)
  var volume = ramp([128, 128, 40])
  for index in volume.voxels.indices { volume.voxels[index] = Float(random.integer(below: 900)) }
  let one = try NIfTI.encoded(volume, as: .int16, compressed: true, threads: 1)
  #expect(try NIfTI.encoded(volume, as: .int16, compressed: true, threads: 3) == one)
  #expect(try NIfTI.read(one, name: "output").volume.voxels == volume.voxels)
}

@Test func severalGzipMembersAreOneFile() throws {
  var raw = RawNIfTI()
  raw.store((0..<60).map { Double($0) })
  let bytes = raw.bytes
  let parts = [bytes[..<100], bytes[100..<400], [], bytes[400...]]
  let image = try NIfTI.read(parts.flatMap { gzip(Array($0)) }, name: "input")
  #expect(image.volume.voxels == (0..<60).map { Float($0) })
}

@Test func checkCountsWhatNoNetworkShouldSee() throws {
  var volume = ramp()
  #expect(throws: Never.self) { try volume.check(name: "a.nii") }
  volume.voxels[0] = .nan
  volume.voxels[9] = .nan
  volume.voxels[1] = -.infinity
  let failure = #expect(throws: Failure.self) { try volume.checked(name: "a.nii") }
  #expect(failure?.kind == .malformed)
  #expect(failure?.message.contains("a.nii: 2 NaN and 1 infinite of 60 voxels") == true)
  volume.voxels = volume.voxels.map { _ in 4 }
  #expect(throws: Failure(.malformed, "b.nii: is constant: all 60 voxels are 4.0")) {
    try volume.check(name: "b.nii")
  }
}

/// What archives and other programs leave in good files.
@Test func oddButSoundFilesAreRead() throws {
  var plain = RawNIfTI(sformCode: 1)
  plain.store((0..<60).map { Double($0) })
  let expected = try NIfTI.read(plain.bytes, name: "plain").volume
  let zeros = [UInt8](repeating: 0, count: 10240)
  func changed(_ change: (inout RawNIfTI) -> Void) -> [UInt8] {
    var raw = plain
    change(&raw)
    return raw.bytes
  }
  let halves = gzip(Array(plain.bytes[..<400])) + zeros[..<512] + gzip(Array(plain.bytes[400...]))
  let files: [(name: String, bytes: [UInt8])] = [
    ("zeros after the member", gzip(plain.bytes) + zeros),
    ("one zero after the member", gzip(plain.bytes) + [0]),
    ("zeros between members", halves + zeros),
    ("an empty member at the end", gzip(plain.bytes) + gzip([]) + zeros + gzip([])),
    ("zeros after the voxels", plain.bytes + zeros),
    ("zeros after the voxels, compressed", gzip(plain.bytes + zeros)),
    ("zeros in a second member", gzip(plain.bytes) + gzip(zeros)),
    (
      "a late offset with rubbish before",
      changed { $0.extensions = [0, 0, 0, 0] + (0..<1204).map { UInt8($0 % 251) } }
    ),
    ("no offset", changed { $0.offset = 0 }),
    ("no bits per voxel", changed { $0.bits = 0 }),
    ("slope of NaN", changed { $0.slope = .nan }),
    ("slope and intercept of NaN", changed { ($0.slope, $0.intercept) = (.nan, .nan) }),
    ("infinite slope", changed { $0.slope = .infinity }),
    ("further axes of nought", changed { $0.sizes = [5, 5, 4, 3, 0, 0, 0, 0] }),
    ("four axes of which one is nought", changed { $0.sizes = [4, 5, 4, 3, 0, 1, 1, 1] }),
    ("seven axes of one", changed { $0.sizes = [7, 5, 4, 3, 1, 1, 1, 1] }),
    ("rubbish beyond the axes", changed { $0.sizes = [3, 5, 4, 3, -7, 300, 0, 9] }),
    ("no units", changed { $0.units = 0 }),
    ("unknown units", changed { $0.units = 7 }),
    ("units of time", changed { $0.units = 2 | 16 }),
    ("no handedness", changed { $0.pixdim[0] = 0 }),
    (
      "flat sform, good qform",
      changed { ($0.qformCode, $0.srow) = (1, [1, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0]) }
    ),
    ("sform of NaN, good qform", changed { ($0.qformCode, $0.srow[3]) = (1, .nan) }),
    ("sform alone, a qform of NaN", changed { $0.quaternion = [.nan, 0, 0] }),
    ("unknown codes", changed { ($0.qformCode, $0.sformCode) = (-1, 9) }),
    (
      "a quaternion longer than 1",
      changed { ($0.sformCode, $0.qformCode, $0.quaternion) = (0, 1, [0, 0, 1.0001]) }
    ),
  ]
  for (name, bytes) in files {
    for bytes in [bytes, bytes[0] == 0x1F ? bytes : gzip(bytes)] {
      do {
        let volume = try NIfTI.read(bytes, name: name).volume
        #expect(volume.voxels == expected.voxels && volume.dimensions == expected.dimensions, "\(name)")
        if name.contains("longer") {
          #expect(volume.affine == Affine([-1, 0, 0, 0], [0, -2, 0, 0], [0, 0, 3, 0]))
        } else {
          #expect(volume.affine == expected.affine, "\(name)")
        }
      } catch {
        Issue.record("\(name): \(error)")
      }
    }
  }
}

@Test func capitalsInNamesAreRead() throws {
  try withFolder { folder in
    for name in ["A.NII.GZ", "A.NII", "a.Nii.gz"] {
      try NIfTI.write(ramp(), to: "\(folder)/\(name)")
      #expect(try NIfTI.read(path: "\(folder)/\(name)").volume.voxels == ramp().voxels)
    }
  }
}

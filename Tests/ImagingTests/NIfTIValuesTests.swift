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

import Failures
import Imaging
import ScanSupport
import Testing

private func small(_ type: Datatype = .int16) -> RawNIfTI {
  var raw = RawNIfTI(sformCode: 1)
  raw.use(type)
  raw.store((0..<60).map { Double($0 * 37 % 101) })
  return raw
}

@Test func everyCutIsRefused() throws {
  let plain = small().bytes
  for bytes in [plain, gzip(plain), gzip(plain, level: 0)] {
    for count in 0..<bytes.count {
      #expect(throws: Failure.self) { try NIfTI.read(Array(bytes[..<count]), name: "cut") }
    }
    #expect(throws: Never.self) { try NIfTI.read(bytes, name: "whole") }
  }
}

@Test func everyFlippedBitOfGzipIsRefusedOrHarmless() throws {
  let raw = small()
  let expected = try NIfTI.read(raw.bytes, name: "plain")
  let bytes = gzip(raw.bytes)
  var harmless = 0
  for place in bytes.indices {
    for bit in 0..<8 {
      var damaged = bytes
      damaged[place] ^= 1 << UInt8(bit)
      guard let image = try? NIfTI.read(damaged, name: "damaged") else { continue }
      // Time stamp, effort and system are not data; and a copy may be taken from another place that is alike.
      harmless += 1
      #expect(image.volume.voxels == expected.volume.voxels && image.header == expected.header)
    }
  }
  // Six bytes of the gzip header and a few copies.
  #expect(harmless < 64)
}

@Test(arguments: 0..<4)
func mutatedFilesNeverCrash(part: Int) throws {
  var random = RandomSource(seed: 6, stream: UInt64(part))
  var accepted = 0
  let count = Soak.count(5000, soak: 250_000)
  var slowest = Duration.zero
  for round in 0..<count {
    var raw = small(Datatype.allCases[round % 10])
    raw.version = 1 + round % 2
    raw.bigEndian = round / 2 % 2 == 0
    raw.qformCode = round / 4 % 2
    raw.sformCode = round / 8 % 2
    raw.store((0..<60).map { Double($0) })
    var bytes = raw.bytes
    let interesting: [UInt8] = [0, 1, 0x7F, 0x80, 0xFF, 0x5C, 0x1F]
    for _ in 0...random.integer(below: 4) {
      // Header fields matter more than voxels; half the changes hit dimensions, type, offset or placement.
      let place = random.integer(below: random.uniform() < 0.9 ? min(bytes.count, 352) : bytes.count)
      switch random.integer(below: 4) {
      case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
      case 1: bytes[place] ^= 1 << UInt8(random.integer(below: 8))
      case 2: bytes[place] = interesting[random.integer(below: interesting.count)]
      default:
        for index in place..<min(place + 8, bytes.count) {
          bytes[index] = UInt8(truncatingIfNeeded: random.next())
        }
      }
    }
    if random.integer(below: 8) == 0 { bytes.removeLast(random.integer(below: bytes.count)) }
    if round % 3 == 0 {
      bytes = gzip(bytes, level: 1)
      if random.integer(below: 2) == 0 { bytes[random.integer(below: bytes.count)] ^= 4 }
    }
    let began = ContinuousClock.now
    let read = try? NIfTI.read(bytes, name: "mutated", limit: 1 << 20)
    slowest = max(slowest, ContinuousClock.now - began)
    guard let image = read else { continue }
    accepted += 1
    #expect(image.volume.affine.isInvertible)
    #expect(image.volume.voxels.count == image.volume.grid.voxelCount)
    if bytes[0] != 0x1F {
      // Nothing may follow but padding.
      let end = image.header.voxelOffset + image.volume.voxels.count * image.header.datatype.size
      #expect(bytes.count >= end && bytes[end...].allSatisfy { $0 == 0 })
    }
    // What was read can be written and read again, on the same grid.
    let again = try NIfTI.read(
      NIfTI.encoded(image.volume, like: image.header, compressed: false), name: "again")
    #expect(again.volume.affine == image.volume.affine)
    _ = ScanCheck.findings(of: image.header, name: "mutated")
    _ = try? ScanCheck(image.volume, path: "mutated", name: "mutated")
  }
  // Neither all nor none: otherwise the mutations would prove nothing.
  #expect(accepted > count / 20 && accepted < count * 19 / 20)
  Soak.report(
    "\(count) mutated NIfTI files (part \(part)): \(accepted) accepted, the slowest read in \(slowest)")
}

@Test func bombsAreRefusedBeforeTheyGrow() throws {
  let zeros = gzip([UInt8](repeating: 0, count: 1 << 24), level: 9)
  for index in 0..<50 {
    var raw = small(.uint8)
    let side = [2000, 4000, 10000, 32767, 900][index % 5]
    switch index / 10 {
    case 0: raw.sizes = [3, side, side, side, 1, 1, 1, 1]
    case 1: (raw.version, raw.sizes) = (2, [3, side << 20, side << 20, side << 10, 1, 1, 1, 1])
    case 2: raw.sizes = [3, 800 + index, 800, 800, 1, 1, 1, 1]
    case 3: raw.sizes = [3, 5, 4, 3, 1, 1, 1, 1]
    default: raw.offset = Double(352 + side * 100)
    }
    raw.data = []
    let failure = #expect(throws: Failure.self) { try NIfTI.read(gzip(raw.bytes) + zeros, name: "bomb") }
    #expect(failure?.kind == (index < 20 ? .limit : .malformed))
  }
}

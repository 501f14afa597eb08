import Foundation
import Imaging
import Testing

/// A file in which every field that does not say where the voxels lie names a patient (an invented one), in text where
/// text fits and in numbers that occur nowhere else.
private struct Canaries {
  let bytes: [UInt8]
  /// What must not be found again.
  let marks: [[UInt8]]

  init(version: Int, bigEndian: Bool) {
    var raw = RawNIfTI(version: version, bigEndian: bigEndian, qformCode: 1, sformCode: 2)
    raw.use(.int16)
    raw.place(Affine(spacing: [1, 2, 3], origin: [-7, 11, 40]).turned, sform: 2, qform: 1)
    raw.store((0..<60).map { Double($0) })
    // Extensions: DICOM, AFNI, a comment, XCEDE, a code that nobody gave out.
    var marks: [[UInt8]] = []
    raw.extensions = [1, 0, 0, 0]
    for code in [2, 4, 6, 8, 44] {
      let text = Array("Mustermann^Erika \(code) 1955".utf8).prefix(24)
      let padded = text + [UInt8](repeating: 0, count: 24 - text.count)
      marks.append(Array("Mustermann^Erika \(code)".utf8))
      raw.extensions += Canaries.word(Int32(32), bigEndian) + Canaries.word(Int32(code), bigEndian) + padded
    }
    var bytes = raw.bytes
    // Place and length of what is neither size, type, offset, scaling nor geometry (nifti1.h, nifti2.h).
    let fields: [(place: Int, count: Int)] =
      version == 1
      ? [
        (4, 10), (14, 18), (32, 4), (36, 2), (39, 1), (56, 12), (68, 2), (74, 2), (120, 2), (122, 1),
        (124, 8),
        (132, 4), (136, 4), (140, 8), (148, 80), (228, 24), (328, 16),
      ]
      : [
        (80, 24), (192, 16), (208, 8), (216, 8), (224, 8), (232, 8), (240, 80), (320, 24), (496, 4), (504, 4),
        (508, 16), (524, 1), (525, 15),
      ]
    for (number, field) in fields.enumerated() {
      let text = (0..<field.count).map { UInt8(ascii: "A") + UInt8((number * 5 + $0 * 7) % 26) }
      bytes.replaceSubrange(field.place..<field.place + field.count, with: text)
      if field.count >= 4 { marks.append(text) }
    }
    (self.bytes, self.marks) = (bytes, marks)
  }

  private static func word(_ value: Int32, _ bigEndian: Bool) -> [UInt8] {
    withUnsafeBytes(of: bigEndian ? value.bigEndian : value.littleEndian) { Array($0) }
  }
}

private func holds(_ bytes: [UInt8], _ mark: [UInt8]) -> Bool {
  Data(bytes).range(of: Data(mark)) != nil
}

@Test(arguments: [1, 2], [false, true])
func nothingOfThePatientIsWritten(version: Int, bigEndian: Bool) throws {
  let canaries = Canaries(version: version, bigEndian: bigEndian)
  for mark in canaries.marks { #expect(holds(canaries.bytes, mark)) }
  let image = try NIfTI.read(canaries.bytes, name: "input")
  #expect(image.volume.voxels == (0..<60).map { Float($0) })
  for description in [nil, "SYNTHETIC"] {
    let written = try NIfTI.encoded(
      image.volume, like: image.header, description: description, compressed: false)
    for mark in canaries.marks {
      #expect(!holds(written, mark), "\(String(decoding: mark, as: UTF8.self))")
    }
    #expect(RawNIfTI.geometry(written) == RawNIfTI.geometry(canaries.bytes))

    // Every other byte is what a fresh file of that version has.
    var fresh = RawNIfTI(version: version, bigEndian: bigEndian)
    fresh.use(.float32)
    fresh.store((0..<60).map { Double($0) })
    var expected = fresh.bytes
    for part in RawNIfTI.geometry(canaries.bytes) { expected.replaceSubrange(part.indices, with: part) }
    if version == 1 { expected[38] = UInt8(ascii: "r") }
    if let description {
      let place = version == 1 ? 148 : 240
      expected.replaceSubrange(place..<place + description.utf8.count, with: Array(description.utf8))
    }
    #expect(written == expected)
  }
}

@Test func aDescriptionIsCutBetweenCharacters() throws {
  let bytes = try NIfTI.encoded(
    ramp(), description: String(repeating: "é", count: 60), compressed: false)
  // 79 bytes hold 39 letters of two bytes each; half a letter would be no text.
  #expect(try NIfTI.read(bytes, name: "output").header.description == String(repeating: "é", count: 39))
}

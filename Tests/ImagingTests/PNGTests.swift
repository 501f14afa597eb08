import CZlib
import Imaging
import Testing

/// A decoder of just what the encoder may write.
private func decoded(_ bytes: [UInt8], channels: Int) throws -> (width: Int, height: Int, pixels: [UInt8]) {
  #expect(Array(bytes[..<8]) == [137, 80, 78, 71, 13, 10, 26, 10])
  func word(_ place: Int) -> Int { bytes[place..<place + 4].reduce(0) { $0 << 8 | Int($1) } }
  var place = 8
  var names: [String] = []
  var packed: [UInt8] = []
  while place < bytes.count {
    let count = word(place)
    let body = Array(bytes[place + 4..<place + 8 + count])
    #expect(UInt(word(place + 8 + count)) == crc32(0, body, UInt32(body.count)))
    names.append(String(decoding: body[..<4], as: UTF8.self))
    if names.last == "IDAT" { packed += body[4...] }
    place += 12 + count
  }
  #expect(names == ["IHDR", "IDAT", "IEND"])
  let (width, height) = (word(16), word(20))
  #expect(bytes[24] == 8 && bytes[25] == (channels == 1 ? 0 : 2))
  let row = width * channels
  var size = UInt(height * (row + 1))
  var raw = [UInt8](repeating: 0, count: Int(size))
  #expect(uncompress(&raw, &size, packed, UInt(packed.count)) == Z_OK && Int(size) == raw.count)
  var pixels: [UInt8] = []
  for y in 0..<height {
    let filter = raw[y * (row + 1)]
    for x in 0..<row {
      let a = x < channels ? 0 : Int(pixels[y * row + x - channels])
      let b = y == 0 ? 0 : Int(pixels[(y - 1) * row + x])
      let c = x < channels || y == 0 ? 0 : Int(pixels[(y - 1) * row + x - channels])
      let nearest = [a, b, c].min { abs(a + b - c - $0) < abs(a + b - c - $1) } ?? 0
      let predicted = [0, a, b, (a + b) / 2, nearest][Int(filter)]
      pixels.append(raw[y * (row + 1) + 1 + x] &+ UInt8(predicted))
    }
  }
  return (width, height, pixels)
}

@Test func picturesAreRestored() throws {
  var random = RandomSource(seed: 2)
  for (width, height) in [(1, 1), (37, 21), (64, 3)] {
    for smooth in [false, true] {
      func pixels(_ count: Int) -> [UInt8] {
        (0..<count).map { index -> UInt8 in
          if smooth { return UInt8(index * 3 % 200 + index / 40 % 50) }
          return UInt8(random.integer(below: 256))
        }
      }
      let gray = pixels(width * height)
      let one = try decoded(PNG.encode(gray: gray, width: width, height: height), channels: 1)
      #expect(one.width == width && one.height == height && one.pixels == gray)
      let rgb = pixels(3 * width * height)
      let three = try decoded(PNG.encode(rgb: rgb, width: width, height: height), channels: 3)
      #expect(three.width == width && three.height == height && three.pixels == rgb)
    }
  }
}

@Test func colormapGoesThroughItsStops() {
  let map = Colormap.error
  for (index, stop) in map.stops.enumerated() { #expect(map(Float(index) / 4) == stop) }
  #expect(map(.nan) == map.stops[0] && map(-1) == map.stops[0] && map(2) == map.stops[4])
  #expect(map.rgb([0, 5, 10, 20], over: 0...10).suffix(6) == [252, 253, 191, 252, 253, 191])
  let lightness = (0...100).map { value -> Int in
    let c = map(Float(value) / 100)
    return 299 * Int(c.x) + 587 * Int(c.y) + 114 * Int(c.z)
  }
  #expect(zip(lightness, lightness.dropFirst()).allSatisfy { $0 < $1 })
}

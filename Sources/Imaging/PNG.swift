import CZlib
import Failures

/// PNG pictures (ISO/IEC 15948), 8 bits a channel.
public enum PNG {
  /// A grey picture: `width * height` bytes, rows from the top, 0 black.
  public static func encode(gray pixels: [UInt8], width: Int, height: Int) throws -> [UInt8] {
    try encode(pixels, width: width, height: height, channels: 1)
  }

  /// A colour picture: red, green and blue of each pixel in turn, rows from the top.
  public static func encode(rgb pixels: [UInt8], width: Int, height: Int) throws -> [UInt8] {
    try encode(pixels, width: width, height: height, channels: 3)
  }

  private static func encode(_ pixels: [UInt8], width: Int, height: Int, channels: Int) throws -> [UInt8] {
    precondition(width > 0 && height > 0 && pixels.count == width * height * channels)
    var bytes: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
    append("IHDR", word(width) + word(height) + [8, channels == 1 ? 0 : 2, 0, 0, 0], to: &bytes)
    append("IDAT", try compressed(filtered(pixels, rowSize: width * channels, step: channels)), to: &bytes)
    append("IEND", [], to: &bytes)
    return bytes
  }

  private static func word(_ value: Int) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) }
  }

  private static func append(_ type: String, _ data: [UInt8], to bytes: inout [UInt8]) {
    let body = Array(type.utf8) + data
    bytes += word(data.count)
    bytes += body
    bytes += word(Int(body.withUnsafeBytes { Gzip.checksum($0) }))
  }

  private static func compressed(_ bytes: [UInt8]) throws -> [UInt8] {
    var size = compressBound(UInt(bytes.count))
    var result = [UInt8](repeating: 0, count: Int(size))
    guard compress2(&result, &size, bytes, UInt(bytes.count), 6) == Z_OK else {
      throw Failure(.limit, "out of memory while compressing a picture")
    }
    result.removeLast(result.count - Int(size))
    return result
  }

  /// Each row after its filter's number. The filter is the one of five whose differences are smallest in sum
  /// (the heuristic that section 12.8 of the standard proposes).
  private static func filtered(_ pixels: [UInt8], rowSize: Int, step: Int) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(pixels.count + pixels.count / rowSize)
    var above = [UInt8](repeating: 0, count: rowSize)
    var candidate = above
    var best = above
    for start in stride(from: 0, to: pixels.count, by: rowSize) {
      let row = Array(pixels[start..<start + rowSize])
      var bestFilter: UInt8 = 0
      var bestSum = Int.max
      for filter in UInt8(0)..<5 {
        var sum = 0
        for index in 0..<rowSize {
          let left = index >= step ? row[index - step] : 0
          let corner = index >= step ? above[index - step] : 0
          let difference = row[index] &- predicted(filter, left, above[index], corner)
          candidate[index] = difference
          sum += Int(Int8(bitPattern: difference).magnitude)
        }
        if sum < bestSum {
          (bestFilter, bestSum) = (filter, sum)
          swap(&candidate, &best)
        }
      }
      result.append(bestFilter)
      result += best
      above = row
    }
    return result
  }

  private static func predicted(_ filter: UInt8, _ left: UInt8, _ above: UInt8, _ corner: UInt8) -> UInt8 {
    switch filter {
    case 1: return left
    case 2: return above
    case 3: return UInt8((Int(left) + Int(above)) / 2)
    case 4:
      let (a, b, c) = (Int(left), Int(above), Int(corner))
      let (pa, pb, pc) = (abs(b - c), abs(a - c), abs(a + b - 2 * c))
      return pa <= pb && pa <= pc ? left : pb <= pc ? above : corner
    default: return 0
    }
  }
}

import Failures
import Foundation

/// SHA-256 (FIPS 180-4), to say which file something was made from.
public struct SHA256: Sendable {
  private var state: SIMD8<UInt32> = [
    0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
  ]
  private var rest: [UInt8] = []
  private var count: UInt64 = 0

  public init() {}

  /// Takes in more of the message.
  public mutating func update(_ bytes: UnsafeRawBufferPointer) {
    count += UInt64(bytes.count)
    var start = 0
    if !rest.isEmpty {
      start = min(64 - rest.count, bytes.count)
      rest.append(contentsOf: bytes[..<start])
      guard rest.count == 64 else { return }
      rest.withUnsafeBytes { Self.compress($0, blocks: 1, &state) }
      rest.removeAll(keepingCapacity: true)
    }
    let blocks = (bytes.count - start) / 64
    Self.compress(UnsafeRawBufferPointer(rebasing: bytes[start...]), blocks: blocks, &state)
    rest.append(contentsOf: bytes[(start + 64 * blocks)...])
  }

  /// The digest of all that was taken in, as 64 hexadecimal digits.
  public func hexadecimal() -> String {
    var last = self
    let bits = count * 8
    let zeros = (119 - Int(count % 64)) % 64
    let padding = [0x80] + [UInt8](repeating: 0, count: zeros)
    let length = (0..<8).map { UInt8(truncatingIfNeeded: bits >> (56 - 8 * UInt64($0))) }
    (padding + length).withUnsafeBytes { last.update($0) }
    return last.state.indices.map { String(format: "%08x", last.state[$0]) }.joined()
  }

  /// The digest of a file, and its size in bytes. Throws `.notFound` if it cannot be read.
  public static func ofFile(_ path: String) throws -> (digest: String, bytes: Int) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Failure.cannotRead(path, errno) }
    defer { close(descriptor) }
    var hash = SHA256()
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
    defer { buffer.deallocate() }
    while true {
      let got = read(descriptor, buffer.baseAddress, buffer.count)
      if got < 0 && errno == EINTR { continue }
      guard got >= 0 else { throw Failure.cannotRead(path, errno) }
      if got == 0 { return (hash.hexadecimal(), Int(hash.count)) }
      hash.update(UnsafeRawBufferPointer(rebasing: buffer[..<got]))
    }
  }

  private static func compress(_ bytes: UnsafeRawBufferPointer, blocks: Int, _ state: inout SIMD8<UInt32>) {
    func turn(_ x: UInt32, _ by: UInt32) -> UInt32 { x &>> by | x &<< (32 &- by) }
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 64) { w in
      constants.withUnsafeBufferPointer { k in
        for block in 0..<blocks {
          for t in 0..<16 {
            w[t] = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 64 * block + 4 * t, as: UInt32.self))
          }
          for t in 16..<64 {
            let s0 = turn(w[t - 15], 7) ^ turn(w[t - 15], 18) ^ w[t - 15] &>> 3
            let s1 = turn(w[t - 2], 17) ^ turn(w[t - 2], 19) ^ w[t - 2] &>> 10
            w[t] = w[t - 16] &+ s0 &+ w[t - 7] &+ s1
          }
          var (a, b, c, d) = (state[0], state[1], state[2], state[3])
          var (e, f, g, h) = (state[4], state[5], state[6], state[7])
          for t in 0..<64 {
            let big1 = turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)
            let first = h &+ big1 &+ (e & f ^ ~e & g) &+ k[t] &+ w[t]
            let big0 = turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)
            let second = big0 &+ (a & b ^ a & c ^ b & c)
            (h, g, f, e) = (g, f, e, d &+ first)
            (d, c, b, a) = (c, b, a, first &+ second)
          }
          state &+= SIMD8(a, b, c, d, e, f, g, h)
        }
      }
    }
  }

  private static let constants: [UInt32] = roundConstants()

  /// The fractional parts of the cube roots of the first 64 primes, to 32 bits (FIPS 180-4, 4.2.2), by integers.
  private static func roundConstants() -> [UInt32] {
    var primes: [UInt64] = []
    var candidate: UInt64 = 2
    while primes.count < 64 {
      if !primes.contains(where: { candidate % $0 == 0 }) { primes.append(candidate) }
      candidate += 1
    }
    return primes.map { prime in
      // The largest r with r^3 <= prime * 2^96, found bit by bit; its low 32 bits are the fraction.
      var root: UInt64 = 0
      for bit in stride(from: 35, through: 0, by: -1) {
        let trial = root | 1 << UInt64(bit)
        let square = trial.multipliedFullWidth(by: trial)
        let low = square.low.multipliedFullWidth(by: trial)
        let (sum, carry) = (square.high &* trial).addingReportingOverflow(low.high)
        let target = prime << 32
        if !carry && (sum < target || (sum == target && low.low == 0)) { root = trial }
      }
      return UInt32(truncatingIfNeeded: root)
    }
  }
}

import Foundation
import Imaging

/// Smooth noise that repeats every 64 lattice points, made once: what ragged borders and threads are looked up in.
struct NoiseTexture: Sendable {
  static let side = 64
  /// Gaussian noise of deviation 1 whose correlation falls to 1/e over some 5 lattice points.
  private let noise: [Float]
  /// How far a lattice point lies from the nearest thread, in sixteenths of a lattice step; 255 is far.
  private let threads: [UInt8]

  static let shared = NoiseTexture(seed: 20)

  private init(seed: UInt64) {
    func field(_ stream: UInt64) -> [Float] {
      let n = Self.side
      var random = RandomSource(seed: seed, stream: stream)
      var values = (0..<n * n * n).map { _ in Float(random.normal()) }
      let radius = 7
      let weights = (-radius...radius).map { exp(-Float($0 * $0) / (2 * 2.6 * 2.6)) }
      for step in [1, n, n * n] {
        let before = values
        for at in values.indices {
          let place = at / step % n
          var sum: Float = 0
          for (offset, weight) in weights.enumerated() {
            let other = (place + offset - radius + n) % n
            sum += weight * before[at + (other - place) * step]
          }
          values[at] = sum
        }
      }
      let mean = values.reduce(0, +) / Float(values.count)
      let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Float(values.count)
      return values.map { ($0 - mean) / variance.squareRoot() }
    }
    noise = field(0)
    // Where two fields cross nought at once there are lines; their values over their slopes are distances.
    let (a, b) = (field(1), field(2))
    threads = zip(a, b).map { UInt8(min(($0 * $0 + $1 * $1).squareRoot() * 3.7 * 16, 255)) }
  }

  @inline(__always)
  private static func index(_ x: Float, _ y: Float, _ z: Float) -> Int {
    // Far from nought, so that truncation rounds down.
    let (i, j, k) = (Int(x + 65536), Int(y + 65536), Int(z + 65536))
    return i & 63 | (j & 63) << 6 | (k & 63) << 12
  }

  /// The noise at the lattice point before a position.
  @inline(__always)
  func value(_ x: Float, _ y: Float, _ z: Float) -> Float {
    noise.withUnsafeBufferPointer { $0[Self.index(x, y, z)] }
  }

  @inline(__always)
  func thread(_ x: Float, _ y: Float, _ z: Float) -> UInt8 {
    threads.withUnsafeBufferPointer { $0[Self.index(x, y, z)] }
  }
}

import Foundation
import Imaging

/// Random functions of place for tissues' texture: tiles that continue over their edges, of which every plane sees a part of
/// its own. Four functions each, of mean 0 and deviation 1.
enum TextureTiles {
  /// Edge in voxels, a power of two.
  static let edge = 256
  /// Smooth over about 1, 2.5, 6 and 14 voxels.
  static let all: [[SIMD4<Float>]] = [1.0, 2.5, 6.0, 14.0].enumerated().map { number, width in
    tile(width: width, seed: UInt64(number + 1))
  }

  private static func tile(width: Double, seed: UInt64) -> [SIMD4<Float>] {
    var random = RandomSource(seed: seed, stream: 0x7465_7874)
    var values = (0..<edge * edge).map { _ in
      SIMD4<Float>(
        Float(random.normal()), Float(random.normal()), Float(random.normal()), Float(random.normal()))
    }
    let sigma = width / 2.355
    let radius = Int((3 * sigma).rounded(.up))
    let kernel = (-radius...radius).map { Float(exp(-Double($0 * $0) / (2 * sigma * sigma))) }
    // What independent numbers of deviation 1 sum to along one axis.
    let norm = kernel.reduce(0) { $0 + $1 * $1 }.squareRoot()
    for step in [1, edge] {
      var smooth = [SIMD4<Float>](repeating: .zero, count: values.count)
      for index in values.indices {
        let (row, column) = index.quotientAndRemainder(dividingBy: edge)
        for (tap, weight) in kernel.enumerated() {
          let other =
            step == 1
            ? row * edge + (column + tap - radius + edge) % edge
            : (row + tap - radius + edge) % edge * edge + column
          smooth[index] += weight / norm * values[other]
        }
      }
      values = smooth
    }
    return values
  }

  /// Where a plane's part of a tile begins.
  static func place(_ random: inout RandomSource) -> Int { random.integer(below: edge * edge) }
}

/// How a sample's texture moves the logarithms of T1, T2 and density: what all have in common, as myelin and water have it,
/// which lengthen or shorten both times and dilute, and parts of their own. And how much of another tissue is mixed in.
struct TextureMix: Sendable {
  /// Of the common function (lane 0 of a tile), and of those of T1, T2 and density (lanes 1 to 3); lane 0 is the mixture's.
  private let common: SIMD4<Float>
  private let own: SIMD4<Float>
  /// Shares of three tiles: the finer ones of texture, the coarser ones of the mixture, for fibres of muscle lie together.
  let shares: SIMD3<Float>

  init(_ options: PhysicsOptions, _ random: inout RandomSource) {
    let deviations = SIMD4<Float>(
      0, Float(random.uniform(options.textureT1)), Float(random.uniform(options.textureT2)),
      Float(random.uniform(options.textureDensity)))
    let shared = Float(random.uniform(0.4, 0.9))
    common = shared.squareRoot() * deviations
    var own = (1 - shared).squareRoot() * deviations
    let parts = SIMD3<Float>(
      Float(random.uniform(0.2, 1)), Float(random.uniform(0.2, 1)), Float(random.uniform(0.2, 1)))
    shares = parts / (parts * parts).sum().squareRoot()
    own.x = Float(random.uniform(options.mixture))
    self.own = own
  }

  /// In lanes 1 to 3 the logarithms' moves, in lane 0 the share of the other tissue, where it is above 0.
  @inline(__always)
  func callAsFunction(_ tile: SIMD4<Float>) -> SIMD4<Float> { tile.x * common + tile * own }

  /// The same of the parts that all planes share, from tiles 1 to 3.
  @inline(__always)
  func smooth(_ middle: SIMD4<Float>, _ coarse: SIMD4<Float>, _ coarsest: SIMD4<Float>) -> SIMD4<Float> {
    var moves = self(shares.y * middle + shares.z * coarse)
    moves.x = own.x * (shares.y * coarse.x + shares.z * coarsest.x)
    return moves
  }
}

/// Noise for eight images at a time: nearly normal, of mean 0 and deviation 1, as sums of four bytes of a shift register.
struct NoiseLanes {
  private var state: SIMD8<UInt32>

  init(_ random: inout RandomSource) {
    state = .zero
    for lane in 0..<8 { state[lane] = UInt32(truncatingIfNeeded: random.next()) | 1 }
  }

  @inline(__always)
  mutating func next() -> SIMD8<Float> {
    // Marsaglia 2003.
    state ^= state &<< 13
    state ^= state &>> 17
    state ^= state &<< 5
    let pairs = (state & 0x00FF_00FF) &+ ((state &>> 8) & 0x00FF_00FF)
    let sum = SIMD8<Int32>(truncatingIfNeeded: (pairs & 0xFFFF) &+ (pairs &>> 16))
    // Four numbers 0 ... 255: mean 510, variance 4 (256² - 1) / 12.
    return (SIMD8<Float>(sum) - 510) * 0.006_765_9
  }
}

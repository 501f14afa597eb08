import Files
import Imaging
import Metrics
import ScanSupport

/// Two masks recomputed from a seed, by the operations of Support/golden/volumes.py in the same order.
struct GoldenMasks {
  var grid: VoxelGrid
  var prediction: [Bool] = []
  var reference: [Bool] = []

  private static let spacings = [
    [1.0, 1.0, 1.0], [3.0, 0.9375, 0.9375], [5.0, 0.5, 0.5], [1.25, 0.1, 0.7], [0.8, 1.0, 2.2],
  ]

  init(seed: Int) {
    var random = SplitMix64(seed: UInt64(seed))
    let (dimensions, kind) = (3 - seed % 2, seed / 2 % 7)
    let limit: UInt64 = seed % 50 < 2 ? 48 : 18
    let shape = (0..<dimensions).map { _ in 6 + Int(random.next() % limit) }
    let spacing = Self.spacings[Int(random.next() % UInt64(Self.spacings.count))].prefix(dimensions)
    grid = VoxelGrid(Extent(sizes: shape), spacing: Array(spacing))
    let balls = (0..<2).map { _ in (0..<2).map { _ in (0...dimensions).map { _ in random.uniform() } } }
    for voxel in 0..<shape.reduce(1, *) {
      let noise = random.uniform()
      var place = [Int](repeating: 0, count: dimensions)
      var rest = voxel
      for axis in (0..<dimensions).reversed() {
        (place[axis], rest) = (rest % shape[axis], rest / shape[axis])
      }
      let inside = balls.map { balls in
        balls.contains { ball in
          var squares = 0.0
          for axis in 0..<dimensions {
            let apart = Double(place[axis]) - ball[axis] * Double(shape[axis])
            squares += apart * apart
          }
          let reach = 1 + ball[dimensions] * Double(shape[dimensions - 1]) * 0.4
          return squares <= reach * reach
        }
      }
      var (p, r) = (inside[0], inside[1])
      switch kind {
      case 1: p = r != (noise < 0.02)
      case 2: (p, r) = (noise < 0.05, noise > 0.97)
      case 3: p = true
      case 4: p = r
      case 5: p = false
      case 6 where seed % 3 == 0: (p, r) = (false, false)
      default: break
      }
      prediction.append(p)
      reference.append(r)
    }
  }
}

/// Two volumes and a mask recomputed from a seed, likewise.
struct GoldenVolumes {
  var extent: Extent
  var prediction: [Float] = []
  var target: [Float] = []
  var mask: [Bool] = []

  init(seed: Int) {
    var random = SplitMix64(seed: UInt64(seed))
    var shape = (0..<3).map { _ in 11 + Int(random.next() % 12) }
    if seed % 20 == 0 { shape = [shape[0] + 20, shape[1] + 30, shape[2] + 40] }
    extent = Extent(sizes: shape)
    let (a, b, c) = (random.uniform(), random.uniform(), random.uniform())
    for z in 0..<shape[0] {
      for y in 0..<shape[1] {
        for x in 0..<shape[2] {
          let (u, v) = (random.uniform(), random.uniform())
          let (i, j, k) = (Double(z) * 0.04, Double(y) * 0.025, Double(x) * 0.025)
          let smooth = a + b * i - c * j + i * k - 0.5 * j * j
          var (p, t) = (u, v)
          switch seed % 5 {
          case 0: break
          case 1: (p, t) = (smooth + 0.05 * (u - 0.5), smooth)
          case 2: (p, t) = (0.5 * smooth + 0.6 * (u - 0.5), smooth + 0.1 * (v - 0.5))
          case 3:
            t = v > 0.9 ? v : 0
            p = u > 0.2 ? t * a : 0
          default: (p, t) = 2 * x > shape[2] ? (u * smooth, smooth) : (0, 0)
          }
          prediction.append(Float((p * 1024).rounded(.down) * 0x1p-10))
          target.append(Float((t * 1024).rounded(.down) * 0x1p-10))
          mask.append(v * 8 < a + smooth && 3 * y > shape[1])
        }
      }
    }
  }
}

/// The lines of a golden file: a seed, and what came of it.
func goldenRows(_ text: String) -> [(seed: Int, values: [Double])] {
  text.split(separator: "\n").compactMap { line in
    let fields = line.split(separator: " ")
    return Int(fields[0]).map { ($0, fields.dropFirst().compactMap { Double($0) }) }
  }
}

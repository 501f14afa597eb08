import Files
import Metrics
import ScanSupport

/// Two images recomputed from a seed, by the operations of Support/golden/metrics.py in the same order.
struct GoldenPair {
  var height: Int
  var width: Int
  var prediction: [Double] = []
  var target: [Double] = []

  init(seed: Int) {
    var random = SplitMix64(seed: UInt64(seed))
    height = 11 + Int(random.next() % 30)
    width = 11 + Int(random.next() % 30)
    let a = random.uniform()
    let b = random.uniform()
    let c = random.uniform()
    for y in 0..<height {
      for x in 0..<width {
        let u = random.uniform()
        let v = random.uniform()
        let i = Double(y) * 0.025
        let j = Double(x) * 0.025
        let smooth = clip(a + b * i - c * j + i * j - 0.5 * j * j)
        var p = u
        var t = v
        switch seed % 9 {
        case 0: break
        case 1: (p, t) = (clip(smooth + 0.02 * (u - 0.5)), smooth)
        case 2: (p, t) = (clip(smooth + 0.6 * (u - 0.5)), clip(smooth + 0.1 * (v - 0.5)))
        case 3:
          t = v > 0.9 ? v : 0
          p = u > 0.2 ? t * a : 0
        case 4: (p, t) = ((u * 256).rounded(.down) / 256, ((u + 0.1 * v) * 256).rounded(.down) / 256)
        case 5: (p, t) = (0.5 + 1e-6 * u, 0.5 + 1e-6 * v)
        case 6: (p, t) = (1 - smooth, smooth)
        case 7: (p, t) = x * 2 > width ? (u * smooth, smooth) : (0, 0)
        default: (p, t) = (u > 0.5 ? 1 : 0, u * v > 0.25 ? 1 : 0)
        }
        prediction.append(p)
        target.append(t)
      }
    }
  }

  init(height: Int, width: Int, _ pixel: (_ y: Int, _ x: Int) -> (prediction: Double, target: Double)) {
    self.height = height
    self.width = width
    for y in 0..<height {
      for x in 0..<width {
        let (p, t) = pixel(y, x)
        prediction.append(p)
        target.append(t)
      }
    }
  }

  func score() -> [Double] {
    let errors = PixelErrors(prediction, target)
    return [errors.mae, errors.psnr()]
      + SSIM.Variant.allCases.map { SSIM($0)(prediction, target, height: height, width: width) }
  }
}

func clip(_ x: Double) -> Double { x < 0 ? 0 : (x > 1 ? 1 : x) }

/// The largest difference between two lists of scores; equal infinities differ by nothing.
func difference(_ a: [Double], _ b: [Double]) -> Double {
  guard a.count == b.count else { return .infinity }
  return zip(a, b).reduce(0) { worst, pair in
    let d = pair.0 == pair.1 ? 0 : abs(pair.0 - pair.1)
    return d.isNaN ? .infinity : max(worst, d)
  }
}

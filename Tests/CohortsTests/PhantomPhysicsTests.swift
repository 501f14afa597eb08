import Cohorts
import Failures
import Foundation
import Imaging
import Testing

@Suite struct PhantomPhysicsTests {
  /// All lanes alike, so that any lane can be asked.
  private func tissue(t1: Float, t2: Float, density: Float = 1) -> TissueParameters {
    var tissue = TissueParameters(fieldStrength: 3)
    tissue.r1 = SIMD8(repeating: 1 / t1)
    tissue.r2 = SIMD8(repeating: 1 / t2)
    tissue.density = SIMD8(repeating: density)
    return tissue
  }

  private func signal(_ sequence: PulseSequence, _ tissue: TissueParameters) -> Double {
    Double(SignalEquation(sequence)(tissue)[3])
  }

  @Test func spinEchoByHand() {
    // 0.8 (1 - e^-2) e^-0.5
    let value = signal(
      PulseSequence(.spinEcho, repetition: 2, echo: 0.05), tissue(t1: 1, t2: 0.1, density: 0.8))
    #expect(abs(value - 0.419555) < 1e-5)
  }

  @Test func spoiledGradientEchoByHand() {
    // sin 30 (1 - e^-0.02) / (1 - e^-0.02 cos 30), no decay
    let value = signal(
      PulseSequence(.spoiledGradientEcho(flip: 30), repetition: 0.02, echo: 0), tissue(t1: 1, t2: 0.1))
    #expect(abs(value - 0.0655139) < 2e-6)
  }

  @Test func ernstAngleGivesTheMostSignal() {
    let angle = acos(exp(-0.02)) * 180 / .pi
    func at(_ flip: Double) -> Double {
      signal(
        PulseSequence(.spoiledGradientEcho(flip: flip), repetition: 0.02, echo: 0), tissue(t1: 1, t2: 0.1))
    }
    #expect(at(angle) > at(angle - 2))
    #expect(at(angle) > at(angle + 2))
  }

  @Test func inversionNullsFluid() {
    #expect(abs(PulseSequence.nulling(t1: 4, repetition: 1000, echo: 0) - 4 * log(2)) < 1e-9)
    let inversion = PulseSequence.nulling(t1: 4, repetition: 9, echo: 0.1)
    let flair = PulseSequence(.inversionRecovery(inversion: inversion), repetition: 9, echo: 0.1)
    #expect(signal(flair, tissue(t1: 4, t2: 1.5)) < 1e-5)
    // Magnitude: on either side of the null the signal is positive.
    #expect(signal(flair, tissue(t1: 4.5, t2: 1.5)) > 0.01)
    #expect(signal(flair, tissue(t1: 3.5, t2: 1.5)) > 0.01)
  }

  @Test func exponentialIsTheExponential() {
    for x in stride(from: -80.0, through: 5, by: 0.37) {
      let value = Double(exponential(SIMD8(repeating: Float(x)))[5])
      #expect(abs(value / exp(Double(Float(x))) - 1) < 1e-5)
    }
  }

  @Test(arguments: [1.5, 3]) func contrastsAreOrderedAsOnScanners(_ fieldStrength: Double) {
    let tissue = TissueParameters(fieldStrength: fieldStrength)
    func order(_ modality: Modality) -> (
      fluid: Float, grey: Float, white: Float, oedema: Float, plaque: Float
    ) {
      let s = SignalEquation(PulseSequence(modality, fieldStrength: fieldStrength))(tissue)
      return (s[0], s[1], s[2], s[3], s[7])
    }
    let (t1, t2, pd, flair) = (order(.t1), order(.t2), order(.pd), order(.flair))
    #expect(t1.white > t1.grey && t1.grey > 1.5 * t1.fluid && t1.oedema < t1.grey)
    #expect(t2.fluid > t2.oedema && t2.oedema > t2.grey && t2.grey > t2.white)
    #expect(pd.grey > pd.white && abs(pd.fluid / pd.grey - 1) < 0.2)
    #expect(flair.grey > flair.white && flair.fluid < 0.1 * flair.white)
    #expect(flair.plaque > 1.15 * flair.grey && flair.oedema > 1.1 * flair.grey)
  }

  @Test func gadoliniumBrightensTheRimOnly() throws {
    let phantom = try ballPhantom {
      $0.tumours = 1
      $0.plaques = 0
      $0.noise = 0
      $0.bias = 0
      $0.shift = 0
    }
    let subject = try #require(
      (0..<4).map { phantom.subject($0) }.first { $0.labels?.voxels.contains(3) == true })
    let labels = try #require(subject.labels?.voxels)
    func gain(_ label: Float) -> Float {
      let at = labels.indices.filter { labels[$0] == label && subject.voxels(.t1)[$0] > 0 }
      let before = at.reduce(Float(0)) { $0 + subject.voxels(.t1)[$1] }
      return at.reduce(Float(0)) { $0 + subject.voxels(.t1gd)[$1] } / before
    }
    #expect(gain(3) > 1.5 * gain(2))
    #expect(labels.contains(2))
  }

  @Test func deformationIsOneToOne() {
    let low = SIMD3<Float>(-60, -60, -60)
    var random = RandomSource(seed: 5)
    func field(_ spacing: Float, _ deviation: Float) -> SplineField {
      SplineField(
        low: low, high: -low, spacing: spacing, deviation: SIMD4(repeating: deviation), random: &random)
    }
    // Far rougher than a head, so that the displacement must be scaled down.
    let (coarse, fine) = (field(30, 12), field(12, 3))
    let map = Deformation(coarse: coarse, fine: fine, low: low, high: -low, random: &random)
    #expect(map.strength < 1)
    for x: Float in [-41, -13, 3, 37] {
      for y: Float in [-44, -10, 8, 31] {
        for z: Float in [-39, -5, 11, 42] {
          func at(_ dx: Float, _ dy: Float, _ dz: Float) -> SIMD3<Float> {
            map.map([x + dx, y + dy, z + dz], coarse: coarse, fine: fine)
          }
          let a = at(0.5, 0, 0) - at(-0.5, 0, 0)
          let b = at(0, 0.5, 0) - at(0, -0.5, 0)
          let c = at(0, 0, 0.5) - at(0, 0, -0.5)
          let volume =
            a.x * (b.y * c.z - b.z * c.y) - a.y * (b.x * c.z - b.z * c.x) + a.z * (b.x * c.y - b.y * c.x)
          #expect(volume > 0)
        }
      }
    }
  }

  @Test func splineFieldHasItsDeviationAndIsSmooth() {
    var random = RandomSource(seed: 9)
    let field = SplineField(
      low: [0, 0, 0], high: [100, 100, 100], spacing: 5, deviation: [2, 1, 0, 0.5], random: &random)
    var sums = SIMD4<Float>.zero
    var count: Float = 0
    for x in stride(from: Float(3), to: 100, by: 7.3) {
      for y in stride(from: Float(2), to: 100, by: 7.1) {
        for z in stride(from: Float(1), to: 100, by: 7.7) {
          let value = field([x, y, z])
          sums += value * value
          count += 1
          let near = field([x + 0.01, y, z])
          #expect(abs(near.x - value.x) < 0.1)
        }
      }
    }
    let deviation = (sums / count).squareRoot()
    #expect(abs(deviation.x - 2) < 0.2 && abs(deviation.y - 1) < 0.1 && deviation.z == 0)
  }
}

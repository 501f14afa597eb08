import Foundation
import Imaging

/// How a scan is acquired: its signal equation and times in seconds.
package struct PulseSequence: Sendable, Equatable {
  package enum Kind: Sendable, Equatable {
    case spinEcho
    /// Spoiled gradient echo with a flip angle in degrees.
    case spoiledGradientEcho(flip: Double)
    /// Inversion recovery spin echo, magnitude, with its inversion time.
    case inversionRecovery(inversion: Double)
    /// Inversion, then a train of spoiled gradient echoes with a flip angle in degrees, so many and this time apart; the
    /// inversion time ends at the middle of the train.
    case preparedGradientEcho(flip: Double, inversion: Double, spacing: Double, readouts: Int)
  }

  package var kind: Kind
  package var repetition: Double
  package var echo: Double
  /// Gadolinium in blood at the time of the scan, mmol/l; tissue takes up a share of it.
  package var gadolinium: Double

  package init(_ kind: Kind, repetition: Double, echo: Double, gadolinium: Double = 0) {
    (self.kind, self.repetition, self.echo, self.gadolinium) = (kind, repetition, echo, gadolinium)
  }

  /// The protocol of a head examination. T2 and PD times are those of the IXI study's two scanners (3 T: 5.73 s,
  /// 100 and 8 ms; 1.5 T: 8.18 s); the FLAIR inversion time nulls the fluid of `TissueParameters`.
  package init(_ modality: Modality, fieldStrength: Double) {
    let isHigh = fieldStrength > 2
    switch modality {
    case .t1, .t1gd:
      self.init(
        .spoiledGradientEcho(flip: 35), repetition: isHigh ? 0.018 : 0.020, echo: 0.0046,
        gadolinium: modality == .t1gd ? 0.6 : 0)
    case .t2: self.init(.spinEcho, repetition: isHigh ? 5.73 : 8.18, echo: 0.100)
    case .pd: self.init(.spinEcho, repetition: isHigh ? 5.73 : 8.18, echo: 0.008)
    case .flair:
      let inversion = Self.nulling(t1: isHigh ? 4.16 : 4.07, repetition: 9, echo: 0.11)
      self.init(.inversionRecovery(inversion: inversion), repetition: 9, echo: 0.11)
    }
  }

  /// The inversion time that nulls a tissue: T1 ln 2 for long repetition (T1 and times in seconds).
  package static func nulling(t1: Double, repetition: Double, echo: Double) -> Double {
    t1 * log(2 / (1 + exp(-(repetition - echo) / t1)))
  }

  /// Longitudinal and transverse relaxivity of gadopentetate in plasma at 37 °C, l/(mmol s): Rohrer et al. 2005.
  package static func relaxivity(fieldStrength: Double) -> (r1: Float, r2: Float) {
    fieldStrength > 2 ? (3.7, 5.2) : (4.1, 4.6)
  }
}

/// A sequence with its constants ready, for one tissue vector after another.
package struct SignalEquation: Sendable {
  private let kind: PulseSequence.Kind
  private let repetition: Float
  private let recovery: Float
  private let inversion: Float
  private let echo: Float
  private let sine: Float
  private let cosine: Float
  /// Of a train of gradient echoes: how long from the inversion to its start and from its end to the next inversion, the
  /// time between echoes, their number, and the logarithm of the flip angle's cosine.
  private var (before, after, spacing, readouts, logCosine) = (
    Float(0), Float(0), Float(0), Float(0), Float(0)
  )

  package init(_ sequence: PulseSequence) {
    kind = sequence.kind
    repetition = Float(sequence.repetition)
    echo = Float(sequence.echo)
    recovery = Float(sequence.repetition - sequence.echo)
    var (angle, time) = (90.0, 0.0)
    switch sequence.kind {
    case .spinEcho: break
    case .spoiledGradientEcho(let flip): angle = flip
    case .inversionRecovery(let inversion): time = inversion
    case .preparedGradientEcho(let flip, let inversion, let spacing, let readouts):
      (angle, time) = (flip, inversion)
      let train = spacing * Double(readouts)
      before = Float(max(0, inversion - train / 2))
      after = Float(max(0, sequence.repetition - inversion - train / 2))
      (self.spacing, self.readouts) = (Float(spacing), Float(readouts))
      logCosine = Float(log(cos(flip * .pi / 180)))
    }
    inversion = Float(time)
    sine = Float(sin(angle * .pi / 180))
    cosine = Float(cos(angle * .pi / 180))
  }

  /// Magnetisation in the transverse plane at the echo, for rates in 1/s:
  /// - spin echo: density (1 - exp(-TR R1)) exp(-TE R2);
  /// - spoiled gradient echo: density sin a (1 - E1) / (1 - E1 cos a) exp(-TE R2), E1 = exp(-TR R1) (Ernst and
  ///   Anderson 1966); at an echo so short R2 stands for R2*;
  /// - inversion recovery: |density (1 - 2 exp(-TI R1) + exp(-(TR - TE) R1))| exp(-TE R2);
  /// - prepared gradient echo: the same decay of what the middle of the train finds in the steady state (`trained`).
  @inline(__always)
  package func callAsFunction(_ tissue: TissueParameters) -> SIMD8<Float> {
    let decay = tissue.density * exponential(-echo * tissue.r2)
    switch kind {
    case .spinEcho: return decay * (1 - exponential(-repetition * tissue.r1))
    case .spoiledGradientEcho:
      let e1 = exponential(-repetition * tissue.r1)
      return decay * sine * (1 - e1) / (1 - cosine * e1)
    case .inversionRecovery:
      let m = 1 - 2 * exponential(-inversion * tissue.r1) + exponential(-recovery * tissue.r1)
      return decay * m.replacing(with: -m, where: m .< 0)
    case .preparedGradientEcho:
      let m = sine * trained(tissue.r1)
      return decay * m.replacing(with: -m, where: m .< 0)
    }
  }

  /// Longitudinal magnetisation (1 at rest) at the middle of a train of n echoes after an inversion, in the steady state
  /// (Deichmann et al. 2000). Each echo takes the magnetisation nearer, by a factor q = cos a exp(-spacing R1), to
  /// s = (1 - exp(-spacing R1)) / (1 - q). With b and c the recoveries exp(-t R1) before and after the train, the
  /// magnetisation m before each inversion fulfils m = 1 - c + c (s (1 - q^n) + q^n (1 - b - b m)).
  @inline(__always)
  private func trained(_ r1: SIMD8<Float>) -> SIMD8<Float> {
    let b = exponential(-before * r1)
    let c = exponential(-after * r1)
    let e = exponential(-spacing * r1)
    let s = (1 - e) / (1 - cosine * e)
    let half = exponential(0.5 * readouts * (logCosine - spacing * r1))
    let whole = half * half
    let after: SIMD8<Float> = s * (1 - whole) + whole * (1 - b)
    let recovered: SIMD8<Float> = 1 - c + c * after
    let m = recovered / (1 + c * whole * b)
    let inverted: SIMD8<Float> = 1 - b - b * m
    return s + (inverted - s) * half
  }
}

/// exp of arguments in -87 ... 88, with a relative error below 1e-5: 2^n times a polynomial on half an octave, in
/// plain arithmetic, so that every machine gets the same bits.
@inline(__always)
package func exponential(_ x: SIMD8<Float>) -> SIMD8<Float> {
  let y = x.replacing(with: -87, where: x .< -87) * 1.442_695_04
  // Adding 1.5 * 2^23 rounds to a whole number, which then stands in the low bits.
  let shifted = y + 12_582_912
  let n = shifted - 12_582_912
  let f = (y - n) * 0.693_147_18
  var p = SIMD8<Float>(repeating: 1 / 720)
  p = p * f + 1 / 120
  p = p * f + 1 / 24
  p = p * f + 1 / 6
  p = p * f + 0.5
  p = p * f + 1
  p = p * f + 1
  let bits = unsafeBitCast(shifted, to: SIMD8<Int32>.self)
  let exponent = (bits &- 0x4B40_0000 &+ 127) &<< 23
  return p * unsafeBitCast(exponent, to: SIMD8<Float>.self)
}

import Foundation
import Imaging

/// How each contrast of one person is acquired, drawn from the families that are in use.
package struct SequenceDraw: Sendable, Equatable {
  /// One contrast's sequence.
  package struct Acquisition: Sendable, Equatable {
    package var sequence: PulseSequence
    /// How much of magnetisation transfer shows: all of it in a multi-slice turbo spin echo.
    package var transfer: Double
    /// Share of the fluid that was not there at the inversion.
    package var inflow = 0.0

    package var isSpinEcho: Bool { if case .spinEcho = sequence.kind { true } else { false } }

    /// Whether blood is bright, as in three-dimensional gradient echoes; in spin echoes it leaves before the echo.
    package var isGradientEcho: Bool {
      switch sequence.kind {
      case .spoiledGradientEcho, .preparedGradientEcho: true
      case .spinEcho, .inversionRecovery: false
      }
    }
  }

  package var t1: Acquisition, t1gd: Acquisition, t2: Acquisition, pd: Acquisition, flair: Acquisition
  /// Whether PD is the first echo of what T2 is the second of.
  package var hasTwoEchoes: Bool

  package subscript(modality: Modality) -> Acquisition {
    switch modality {
    case .t1: t1
    case .t1gd: t1gd
    case .t2: t2
    case .pd: pd
    case .flair: flair
    }
  }

  /// - Parameters:
  ///   - fluidT1: of this person's fluid, in seconds: what inversion times are set by.
  ///   - families: of T1 before contrast medium and, where it is acquired otherwise, after. They are drawn before, so that where
  ///     contrasts are drawn anew for not looking like themselves, which spin echoes' often do not, it is no other family's turn.
  package init(
    fieldStrength: Double, fluidT1: Double, families: (T1Family, T1Family), _ options: PhysicsOptions,
    _ random: inout RandomSource
  ) {
    var draw = Draw(isHigh: fieldStrength > 2, fluidT1: fluidT1, options, random: random)
    t1 = draw.t1(families.0)
    t1gd = draw.random.chance(options.sameT1) ? t1 : draw.t1(families.1)
    t2 = draw.t2()
    hasTwoEchoes = draw.random.chance(0.8)
    pd = draw.pd(with: hasTwoEchoes ? t2 : nil)
    flair = draw.flair()
    random = draw.random
  }

  private struct Draw {
    let isHigh: Bool
    let fluidT1: Double
    let options: PhysicsOptions
    var random: RandomSource

    init(isHigh: Bool, fluidT1: Double, _ options: PhysicsOptions, random: RandomSource) {
      (self.isHigh, self.fluidT1, self.options, self.random) = (isHigh, fluidT1, options, random)
    }

    /// Within the range, and nearer its middle the smaller the width.
    mutating func between(_ lower: Double, _ upper: Double) -> Double {
      (lower + upper) / 2 + options.sequences * (random.uniform(lower, upper) - (lower + upper) / 2)
    }

    /// Of a turbo spin echo, whose stimulated echoes lengthen T2 by up to three tenths.
    mutating func effective(_ echo: Double) -> Double { echo / between(1, 1.3) }

    mutating func t1(_ family: T1Family) -> Acquisition {
      switch family {
      case .preparedGradientEcho:
        return prepared()
      case .spinEcho:
        let sequence = PulseSequence(.spinEcho, repetition: between(0.35, 0.95), echo: between(0.008, 0.022))
        // Of slices in between, which lie within each other's pulses, more.
        return Acquisition(sequence: sequence, transfer: random.uniform(0.2, 1.5))
      case .spoiledGradientEcho:
        let repetition = exp(between(log(0.007), log(0.035)))
        let flip = min(max((1000 * repetition).squareRoot() * between(4.2, 6.2), 12), 35)
        let sequence = PulseSequence(
          .spoiledGradientEcho(flip: flip), repetition: repetition, echo: between(0.002, 0.006))
        return Acquisition(sequence: sequence, transfer: random.uniform(0, 0.4))
      case .inversionRecovery:
        let (repetition, echo) = (between(1.8, 2.6), between(0.008, 0.025))
        let null = PulseSequence.nulling(t1: fluidT1, repetition: repetition, echo: echo)
        let inversion = min(max(null * between(0.82, 1.02), 0.7), 0.95)
        let sequence = PulseSequence(
          .inversionRecovery(inversion: inversion), repetition: repetition, echo: echo)
        return Acquisition(sequence: sequence, transfer: random.uniform(0.2, 0.8))
      }
    }

    /// MPRAGE and its kin.
    private mutating func prepared() -> Acquisition {
      let repetition = between(1.6, 2.6)
      let inversion = isHigh ? between(0.8, 1.1) : between(0.7, 1.0)
      let spacing = between(0.006, 0.010)
      // The train must fit between inversion and inversion.
      let longest = 2 * min(inversion, repetition - inversion) * 0.95 / spacing
      let readouts = min(Int(between(100, 190)), Int(longest))
      let kind = PulseSequence.Kind.preparedGradientEcho(
        flip: between(7, 13), inversion: inversion, spacing: spacing, readouts: readouts)
      let sequence = PulseSequence(kind, repetition: repetition, echo: between(0.002, 0.0046))
      return Acquisition(sequence: sequence, transfer: random.uniform(0, 0.3))
    }

    mutating func t2() -> Acquisition {
      let sequence = PulseSequence(
        .spinEcho, repetition: between(2.8, 9), echo: effective(between(0.075, 0.125)))
      return Acquisition(sequence: sequence, transfer: random.uniform(0.6, 1.2))
    }

    /// - Parameter second: the acquisition that it is the first echo of, if any.
    mutating func pd(with second: Acquisition?) -> Acquisition {
      let (own, echo) = (between(2.2, 8.5), between(0.008, 0.030))
      let sequence = PulseSequence(.spinEcho, repetition: second?.sequence.repetition ?? own, echo: echo)
      return Acquisition(sequence: sequence, transfer: second?.transfer ?? random.uniform(0.6, 1.2))
    }

    mutating func flair() -> Acquisition {
      let (repetition, echo) = (exp(between(log(4.8), log(11))), effective(between(0.080, 0.150)))
      let isVolume = random.chance(0.4)
      // The inversion time is set for fluid in general, not for this person.
      let miss = 1 + min(max(0.05 * options.sequences * random.normal() - 0.01, -0.15), 0.10)
      let inversion = miss * PulseSequence.nulling(t1: fluidT1, repetition: repetition, echo: echo)
      let sequence = PulseSequence(
        .inversionRecovery(inversion: inversion), repetition: repetition, echo: echo)
      let inflow = options.inflow * pow(random.uniform(), 1.5)
      return Acquisition(
        sequence: sequence, transfer: isVolume ? random.uniform(0.2, 0.8) : random.uniform(0.6, 1.2),
        inflow: inflow)
    }
  }
}

import Foundation
import Imaging

/// The signal of every tissue in every contrast of one person, on the scale that networks see, and how it changes with the
/// tissue's values from place to place.
package struct SignalTable: Sendable {
  /// Of one tissue, with contrasts as lanes in the order of `modalities`: the signal, and its derivatives by the logarithms of
  /// T1, T2 and density.
  package struct Entry: Sendable {
    package var signal = SIMD8<Float>.zero
    package var t1 = SIMD8<Float>.zero
    package var t2 = SIMD8<Float>.zero
    package var density = SIMD8<Float>.zero
    /// What the signal changes by where it is all the tissue that this one is mixed with.
    package var mixed = SIMD8<Float>.zero
    /// The share of that tissue where the texture's mixture is 0, and how fast it rises with that.
    package var mixture: (share: Float, slope: Float) = (0, 1)
  }

  package let modalities: [Modality]
  /// By raw value of `TissueClass`.
  package private(set) var entries: [Entry]

  /// - Parameters:
  ///   - volumes: how much there is of each tissue, by raw value: the scale is the whole head's.
  ///   - jitter: by contrast and tissue what the signal is multiplied by.
  ///   - faded: how much nearer grey matter comes to white matter in T1 that are spin echoes, as a share of the way.
  ///   - outerTexture: how much more of texture there is outside the brain.
  package init(
    _ modalities: [Modality], _ values: TissueValues, _ sequences: SequenceDraw, _ gadolinium: Gadolinium,
    jitter: [[Float]], faded: Float = 0, outerTexture: Double = 1, volumes: [Double]
  ) {
    precondition(modalities.count <= 8 && jitter.count == modalities.count)
    self.modalities = modalities
    entries = [Entry](repeating: Entry(), count: 8 * values.groups.count)
    for (lane, modality) in modalities.enumerated() {
      let acquisition = sequences[modality]
      let equation = SignalEquation(acquisition.sequence)
      for (group, native) in values.groups.enumerated() {
        let tissue = modality == .t1gd ? gadolinium.added(to: native, group: group) : native
        let step: Float = 0.04
        let signal = equation(tissue)
        var (moved, slow) = (tissue, native)
        // The texture is the native tissue's; contrast medium comes on top.
        slow.r1 *= exp(-step)
        moved = modality == .t1gd ? gadolinium.added(to: slow, group: group) : slow
        let t1 = (equation(moved) - signal) / step
        slow = native
        slow.r2 *= exp(-step)
        moved = modality == .t1gd ? gadolinium.added(to: slow, group: group) : slow
        let t2 = (equation(moved) - signal) / step
        // What flows in has not been inverted.
        let fresh = SignalEquation(
          PulseSequence(
            .spinEcho, repetition: acquisition.sequence.repetition, echo: acquisition.sequence.echo))(tissue)
        for part in 0..<8 {
          let index = 8 * group + part
          let factor = jitter[lane][index] * (1 - Float(acquisition.transfer) * values.transfer[index])
          let isFluid = TissueClass(rawValue: UInt8(index))?.isFluid ?? false
          let inflow = isFluid ? Float(acquisition.inflow) : 0
          entries[index].signal[lane] = factor * (signal[part] + inflow * (fresh[part] - signal[part]))
          entries[index].t1[lane] = factor * t1[part]
          entries[index].t2[lane] = factor * t2[part]
          entries[index].density[lane] = factor * signal[part]
        }
      }
      if [.t1, .t1gd].contains(modality), acquisition.isSpinEcho { fade(faded, lane: lane) }
    }
    scale(volumes)
    for tissue in TissueClass.allCases { soften(tissue, outerTexture: Float(outerTexture)) }
    for (tissue, other) in Self.mixtures {
      entries[Int(tissue.rawValue)].mixed =
        entries[Int(other.rawValue)].signal - entries[Int(tissue.rawValue)].signal
    }
  }

  /// Outside the brain label maps draw one line where there are many: muscles, glands and skin hold fat, fat is crossed by
  /// fibres, and bone holds marrow.
  private static let mixtures: [(TissueClass, with: TissueClass)] = [
    (.muscle, .fat), (.skin, .fat), (.bone, .fat), (.fat, .muscle),
  ]

  /// Puts every contrast on the scale that its whole head has.
  private mutating func scale(_ volumes: [Double]) {
    for lane in modalities.indices {
      let signals = entries.map { $0.signal[lane] }
      var padded = volumes + [Double](repeating: 0, count: max(0, signals.count - volumes.count))
      // Label maps' fat is a quarter of a head; in scans, which seldom show the whole face, it is a thin bright rim.
      padded[Int(TissueClass.fat.rawValue)] *= 0.35
      let factor = Float(ForegroundScale.level / (ForegroundScale.of(signals, weights: padded) ?? 1))
      for index in entries.indices {
        entries[index].signal[lane] *= factor
        entries[index].t1[lane] *= factor
        entries[index].t2[lane] *= factor
        entries[index].density[lane] *= factor
      }
    }
  }

  /// Makes this share of fat muscle, in patches.
  mutating func loosenFat(_ share: Double) {
    entries[Int(TissueClass.fat.rawValue)].mixture = (Float(share), 2)
  }

  /// Fluid and what carries no texture of its own vary little from place to place, lesions and what lies outside the brain much.
  private mutating func soften(_ tissue: TissueClass, outerTexture: Float) {
    let share: Float
    switch tissue {
    case .background: share = 0
    case .ventricularFluid, .sulcalFluid, .cavity, .eyeFluid: share = 0.25
    case .fat, .bone, .muscle, .skin, .dura: share = outerTexture
    case _ where tissue.isLesion: share = tissue == .plaque || tissue == .whiteMatterLesion ? 2 : 3
    default: share = 1
    }
    let index = Int(tissue.rawValue)
    entries[index].t1 *= share
    entries[index].t2 *= share
    entries[index].density *= share
  }

  /// Brings grey matter this share of the way to white matter, in a contrast.
  ///
  /// In spin echoes of many thick slices the two differ less than their T1 says: of 17 people with gliomas twelve show hardly any
  /// difference, where tumours are dark all the same.
  private mutating func fade(_ share: Float, lane: Int) {
    for tissue in TissueClass.allCases where tissue.isGrey {
      let white: TissueClass = tissue == .cerebellarGrey ? .cerebellarWhite : .whiteMatter
      let (own, other) = (Int(tissue.rawValue), Int(white.rawValue))
      entries[own].signal[lane] += share * (entries[other].signal[lane] - entries[own].signal[lane])
    }
  }

  /// The value below which this share of the head lies, in a contrast.
  func quantile(_ share: Double, lane: Int, volumes: [Double]) -> Float {
    let signals = volumes.indices.map { (value: entries[$0].signal[lane], volume: volumes[$0]) }
      .filter { $0.volume > 0 }.sorted { $0.value < $1.value }
    var left = share * signals.reduce(0) { $0 + $1.volume }
    for signal in signals {
      left -= signal.volume
      if left <= 0 { return signal.value }
    }
    return signals.last?.value ?? 0
  }

  /// What the signal of every tissue in every contrast is multiplied by, for what signal equations leave out.
  static func jitter(
    _ modalities: [Modality], _ sequences: SequenceDraw, _ options: PhysicsOptions,
    _ random: inout RandomSource
  ) -> [[Float]] {
    let fat = random.uniform(0.8, 1.2)
    let all = Modality.allCases.map { modality in
      var kin = Kinship(&random)
      return TissueClass.allCases.map { tissue in
        let normal = min(max(kin.normals(tissue, &random).x, -2.5), 2.5)
        // Fluid moves, and is mixed with what lies in it.
        let width = tissue.isFluid ? 2.5 * options.jitter : options.jitter
        return Float(exp(width * normal) * shown(tissue, modality, sequences[modality], fat: fat, &random))
      }
    }
    return modalities.map { modality in
      var row = all[Modality.allCases.firstIndex(of: modality) ?? 0]
      // What was acquired alike errs alike.
      if modality == .t1gd, sequences.t1 == sequences.t1gd {
        let first = all[Modality.allCases.firstIndex(of: .t1) ?? 0]
        for index in row.indices where !TissueClass.allCases[index].isVessel {
          row[index] = pow(first[index], 0.9) * pow(row[index], 0.3)
        }
      }
      return row + [Float](repeating: 1, count: (row.count + 7) / 8 * 8 - row.count)
    }
  }

  /// The share of a tissue's signal that is seen: of blood what has not left, of fat what is not suppressed.
  ///
  /// What label maps call fat holds other tissue too, and lies nearer the coils; trains of echoes undo the coupling of its
  /// spins, which makes it brighter than its T2 does (Henkelman et al. 1992). Over ten heads it came out 2.2 times as bright as
  /// the brain in T1 and in FLAIR.
  private static func shown(
    _ tissue: TissueClass, _ modality: Modality, _ acquisition: SequenceDraw.Acquisition, fat: Double,
    _ random: inout RandomSource
  ) -> Double {
    guard tissue.isVessel || tissue == .fat else { return 1 }
    let suppressed =
      switch modality {
      case .t1: 0.05
      case .t1gd: 0.15
      case .t2, .pd: 0.2
      case .flair: 0.2
      }
    let (share, isSuppressed) = (random.uniform(), random.chance(suppressed))
    if tissue == .fat {
      if isSuppressed { return 0.1 + 0.3 * share }
      let train = modality == .t1 || modality == .t1gd ? 1 : 1.15
      return fat * train * (0.9 + 0.2 * share)
    }
    if acquisition.isGradientEcho { return tissue == .artery ? 0.6 + share : 0.5 + 0.7 * share }
    return modality == .t1gd ? 0.2 + 0.7 * share : 0.4 * share
  }
}

extension SignalTable {
  /// Whether every contrast looks like itself: healthy tissue in the order by which readers know it, lesions of white matter
  /// bright in FLAIR, and what holds much water dark in T1.
  package var isPlausible: Bool {
    func signal(_ tissue: TissueClass) -> SIMD8<Float> { entries[Int(tissue.rawValue)].signal }
    let (white, grey, fluid) = (signal(.whiteMatter), signal(.corticalGrey), signal(.ventricularFluid))
    let lesions = [
      TissueClass.plaque, .whiteMatterLesion, .oedema, .enhancingTumour, .nonEnhancingTumour, .stroke,
    ].map(signal)
    return modalities.indices.allSatisfy { lane in
      switch modalities[lane] {
      case .t1, .t1gd:
        white[lane] > 1.03 * grey[lane] && grey[lane] > 1.1 * fluid[lane]
          && [TissueClass.oedema, .nonEnhancingTumour].allSatisfy { signal($0)[lane] < 0.97 * white[lane] }
      case .t2: grey[lane] > 0.95 * white[lane] && fluid[lane] > 1.2 * grey[lane]
      case .pd: true
      case .flair:
        fluid[lane] < white[lane] && (0.82...1.35).contains(grey[lane] / white[lane])
          && lesions.allSatisfy { $0[lane] > 1.12 * white[lane] }
      }
    }
  }

  /// Draws a person's tissues and sequences until the contrasts look like themselves, and gives their signals.
  package static func drawn(
    _ modalities: [Modality], _ options: PhysicsOptions, isStripped: Bool, volumes: [Double],
    _ random: inout RandomSource
  ) -> (table: SignalTable, sequences: SequenceDraw) {
    var draws = 0
    let spinEchoes = isStripped ? options.spinEchoes : options.spinEchoesWhole
    let families = (T1Family(spinEchoes: spinEchoes, &random), T1Family(spinEchoes: spinEchoes, &random))
    let faded = random.chance(options.faded) ? Float(random.uniform(0.2, 0.8)) : 0
    while true {
      let values = TissueValues(options, &random)
      let sequences = SequenceDraw(
        fieldStrength: values.fieldStrength, fluidT1: Double(1 / values.r1(of: .ventricularFluid)),
        families: families, options, &random)
      let gadolinium = Gadolinium(&random)
      let table = SignalTable(
        modalities, values, sequences, gadolinium,
        jitter: jitter(modalities, sequences, options, &random), faded: faded,
        outerTexture: options.outerTexture, volumes: volumes)
      draws += 1
      if table.isPlausible || draws == 100 { return (table, sequences) }
    }
  }
}

import Cohorts
import Foundation
import Imaging
import Testing

/// Signals of tissues, before any image.
@Suite struct PhysicsSignalTests {
  private let modalities = Modality.allCases

  /// Volumes of a head as the scale wants them.
  private let volumes = TissueClass.allCases.map { tissue -> Double in
    switch tissue {
    case .whiteMatter: 480
    case .corticalGrey: 520
    case .cerebellarGrey: 100
    case .sulcalFluid: 170
    case .ventricularFluid: 30
    case .dura: 10
    default: 0
    }
  }

  private func table(
    _ options: PhysicsOptions, isStripped: Bool = true, stream: UInt64
  ) -> (SignalTable, SequenceDraw) {
    var random = RandomSource(seed: 8, stream: stream)
    return SignalTable.drawn(modalities, options, isStripped: isStripped, volumes: volumes, &random)
  }

  private func signal(_ table: SignalTable, _ tissue: TissueClass, _ modality: Modality) -> Float {
    table.entries[Int(tissue.rawValue)].signal[modalities.firstIndex(of: modality) ?? 0]
  }

  /// The closed form against the magnetisation followed from inversion to inversion until nothing changes.
  @Test func preparedGradientEchoIsTheSteadyState() {
    let (repetition, inversion, spacing, readouts, flip) = (2.3, 0.9, 0.007, 160, 9.0)
    let sequence = PulseSequence(
      .preparedGradientEcho(flip: flip, inversion: inversion, spacing: spacing, readouts: readouts),
      repetition: repetition, echo: 0)
    for t1 in [0.4, 0.85, 1.4, 2.5, 4.2] {
      func relaxed(_ m: Double, _ time: Double) -> Double { 1 + (m - 1) * exp(-time / t1) }
      let (angle, train) = (flip * .pi / 180, spacing * Double(readouts))
      var (m, expected) = (1.0, 0.0)
      for _ in 0..<30 {
        m = relaxed(-m, inversion - train / 2)
        for readout in 0..<readouts {
          if readout == readouts / 2 { expected = abs(m * sin(angle)) }
          m = relaxed(m * cos(angle), spacing)
        }
        m = relaxed(m, repetition - inversion - train / 2)
      }
      let tissue = TissueParameters(
        r1: SIMD8(repeating: Float(1 / t1)), r2: .one, density: .one)
      #expect(abs(Double(SignalEquation(sequence)(tissue)[2]) - expected) < 2e-5, "T1 \(t1)")
    }
  }

  /// Without spread: the middle of every range, whichever family is drawn.
  @Test func contrastsAreOrderedAsOnScanners() {
    var options = PhysicsOptions()
    (options.commonRelaxation, options.t1, options.t2, options.density) = (0, 0, 0, 0)
    (options.lesionT1, options.lesionT2, options.fluidT2, options.jitter) = (0, 0, 0, 0)
    (options.sequences, options.inflow) = (0, 0)
    for stream in UInt64(0)..<100 {
      let (table, _) = table(options, stream: stream)
      for modality in [Modality.t1, .t1gd] {
        let (white, grey) = (
          signal(table, .whiteMatter, modality), signal(table, .corticalGrey, modality)
        )
        // Spin echoes of interleaved slices show the least difference.
        #expect(white > 1.03 * grey && grey > 1.2 * signal(table, .ventricularFluid, modality))
      }
      let grey = signal(table, .corticalGrey, .t2)
      #expect(grey > 1.1 * signal(table, .whiteMatter, .t2))
      #expect(signal(table, .ventricularFluid, .t2) > 1.5 * grey)
      let white = signal(table, .whiteMatter, .flair)
      #expect(signal(table, .ventricularFluid, .flair) < 0.6 * white)
      for lesion in [TissueClass.plaque, .whiteMatterLesion, .oedema] {
        #expect(signal(table, lesion, .flair) > 1.2 * white)
      }
      #expect(signal(table, .enhancingTumour, .t1gd) > signal(table, .enhancingTumour, .t1))
    }
  }

  /// Real people: grey and fluid over white matter in the brains of two scanners' patients lie within such ranges.
  @Test func drawsAreWide() {
    var ratios: [Modality: [Float]] = [:]
    for stream in UInt64(0)..<400 {
      let (table, _) = table(PhysicsOptions(), stream: stream)
      for modality in modalities {
        let ratio = signal(table, .corticalGrey, modality) / signal(table, .whiteMatter, modality)
        ratios[modality, default: []].append(ratio)
      }
    }
    for (modality, low, high) in [
      (Modality.t1, Float(0.6), Float(0.85)), (.t2, 1.05, 1.6), (.flair, 0.9, 1.25), (.t1gd, 0.6, 0.85),
    ] {
      let sorted = (ratios[modality] ?? []).sorted()
      #expect(sorted[sorted.count / 40] < low && sorted[sorted.count - sorted.count / 40 - 1] > high)
    }
  }

  private func quantile(_ share: Double, _ values: [Float]) -> Double {
    Percentile.of(values, 100 * share) ?? .nan
  }

  /// Medians in lesions over white matter of 18 gliomas, two people with multiple sclerosis and four with lesions of age: 0.49 to 0.95 in T1 and 1.13 to 2.14 in FLAIR. Also what is dark in T1 is bright in FLAIR, cysts apart.
  @Test func lesionsCoverWhatRealOnesShow() {
    typealias Ratios = (t1: Float, flair: Float)
    func drawn(_ lesion: TissueClass) -> [Ratios] {
      (UInt64(0)..<600).map { stream in
        let (table, _) = table(PhysicsOptions(), isStripped: stream % 2 == 0, stream: stream)
        func ratio(_ modality: Modality) -> Float {
          signal(table, lesion, modality) / signal(table, .whiteMatter, modality)
        }
        return (ratio(.t1), ratio(.flair))
      }
    }
    let tumours = drawn(.nonEnhancingTumour)
    #expect(quantile(0.1, tumours.map(\.t1)) < 0.6 && quantile(0.95, tumours.map(\.t1)) > 0.85)
    #expect(quantile(0.1, tumours.map(\.flair)) < 1.3 && quantile(0.9, tumours.map(\.flair)) > 1.9)
    let dark = tumours.filter { $0.t1 < 0.65 }.map(\.flair)
    #expect(dark.count > 60 && quantile(0.5, dark) > 1.3)
    for lesion in [TissueClass.plaque, .whiteMatterLesion] {
      let lesions = drawn(lesion)
      #expect(quantile(0.1, lesions.map(\.t1)) < 0.65 && quantile(0.9, lesions.map(\.t1)) > 0.8)
      #expect((1.3...1.8).contains(quantile(0.5, lesions.map(\.flair))))
    }
  }

  /// The scale is that of the whole head: the same rule over all of its tissue gives the level.
  @Test func aHeadLiesAtTheLevel() throws {
    for stream in UInt64(0)..<20 {
      let (table, _) = table(PhysicsOptions(), stream: stream)
      for lane in modalities.indices {
        let signals = table.entries.prefix(volumes.count).map { $0.signal[lane] }
        let scale = try #require(ForegroundScale.of(signals, weights: volumes))
        #expect(abs(scale - ForegroundScale.level) < 1e-5)
      }
    }
  }

  /// Derivatives against signals of tissue that is a little other, where nothing else moves the scale.
  @Test func textureFollowsTheSignalEquation() {
    let options = PhysicsOptions()
    var random = RandomSource(seed: 1)
    let sequences = SequenceDraw(
      fieldStrength: 3, fluidT1: 4.2, families: (.preparedGradientEcho, .spinEcho), options, &random)
    let gadolinium = Gadolinium(&random)
    let plaque = Int(TissueClass.plaque.rawValue)
    func entry(_ change: (inout TissueParameters) -> Void) -> SignalTable.Entry {
      var values = TissueValues(fieldStrength: 3)
      change(&values.groups[plaque / 8])
      return SignalTable(
        modalities, values, sequences, gadolinium,
        jitter: modalities.map { _ in [Float](repeating: 1, count: 32) }, volumes: volumes
      ).entries[plaque]
    }
    let (here, step) = (entry { _ in }, Float(0.02))
    // Texture is stronger in lesions, by a factor.
    let factor = here.density[0] / here.signal[0]
    #expect(factor >= 1)
    let longer = entry { $0.r1 *= exp(-step) }.signal - here.signal
    let slower = entry { $0.r2 *= exp(-step) }.signal - here.signal
    for lane in modalities.indices {
      #expect(abs(longer[lane] * factor / step - here.t1[lane]) < 0.02 * here.signal[lane])
      #expect(abs(slower[lane] * factor / step - here.t2[lane]) < 0.02 * here.signal[lane])
    }
  }

  @Test func mostPeopleHaveOneT1SequenceAndAllFamiliesOccur() {
    var (same, families) = (0, Set<String>())
    for stream in UInt64(0)..<400 {
      let (_, sequences) = table(PhysicsOptions(), stream: stream)
      same += sequences.t1 == sequences.t1gd ? 1 : 0
      let name = String(describing: sequences.t1.sequence.kind)
      families.insert(String(name.prefix { $0 != "(" }))
    }
    #expect((295...345).contains(same))
    #expect(families.count == 4)
  }

  /// Spin echoes look like T1 less often than others as they are drawn, and are drawn again as spin echoes then.
  @Test func spinEchoesAreAsManyAsAreMeantToBe() {
    for (isStripped, expected) in [(true, 90...150), (false, 235...305)] {
      let draws = (UInt64(0)..<600).map { table(PhysicsOptions(), isStripped: isStripped, stream: $0) }
      #expect(expected.contains(draws.count { $0.1.t1.isSpinEcho }))
      #expect(draws.count { $0.0.isPlausible } >= 590)
    }
  }

  /// Of people in whose spin echo grey matter is hardly seen; others' T1 stay as they are, and tumours are dark in all.
  @Test func greyMatterFadesInSpinEchoesAlone() {
    var options = PhysicsOptions()
    func contrasts(_ faded: Double) -> (spinEchoes: [Float], others: [Float], tumours: [Float]) {
      options.faded = faded
      var result: (spinEchoes: [Float], others: [Float], tumours: [Float]) = ([], [], [])
      for stream in UInt64(0)..<300 {
        let (table, sequences) = table(options, stream: stream)
        func signal(_ tissue: TissueClass) -> Float { table.entries[Int(tissue.rawValue)].signal[0] }
        let ratio = signal(.corticalGrey) / signal(.whiteMatter)
        if sequences.t1.isSpinEcho { result.spinEchoes.append(ratio) } else { result.others.append(ratio) }
        result.tumours.append(signal(.nonEnhancingTumour) / signal(.whiteMatter))
      }
      return result
    }
    let (plain, faded) = (contrasts(0), contrasts(1))
    #expect(quantile(0.5, plain.spinEchoes) < 0.84 && quantile(0.5, faded.spinEchoes) > 0.87)
    #expect(abs(quantile(0.5, plain.others) - quantile(0.5, faded.others)) < 0.03)
    #expect((faded.tumours.max() ?? 1) < 0.97)
  }

  /// PD and T2 are mostly two echoes of one acquisition.
  @Test func firstAndSecondEchoAreOfOneAcquisition() {
    var pairs = 0
    for stream in UInt64(0)..<400 {
      let (_, sequences) = table(PhysicsOptions(), stream: stream)
      let isPair =
        sequences.pd.sequence.repetition == sequences.t2.sequence.repetition
        && sequences.pd.transfer == sequences.t2.transfer
      #expect(isPair == sequences.hasTwoEchoes)
      pairs += isPair ? 1 : 0
    }
    #expect((285...355).contains(pairs))
  }

  /// Over ten heads with skull the scalp was 2.2 times as bright as the brain in T1 and in FLAIR, and where it is not
  /// suppressed in one it mostly is not in the other.
  @Test func fatIsBrightWhereItIsNotSuppressed() {
    var (ratios, suppressed) = ([Modality: [Float]](), 0)
    for stream in UInt64(0)..<400 {
      let (table, _) = table(PhysicsOptions(), stream: stream)
      for modality in [Modality.t1, .flair] {
        let ratio = signal(table, .fat, modality) / signal(table, .whiteMatter, modality)
        ratios[modality, default: []].append(ratio)
        suppressed += modality == .flair && ratio < 1.3 ? 1 : 0
      }
    }
    for values in ratios.values {
      let sorted = values.sorted()
      #expect((1.9...3.3).contains(sorted[200]), "\(sorted[200])")
    }
    #expect((50...110).contains(suppressed))
  }

  /// Fluid over white matter in FLAIR is 0.13 to 0.31 in the ventricles of 18 real people, 0.2 in the middle.
  @Test func fluidIsNearlyNulledInFLAIR() {
    let ratios = (UInt64(0)..<400).map { stream in
      let (table, _) = table(PhysicsOptions(), stream: stream)
      return signal(table, .ventricularFluid, .flair) / signal(table, .whiteMatter, .flair)
    }.sorted()
    #expect((0.17...0.28).contains(ratios[200]), "\(ratios[200])")
    #expect(ratios[40] < 0.13 && ratios[360] > 0.31 && ratios[360] < 0.6)
  }

  /// Outside the brain texture changes signals more, inside it does not.
  @Test func whatLiesOutsideTheBrainVariesMost() {
    func entries(_ share: Double) -> [SignalTable.Entry] {
      var options = PhysicsOptions()
      options.outerTexture = share
      return table(options, stream: 3).0.entries
    }
    let (plain, rough) = (entries(1), entries(3))
    for tissue in TissueClass.allCases {
      let (a, b) = (plain[Int(tissue.rawValue)], rough[Int(tissue.rawValue)])
      let factor: Float = [.fat, .muscle, .skin, .bone, .dura].contains(tissue) ? 3 : 1
      #expect(b.signal == a.signal && b.t1 == a.t1 * factor && b.t2 == a.t2 * factor, "\(tissue)")
    }
  }

  /// Contrast medium shortens T1 where the barrier is broken, and hardly elsewhere.
  @Test func muscleAndSkinAreBrightAfterContrastMedium() {
    for tissue in [TissueClass.muscle, .skin] {
      let gains = (UInt64(0)..<300).map { stream in
        let (table, _) = table(PhysicsOptions(), stream: stream)
        func ratio(_ modality: Modality) -> Float {
          signal(table, tissue, modality) / signal(table, .whiteMatter, modality)
        }
        return ratio(.t1gd) / ratio(.t1)
      }.sorted()
      #expect(
        (1.35...1.8).contains(gains[150]) && gains[30] < 1.5 && gains[270] > 1.6,
        "\(gains[30]) \(gains[150]) \(gains[270])")
    }
  }

  @Test func gadoliniumGoesWhereItBelongs() {
    for stream in UInt64(0)..<50 {
      var random = RandomSource(seed: 2, stream: stream)
      let gadolinium = Gadolinium(&random)
      func rate(_ tissue: TissueClass) -> Float { gadolinium.r1[Int(tissue.rawValue)] }
      #expect((0.3...2.4).contains(rate(.enhancingTumour)) && (0.8...4).contains(rate(.vein)))
      #expect(rate(.whiteMatter) <= 0.06 && rate(.corticalGrey) <= 0.13)
      #expect(rate(.ventricularFluid) <= 0.1 && rate(.cavity) == 0 && rate(.background) == 0)
    }
  }
}

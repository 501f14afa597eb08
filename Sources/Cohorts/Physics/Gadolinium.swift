import Imaging

/// What contrast medium adds to the relaxation rates of each tissue of one person, 1/s.
///
/// Of enhancing tumour about as much as T1 was measured to fall there (by some 840 ms in glioblastomas, 120 ms in oedema and
/// 30 ms in healthy tissue); of blood what 0.3 to 1.2 mmol/l do at relaxivities of 2.6 to 3.5 (Szomolanyi et al. 2019).
/// Of muscle and skin what makes them 1.5 to 1.8 times as bright against white matter, as in eight people with gliomas; of fluid what
/// small vessels and membranes in it take up, which brightens it by a quarter to a half there and in four people with stripped brains.
package struct Gadolinium: Sendable {
  /// By raw value of `TissueClass`, a whole number of vectors of eight.
  package let r1: [Float]
  /// R2 rises by somewhat more than R1.
  package let ratio: Float

  /// The smallest and the largest rise of R1.
  private static func range(_ tissue: TissueClass, activePlaques: Bool) -> (Double, Double)? {
    switch tissue {
    case .whiteMatter, .cerebellarWhite, .brainStem: (0.015, 0.06)
    case .corticalGrey, .cerebellarGrey, .limbicGrey: (0.04, 0.13)
    case .thalamus, .caudate, .putamen, .pallidum: (0.03, 0.08)
    case .choroidPlexus: (1, 3)
    case .artery, .vein: (0.8, 4)
    case .dura: (0.5, 2.5)
    case .plaque: activePlaques ? (0.2, 1.2) : (0.02, 0.08)
    case .whiteMatterLesion: (0.02, 0.08)
    case .oedema, .nonEnhancingTumour: (0.03, 0.15)
    case .enhancingTumour: (0.3, 2.4)
    case .necrosis: (0.01, 0.2)
    case .blood: (0.02, 0.3)
    case .stroke: (0.02, 0.5)
    case .muscle: (0.35, 1.4)
    case .skin: (0.4, 1.8)
    case .fat: (0.01, 0.05)
    case .ventricularFluid: (0.01, 0.10)
    case .sulcalFluid: (0.03, 0.25)
    case .background, .cavity, .eyeFluid, .bone: nil
    }
  }

  package init(_ random: inout RandomSource) {
    let activePlaques = random.chance(0.2)
    var rates = [Float](repeating: 0, count: (TissueClass.count + 7) / 8 * 8)
    for tissue in TissueClass.allCases {
      guard let (lower, upper) = Self.range(tissue, activePlaques: activePlaques) else { continue }
      rates[Int(tissue.rawValue)] = Float(random.logUniform(lower, upper))
    }
    r1 = rates
    ratio = Float(random.uniform(1.1, 1.5))
  }

  /// The tissues of a vector of eight with contrast medium.
  func added(to tissue: TissueParameters, group: Int) -> TissueParameters {
    var new = tissue
    for lane in 0..<8 {
      new.r1[lane] += r1[8 * group + lane]
      new.r2[lane] += ratio * r1[8 * group + lane]
    }
    return new
  }
}

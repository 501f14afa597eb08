import Foundation
import Imaging

/// Relaxation times, proton densities and magnetisation transfer of every `TissueClass`, as drawn for one person.
///
/// The centres lie within what is published of healthy tissue (Wansapura et al. 1999, Rooney et al. 2007, Whittall et al.
/// 1997, Tofts 2003, Stanisz et al. 2005, Gold et al. 2004 for fat and muscle) and of lesions (Just and Thelen 1988, Larsson
/// et al. 1989). Studies differ by more than their errors, so that the draws are wide. Lesions' cover besides what 24 real
/// people show: the more water, the longer are T1 and T2 alike, so that what is dark in T1 is bright in FLAIR. Grey matter's
/// T2 lies at the lower end of what is published, and its density below most: grey over white matter is 0.9 to 1.2 in
/// FLAIR, and mostly 1, of 20 real people, where longer ones give 1.25.
package struct TissueValues: Sendable {
  /// T1 at 3 and at 1.5 T and T2 at 3 T in ms, density (water 1), and the signal that magnetisation transfer takes of a
  /// multi-slice turbo spin echo.
  private typealias Centre = (t1: Float, t1Low: Float, t2: Float, density: Float, transfer: Float)

  private static func centre(_ tissue: TissueClass) -> Centre {
    switch tissue {
    case .background: (1000, 1000, 100, 0, 0)
    case .whiteMatter: (875, 650, 80, 0.71, 0.16)
    case .corticalGrey: (1380, 1130, 86, 0.80, 0.11)
    case .thalamus: (1150, 950, 79, 0.75, 0.14)
    case .caudate: (1350, 1100, 79, 0.80, 0.11)
    case .putamen: (1250, 1050, 72, 0.79, 0.12)
    case .pallidum: (1000, 830, 52, 0.74, 0.17)
    case .limbicGrey: (1450, 1200, 95, 0.82, 0.09)
    case .brainStem, .cerebellarWhite: (950, 750, 83, 0.73, 0.16)
    case .cerebellarGrey: (1350, 1120, 86, 0.80, 0.10)
    case .ventricularFluid: (4200, 4070, 800, 1, 0)
    case .sulcalFluid: (4100, 3970, 650, 1, 0)
    case .choroidPlexus: (1800, 1500, 180, 0.90, 0.03)
    case .artery: (1650, 1450, 80, 0.80, 0.02)
    case .vein: (1600, 1400, 50, 0.80, 0.02)
    case .dura: (900, 800, 22, 0.50, 0.30)
    case .bone: (1000, 850, 25, 0.15, 0)
    case .fat: (370, 290, 130, 0.90, 0.02)
    case .muscle: (1350, 1080, 47, 0.76, 0.34)
    case .skin: (1000, 850, 55, 0.68, 0.22)
    case .eyeFluid: (4000, 3900, 800, 1, 0)
    case .plaque: (1350, 1100, 135, 0.83, 0.10)
    case .whiteMatterLesion: (1230, 1030, 122, 0.80, 0.12)
    case .oedema: (1650, 1430, 165, 0.86, 0.09)
    case .enhancingTumour: (1550, 1260, 130, 0.85, 0.07)
    case .nonEnhancingTumour: (2000, 1700, 200, 0.89, 0.05)
    case .necrosis: (2300, 1950, 300, 0.94, 0.02)
    case .cavity: (3900, 3800, 800, 0.99, 0)
    case .blood: (650, 550, 90, 0.80, 0.05)
    case .stroke: (1650, 1400, 170, 0.87, 0.07)
    }
  }

  /// Vectors of eight tissues each, by raw value.
  package var groups: [TissueParameters]
  /// By raw value.
  package var transfer: [Float]
  package let fieldStrength: Double

  /// The values of the literature.
  package init(fieldStrength: Double) {
    self.fieldStrength = fieldStrength
    let isHigh = fieldStrength > 2
    let count = (TissueClass.count + 7) / 8
    groups = [TissueParameters](
      repeating: TissueParameters(r1: .one, r2: SIMD8(repeating: 10), density: .zero), count: count)
    transfer = [Float](repeating: 0, count: 8 * count)
    for tissue in TissueClass.allCases {
      let centre = Self.centre(tissue)
      let (group, lane) = Int(tissue.rawValue).quotientAndRemainder(dividingBy: 8)
      groups[group].r1[lane] = 1000 / (isHigh ? centre.t1 : centre.t1Low)
      groups[group].r2[lane] = 1000 / (isHigh ? centre.t2 : 1.07 * centre.t2)
      groups[group].density[lane] = centre.density
      transfer[Int(tissue.rawValue)] = centre.transfer
    }
  }

  /// One person's values.
  package init(_ options: PhysicsOptions, _ random: inout RandomSource) {
    self.init(fieldStrength: random.chance(options.highField) ? 3 : 1.5)
    let common = (t1: random.factor(options.commonRelaxation), t2: random.factor(options.commonRelaxation))
    let transferred = random.factor(0.2)
    var kin = Kinship(&random)
    for tissue in TissueClass.allCases {
      let (group, lane) = Int(tissue.rawValue).quotientAndRemainder(dividingBy: 8)
      let widths = Self.widths(tissue, options)
      var drawn = kin.normals(tissue, &random)
      // The more water a lesion holds, the longer are both.
      if tissue.isLesion { drawn.y = 0.6 * drawn.x + 0.8 * drawn.y }
      var (t1, t2) = (Self.factor(widths.t1, drawn.x), Self.factor(widths.t2, drawn.y))
      if !Self.isWater(tissue) { (t1, t2) = (t1 * common.t1, t2 * common.t2) }
      groups[group].r1[lane] /= Float(t1)
      groups[group].r2[lane] /= Float(t2)
      groups[group].density[lane] *= Float(Self.factor(widths.density, drawn.z))
      groups[group].density[lane] = min(groups[group].density[lane], 1)
      transfer[Int(tissue.rawValue)] *= Float(transferred)
    }
    follow()
  }

  /// Lesions of white matter are drawn about the white matter of this person, and relax more slowly than it.
  private mutating func follow() {
    let centre = TissueValues(fieldStrength: fieldStrength)
    let white = Int(TissueClass.whiteMatter.rawValue)
    let (drawn, usual) = (groups[white / 8], centre.groups[white / 8])
    let (r1, r2) = (drawn.r1[white % 8], drawn.r2[white % 8])
    for tissue in [
      TissueClass.plaque, .whiteMatterLesion, .oedema, .enhancingTumour, .nonEnhancingTumour, .stroke,
    ] {
      let (group, lane) = Int(tissue.rawValue).quotientAndRemainder(dividingBy: 8)
      groups[group].r1[lane] *= pow(r1 / usual.r1[white % 8], 0.7)
      groups[group].r2[lane] *= pow(r2 / usual.r2[white % 8], 0.7)
      groups[group].r1[lane] = min(groups[group].r1[lane], r1 / 1.1)
      groups[group].r2[lane] = min(groups[group].r2[lane], r2 / 1.3)
    }
  }

  /// R1 of a tissue, 1/s.
  package func r1(of tissue: TissueClass) -> Float {
    groups[Int(tissue.rawValue) / 8].r1[Int(tissue.rawValue) % 8]
  }

  private static func factor(_ deviation: Double, _ normal: Double) -> Double {
    exp(deviation * min(max(normal, -2.5), 2.5))
  }

  private static func isWater(_ tissue: TissueClass) -> Bool {
    tissue.isFluid || tissue == .eyeFluid || tissue == .cavity
  }

  private static func widths(_ tissue: TissueClass, _ options: PhysicsOptions) -> (
    t1: Double, t2: Double, density: Double
  ) {
    // Fluid is nearly water, whose T1 and density are known; flow shortens its T2.
    if isWater(tissue) { return (options.t1, options.fluidT2, options.density / 5) }
    if tissue.isLesion { return (options.lesionT1, options.lesionT2, options.density) }
    // Of bone and dura little is known, and nobody looks at them.
    if tissue == .bone || tissue == .dura { return (options.t1, 2 * options.t2, 4 * options.density) }
    // What label maps call so holds glands, tongue and mucosa too, which have longer T2.
    if tissue == .muscle || tissue == .skin {
      return (1.5 * options.t1, 2 * options.t2, 2 * options.density)
    }
    return (options.t1, options.t2, options.density)
  }
}

/// Normal numbers that tissues of one kind have largely in common: white matter here and there, cortex and cerebellum.
struct Kinship {
  /// How much of the variance is the kind's.
  private static let common = 0.6
  private let kinds: [SIMD3<Double>]

  init(_ random: inout RandomSource) { kinds = (0..<4).map { _ in Self.normals(&random) } }

  mutating func normals(_ tissue: TissueClass, _ random: inout RandomSource) -> SIMD3<Double> {
    let own = Self.normals(&random)
    let kind: Int
    switch tissue {
    case _ where tissue.isWhite: kind = 0
    case _ where tissue.isDeepGrey && tissue != .limbicGrey: kind = 2
    case _ where tissue.isGrey: kind = 1
    case _ where tissue.isFluid: kind = 3
    default: return own
    }
    return Self.common.squareRoot() * kinds[kind] + (1 - Self.common).squareRoot() * own
  }

  private static func normals(_ random: inout RandomSource) -> SIMD3<Double> {
    SIMD3(random.normal(), random.normal(), random.normal())
  }
}

import Imaging

/// The tissues of a voxel, as lanes of a vector of eight.
package enum Tissue: Int, CaseIterable, Sendable {
  case fluid, grey, white, oedema, necrosis, enhancing, blood, plaque
}

/// Relaxation rates (1/s) and proton densities (water = 1) of the eight tissues.
///
/// Healthy tissue: T1 and T2 at 3 T after Wansapura et al. 1999 (white 832/80 ms, grey 1331/110 ms); T1 at 1.5 T
/// after Rooney et al. 2007 (white 656, grey 1188, fluid 4070 ms); fluid at 3 T and blood after Lu et al. 2005;
/// T2 at 1.5 T and proton density after Whittall et al. 1997 and Tofts 2003 (white 0.70, grey 0.82). The fluid's
/// T2 is shortened by flow, and the blood's T2 stands for the flow void of a spin echo. Lesions lie within the
/// ranges that Just and Thelen 1988 (tumour, oedema) and Larsson et al. 1989 (plaques) report.
package struct TissueParameters: Sendable {
  package var r1: SIMD8<Float>
  package var r2: SIMD8<Float>
  package var density: SIMD8<Float>

  package init(r1: SIMD8<Float>, r2: SIMD8<Float>, density: SIMD8<Float>) {
    (self.r1, self.r2, self.density) = (r1, r2, density)
  }

  package init(fieldStrength: Double) {
    let isHigh = fieldStrength > 2
    //                          fluid grey  white oedema necrosis enhancing blood plaque
    let t1: SIMD8<Float> =
      isHigh
      ? [4160, 1331, 832, 1550, 2300, 1450, 1584, 1350] : [4070, 1188, 656, 1400, 1950, 1180, 1480, 1080]
    let t2: SIMD8<Float> =
      isHigh ? [1500, 110, 80, 165, 260, 125, 35, 150] : [1700, 102, 84, 170, 270, 128, 45, 155]
    r1 = 1000 / t1
    r2 = 1000 / t2
    density = [1, 0.82, 0.70, 0.85, 0.92, 0.84, 0.80, 0.83]
  }

  /// One person's own values: rates within about 2.5 %, density within 1 % of the above.
  package func varied(_ random: inout RandomSource) -> TissueParameters {
    var new = self
    for lane in 0..<8 {
      new.r1[lane] *= Float(1 + 0.025 * min(max(random.normal(), -2), 2))
      new.r2[lane] *= Float(1 + 0.025 * min(max(random.normal(), -2), 2))
      new.density[lane] *= Float(1 + 0.01 * min(max(random.normal(), -2), 2))
    }
    return new
  }
}

/// What varies within a tissue from place to place, each with mean 0 and deviation about 1 in healthy tissue.
///
/// Three quantities move three measurable ones (T1, T2, density) with different signs and strengths, as a linear
/// relaxometry model has it (Callaghan et al. 2015): myelin shortens both T1 and T2 and displaces water, water
/// lengthens both and raises density, iron shortens mostly T2. So no contrast is a function of one other, while
/// two contrasts and the neighbourhood (the quantities differ in smoothness) go far to determine a third. A part
/// in each of T1, T2 and density is its own and cannot be told from the others.
struct Texture {
  var myelin: Float
  var water: Float
  var iron: Float
  /// Own relative variation of R1, R2 and density.
  var own: SIMD3<Float>
}

extension TissueParameters {
  // How far each tissue feels each quantity:        fluid grey white oedema necrosis enhancing blood plaque
  private static let myelin: SIMD8<Float> = [0, 0.7, 1, 0.6, 0, 0.2, 0, 0.5]
  private static let water: SIMD8<Float> = [0, 1, 1, 1.6, 1, 1.6, 0, 1.2]
  private static let iron: SIMD8<Float> = [0, 1, 0.5, 0.3, 0.4, 0.4, 0, 0.3]
  private static let own: SIMD8<Float> = [0.2, 1, 1, 1, 1, 1, 0, 1]

  /// The parameters at one place.
  @inline(__always)
  func textured(_ texture: Texture) -> TissueParameters {
    let m = Self.myelin * texture.myelin
    let w = Self.water * texture.water
    let f = Self.iron * texture.iron
    var new = self
    new.r1 *= (1 + 0.06 * m + 0.015 * f + Self.own * texture.own.x) / (1 + 0.07 * w + 0.008 * w * w)
    new.r2 *= (1 + 0.04 * m + 0.06 * f + Self.own * texture.own.y) / (1 + 0.06 * w + 0.008 * w * w)
    new.density *= 1 - 0.02 * m + 0.055 * w + Self.own * texture.own.z
    return new
  }
}

/// Iron-rich grey nuclei of the healthy brain, as soft ellipsoids in the atlas's space (mm, mirrored left and right),
/// with iron above cortex in units of `Texture.iron` after Hallgren and Sourander 1958.
enum Nuclei {
  private static let list: [(centre: SIMD3<Float>, radii: SIMD3<Float>, iron: Float)] = [
    ([19, -4, 0], [6, 9, 6], 4.5),  // pallidum
    ([25, 4, 2], [6, 15, 10], 2.0),  // putamen
    ([13, 12, 10], [6, 12, 11], 1.6),  // caudate head
    ([11, -18, 8], [9, 13, 9], 0.5),  // thalamus
    ([8, -18, -10], [5, 6, 5], 3.5),  // substantia nigra, red nucleus
    ([16, -57, -34], [7, 9, 6], 3.0),  // dentate
  ]

  @inline(__always)
  static func iron(_ position: SIMD3<Float>) -> Float {
    let p = SIMD3<Float>(abs(position.x), position.y, position.z)
    guard p.x < 36, p.y > -70, p.y < 30, p.z > -44, p.z < 26 else { return 0 }
    var iron: Float = 0
    for nucleus in list {
      let d = (p - nucleus.centre) / nucleus.radii
      let square = (d * d).sum()
      if square < 1.7 { iron = max(iron, nucleus.iron * min(1, (1.7 - square) / 1.1)) }
    }
    return iron
  }

  /// How much of the fluid is choroid plexus, which takes up contrast medium: the glomus in each atrium and a
  /// strand along each body of the lateral ventricles.
  @inline(__always)
  static func choroid(_ position: SIMD3<Float>) -> Float {
    let p = SIMD3<Float>(abs(position.x), position.y, position.z)
    guard p.x < 32, p.y > -52, p.y < 10, p.z > -8, p.z < 30 else { return 0 }
    let glomus = (p - SIMD3<Float>(23, -39, 9)) / SIMD3<Float>(5, 8, 7)
    let strand = (p - SIMD3<Float>(8, -14, 17)) / SIMD3<Float>(3, 18, 3)
    let nearest = min((glomus * glomus).sum(), (strand * strand).sum())
    return min(1, max(0, 1.5 - nearest)) * 0.5
  }
}

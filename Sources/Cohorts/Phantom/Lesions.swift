import Imaging

/// A glioma with necrotic core, enhancing rim and vasogenic oedema that follows white matter; or, of low grade, a
/// core that does not enhance. Positions are in the atlas's space before the tumour's own mass effect.
struct Tumour: Sendable {
  let centre: SIMD3<Float>
  let radius: Float
  /// Semi-axes relative to the radius.
  let axes: SIMD3<Float>
  /// Where the core ends, as a share of the radius.
  let core: Float
  /// How far oedema reaches beyond the tumour, in mm.
  let reach: Float
  let enhances: Bool

  init(at places: [SIMD3<Float>], random: inout RandomSource) {
    centre = places.isEmpty ? .zero : places[random.integer(below: places.count)]
    radius = Float(random.uniform(9, 19))
    axes = SIMD3<Float>([random.uniform(0.8, 1.2), random.uniform(0.8, 1.25), random.uniform(0.8, 1.2)])
    core = Float(random.uniform(0.5, 0.75))
    reach = Float(random.uniform(8, 26))
    enhances = random.uniform() < 0.8
  }

  /// Replaces healthy tissue by the tumour's at an atlas position (mm). `bumps` are two noise values of deviation
  /// about 1 that make its outlines irregular.
  @inline(__always)
  func place(in tissue: inout SIMD8<Float>, at position: SIMD3<Float>, bumps: SIMD2<Float>) {
    let offset = (position - centre) / axes
    let distance = (offset * offset).sum().squareRoot()
    guard distance < radius * 1.6 + reach * 1.8 else { return }
    let edge = distance / radius + 0.13 * bumps.x
    let inside = ramp((1 - edge) * 10)
    let middle = enhances ? ramp((core + 0.1 * bumps.y - edge) * 9) : 1
    let beyond = (distance - radius) / reach + 0.3 * bumps.y + 0.15 * bumps.x
    let swollen = ramp((1 - beyond) * 2.2)
    let white = tissue[Tissue.white.rawValue] * swollen * 0.9
    let grey = tissue[Tissue.grey.rawValue] * swollen * 0.12
    tissue[Tissue.white.rawValue] -= white
    tissue[Tissue.grey.rawValue] -= grey
    tissue[Tissue.oedema.rawValue] += white + grey
    guard inside > 0 else { return }
    let solid = tissue.sum() * inside
    tissue *= 1 - inside
    tissue[Tissue.necrosis.rawValue] += solid * middle
    tissue[Tissue.enhancing.rawValue] += solid * (1 - middle)
  }
}

/// A white-matter lesion of multiple sclerosis: an ellipsoid near the ventricles, longest away from them.
struct Plaque: Sendable {
  let centre: SIMD3<Float>
  let radii: SIMD3<Float>
  /// An active lesion, which takes up contrast medium.
  let isActive: Bool

  static func some(at places: [SIMD3<Float>], and others: [SIMD3<Float>], random: inout RandomSource)
    -> [Plaque]
  {
    (0..<(10 + random.integer(below: 25))).map { _ in
      let sites = random.uniform() < 0.75 && !places.isEmpty ? places : others
      let centre = sites.isEmpty ? .zero : sites[random.integer(below: sites.count)]
      let size = 1.6 + 3.4 * random.uniform() * random.uniform()
      let radii: SIMD3<Double> = [random.uniform(1, 1.9), random.uniform(0.8, 1.4), random.uniform(0.8, 1.4)]
      return Plaque(
        centre: centre, radii: SIMD3<Float>(size * radii), isActive: random.uniform() < 0.12)
    }
  }

  /// Replaces white matter, and a little grey, by plaque at an atlas position (mm); returns how much of it is active.
  @inline(__always)
  static func place(
    _ plaques: [Plaque], in tissue: inout SIMD8<Float>, at position: SIMD3<Float>, bump: Float
  ) -> Float {
    var (share, active): (Float, Float) = (0, 0)
    for plaque in plaques {
      let d = (position - plaque.centre) / plaque.radii
      let square = (d * d).sum()
      guard square < 2.6 else { continue }
      let here = ramp((1 - square.squareRoot() + 0.2 * bump) * 2.5 + 0.5)
      if here > share { (share, active) = (here, plaque.isActive ? here : 0) }
    }
    guard share > 0 else { return 0 }
    let white = tissue[Tissue.white.rawValue] * share
    let grey = tissue[Tissue.grey.rawValue] * share * 0.3
    tissue[Tissue.white.rawValue] -= white
    tissue[Tissue.grey.rawValue] -= grey
    tissue[Tissue.plaque.rawValue] += white + grey
    return active
  }
}

/// What a person has.
enum Lesions: Sendable {
  case none
  case tumour(Tumour)
  case plaques([Plaque])

  /// The label of a voxel with these tissue shares (they sum to the share of the voxel that is brain): of a glioma
  /// as BraTS counts (1 necrotic or not enhancing core, 2 oedema, 3 enhancing), of plaques 1.
  func label(of tissue: SIMD8<Float>) -> Float {
    switch self {
    case .none: return 0
    case .plaques: return tissue[Tissue.plaque.rawValue] > 0.5 * tissue.sum() ? 1 : 0
    case .tumour:
      let core = tissue[Tissue.necrosis.rawValue]
      let swollen = tissue[Tissue.oedema.rawValue]
      let rim = tissue[Tissue.enhancing.rawValue]
      guard core + swollen + rim > 0.5 * tissue.sum() else { return 0 }
      if rim >= core && rim >= swollen { return 3 }
      return core >= swollen ? 1 : 2
    }
  }
}

/// 0 below 0, 1 above 1, smooth between.
@inline(__always)
private func ramp(_ x: Float) -> Float {
  let t = min(max(x, 0), 1)
  return t * t * (3 - 2 * t)
}

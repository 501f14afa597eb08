import Foundation
import Imaging

/// What a head suffers from, as shapes that are painted over its tissues.
enum HeadDisease: Sendable {
  case none
  case whiteMatterLesions
  case stroke
  case tumour

  init(_ options: HeadOptions, hasStrokes: Bool, random: inout RandomSource) {
    let kinds: [Self] = [.tumour, hasStrokes ? .stroke : .none, .whiteMatterLesions, .none]
    let shares = [options.tumours, options.strokes, options.whiteMatterLesions]
    self = kinds[random.index(weights: shares + [max(0, 1 - shares.reduce(0, +))])]
  }
}

/// The kinds of tumour that are drawn.
private enum TumourKind: CaseIterable {
  case ringAboutNecrosis, solid, cyst, resection, metastases, infiltrating, compact, meningioma

  /// Of all tumours; together 1.
  var share: Double {
    switch self {
    case .ringAboutNecrosis: 0.22
    case .solid: 0.08
    case .cyst: 0.06
    case .resection: 0.06
    case .metastases: 0.08
    case .infiltrating: 0.13
    case .compact: 0.30
    case .meningioma: 0.07
    }
  }

  init(_ random: inout RandomSource) {
    self = Self.allCases[random.index(weights: Self.allCases.map(\.share))]
  }
}

/// Draws lesions where a slab shows them.
struct LesionDraw {
  let anatomy: Anatomy
  let masks: [LesionMask]
  /// Whether a lesion of this radius in mm about an index reaches into the slab.
  let isSeen: (SIMD3<Float>, Double) -> Bool

  func shapes(_ disease: HeadDisease, _ random: inout RandomSource) -> [LesionShape] {
    switch disease {
    case .none: []
    case .whiteMatterLesions: whiteMatterLesions(&random)
    case .stroke: stroke(&random)
    case .tumour: tumour(&random)
    }
  }

  private func place(_ places: [SIMD3<Int32>], _ radius: Double, _ random: inout RandomSource) -> SIMD3<
    Float
  >? {
    guard !places.isEmpty else { return nil }
    for _ in 0..<60 {
      let place = places[random.integer(below: places.count)]
      let index = SIMD3<Float>(Float(place.x), Float(place.y), Float(place.z))
      if isSeen(index, radius) { return index }
    }
    return nil
  }

  private func mask(_ kind: LesionMask.Kind, _ random: inout RandomSource) -> LesionMask? {
    let known = masks.filter { $0.kind == kind }
    return known.isEmpty ? nil : known[random.integer(below: known.count)]
  }

  private func stroke(_ random: inout RandomSource) -> [LesionShape] {
    // Many masks are small: one of several that the slab shows.
    for _ in 0..<24 {
      guard let mask = mask(.stroke, &random) else { return [] }
      let shape = LesionShape(mask: mask, tissue: .stroke, host: .brain, in: anatomy)
      let extent = (shape.box.high - shape.box.low) * anatomy.spacing * 0.4
      if isSeen((shape.box.low + shape.box.high) / 2, Double(extent.min())) { return [shape] }
    }
    return []
  }

  private func whiteMatterLesions(_ random: inout RandomSource) -> [LesionShape] {
    var result: [LesionShape] = []
    let isSclerosis = random.uniform() < 0.5
    let tissue: TissueClass = isSclerosis ? .plaque : .whiteMatterLesion
    if random.uniform() < 0.5, let mask = mask(.multipleSclerosis, &random) {
      result.append(LesionShape(mask: mask, tissue: tissue, host: .white, in: anatomy))
    }
    let count = Int(exp(random.uniform(0.7, 3)))
    let median = random.uniform(1.5, 4)
    for _ in 0..<(result.isEmpty ? count : count / 3) {
      let radius = min(median * exp(0.45 * random.normal()), 12)
      let isNear = random.uniform() < 0.45
      guard let centre = place(isNear ? anatomy.periventricular : anatomy.deepWhite, radius, &random) else {
        continue
      }
      result.append(
        blob(centre, radius, [.init(limit: 1, tissue: tissue, host: .white)], 0.35, diffuse: 0.3, &random))
    }
    // Caps and bands of age.
    if random.uniform() < (isSclerosis ? 0.3 : 0.7) {
      let reach = random.uniform(2.5, 9)
      for _ in 0..<6 {
        guard let centre = place(anatomy.periventricular, reach, &random) else { break }
        result.append(
          blob(centre, reach, [.init(limit: 1, tissue: tissue, host: .white)], 0.4, diffuse: 0.3, &random))
      }
    }
    return result
  }

  private func blob(
    _ centre: SIMD3<Float>, _ radius: Double, _ layers: [LesionShape.Layer], _ roughness: Double,
    diffuse: Double, mass: Double = 0, _ random: inout RandomSource
  ) -> LesionShape {
    LesionShape(
      centre: centre, radius: radius, layers: layers, roughness: roughness,
      diffuseness: random.uniform(0, diffuse), mass: mass, spacing: anatomy.spacing, random: &random)
  }

  private func tumour(_ random: inout RandomSource) -> [LesionShape] {
    let kind = TumourKind(&random)
    let radius = random.uniform(6, 26)
    // Of what is solid sulci are seldom left, and most of it displaces what lies about it.
    let host: LesionShape.Host = random.uniform() < 0.8 ? .effaced : .brain
    let mass = max(0, random.uniform(-0.15, 0.45))
    func share(_ low: Double, _ high: Double) -> Float { Float(random.uniform(low, high)) }
    func layer(_ limit: Float, _ tissue: TissueClass, _ host: LesionShape.Host = .brain) -> LesionShape.Layer
    {
      .init(limit: limit, tissue: tissue, host: host)
    }
    func oedema() -> [LesionShape.Layer] {
      random.uniform() < 0.75 ? [layer(share(1.15, 2.2), .oedema, .white)] : []
    }
    func at(
      _ places: [SIMD3<Int32>], _ radius: Double, _ layers: [LesionShape.Layer], _ roughness: Double,
      diffuse: Double = 0.1, mass: Double
    ) -> [LesionShape] {
      guard let centre = place(places, radius, &random) else { return [] }
      return [blob(centre, radius, layers, roughness, diffuse: diffuse, mass: mass, &random)]
    }
    let white = anatomy.deepWhite
    switch kind {
    case .ringAboutNecrosis:
      // With blood in some.
      let core = share(0.5, 0.85)
      let inside = random.uniform() < 0.12 ? [layer(core * 0.5, .blood, host)] : []
      let rim = random.uniform() < 0.4 ? [layer(share(1.0, 1.25), .nonEnhancingTumour, host)] : []
      return at(
        white, radius,
        inside + [layer(core, .necrosis, host), layer(0.98, .enhancingTumour, host)] + rim + oedema(), 0.22,
        mass: mass)
    case .solid:
      return at(white, radius * 0.7, [layer(1, .enhancingTumour, host)] + oedema(), 0.25, mass: mass)
    case .cyst:
      let wall: TissueClass = random.uniform() < 0.5 ? .enhancingTumour : .nonEnhancingTumour
      return at(
        white, radius,
        [layer(share(0.8, 0.95), random.uniform() < 0.6 ? .necrosis : .cavity, host), layer(1, wall, host)]
          + oedema(), 0.12, mass: mass)
    case .resection:
      let blood = random.uniform() < 0.4 ? [layer(0.88, .blood)] : []
      let rest = random.uniform() < 0.5 ? [layer(1, .enhancingTumour)] : []
      return at(white, radius, [layer(0.8, .cavity)] + blood + rest + oedema(), 0.2, mass: 0)
    case .metastases:
      return (0..<(2 + random.integer(below: 3))).flatMap { _ in
        let small = random.uniform(3, 9)
        let core = random.uniform() < 0.5 ? [layer(share(0.4, 0.7), .necrosis)] : []
        return at(white, small, core + [layer(1, .enhancingTumour)] + oedema(), 0.2, mass: 0.5 * mass)
      }
    case .infiltrating:
      // Of low grade: no enhancement, and ragged.
      let core = random.uniform() < 0.2 ? [layer(share(0.3, 0.6), .necrosis)] : []
      return at(
        white, radius, core + [layer(1, .nonEnhancingTumour)] + oedema(), 0.35, diffuse: 0.4, mass: 0.5 * mass
      )
    case .compact:
      // Of low grade too, as most are: one large mass with a border, of cortex and white matter alike.
      let core = random.uniform() < 0.25 ? [layer(share(0.25, 0.6), .necrosis, host)] : []
      let about = random.uniform() < 0.35 ? [layer(share(1.1, 1.8), .oedema, .white)] : []
      return at(
        white, random.uniform(9, 30), core + [layer(1, .nonEnhancingTumour, host)] + about,
        random.uniform(0.05, 0.22), diffuse: random.uniform() < 0.5 ? 0 : 0.15, mass: mass)
    case .meningioma:
      return at(
        anatomy.rim, radius * 0.7, [layer(1, .enhancingTumour, .inner)] + oedema(), 0.1, mass: 0.6 * mass)
    }
  }
}

import Imaging

/// A lesion as a function of position: layers about a centre with a ragged border, or a real mask.
struct LesionShape: Sendable {
  /// What a lesion may take the place of.
  enum Host: Sendable {
    case white
    /// All of the brain.
    case brain
    /// Brain and its sulci, which are effaced: what is solid.
    case effaced
    /// Brain and the fluid around it, as far as dura: what grows from the meninges.
    case inner

    var labels: LabelSet {
      switch self {
      case .white: LabelSet.white
      case .brain: LabelSet.brainAndChoroid
      case .effaced: LabelSet.effaced
      case .inner: LabelSet.inner
      }
    }
  }

  /// Outside which a shape is not, as indices of the map.
  struct Box: Sendable {
    let low: SIMD3<Float>
    let high: SIMD3<Float>

    /// Whether a segment between two places may meet it.
    @inline(__always)
    func meets(_ a: SIMD4<Float>, _ b: SIMD4<Float>) -> Bool {
      min(a.x, b.x) <= high.x && max(a.x, b.x) >= low.x && min(a.y, b.y) <= high.y && max(a.y, b.y) >= low.y
        && min(a.z, b.z) <= high.z && max(a.z, b.z) >= low.z
    }
  }

  struct Layer: Sendable {
    /// In radii.
    let limit: Float
    let tissue: TissueClass
    let host: Host
  }

  private let centre: SIMD3<Float>
  /// An index step along each axis of the map, in radii; and in mm.
  private let axes: (SIMD3<Float>, SIMD3<Float>, SIMD3<Float>)
  private let spacing: SIMD3<Float>
  private let layers: [Layer]
  private let hosts: LabelSet
  private let roughness: Float
  /// How far host and lesion are interspersed about a border, in its radii.
  private let diffuseness: Float
  private let noiseScale: Float
  private let noisePlace: SIMD3<Float>
  private let mask: (mask: LesionMask, scale: SIMD3<Float>, offset: SIMD3<Float>)?
  let box: Box
  /// In mm.
  private let radius: Float
  /// How strongly it displaces what lies about it, as `MassEffect` has it; 0 for not at all.
  private let mass: Float
  /// mm³ of a ball of one radius.
  let volume: Double

  /// - Parameters:
  ///   - centre: as an index of the map.
  ///   - radius: in mm; each axis differs from it by up to a third.
  ///   - layers: from the centre outwards.
  ///   - roughness: deviation of the border's distance, as a share; it waves over half a radius or so.
  ///   - diffuseness: the same of what waves over some 2 mm, which leaves islands: infiltration has no border.
  ///   - mass: how strongly it displaces what lies about it, as `MassEffect` has it.
  init(
    centre: SIMD3<Float>, radius: Double, layers: [Layer], roughness: Double, diffuseness: Double,
    mass: Double, spacing: SIMD3<Float>, random: inout RandomSource
  ) {
    self.centre = centre
    self.spacing = spacing
    self.layers = layers
    hosts = Self.hosts(layers)
    (self.radius, self.mass) = (Float(radius), Float(mass))
    (self.roughness, self.diffuseness) = (Float(roughness), Float(diffuseness))
    noiseScale = Float(min(max(8 / radius, 0.25), 1.5))
    noisePlace = [Float(random.uniform(0, 64)), Float(random.uniform(0, 64)), Float(random.uniform(0, 64))]
    mask = nil
    func column(_ axis: Int) -> SIMD3<Float> {
      var v = SIMD3<Double>.zero
      v[axis] = 1
      for other in 0..<3 where other != axis { v[other] = random.uniform(-0.3, 0.3) }
      return SIMD3<Float>(v / (radius * random.uniform(0.75, 1.3))) * spacing[axis]
    }
    axes = (column(0), column(1), column(2))
    // The border is pushed out by no more than 1.5 deviations; the axes' tilt adds up to a half.
    let outermost = Double(layers.map(\.limit).max() ?? 1)
    let ragged = min(1 + 1.5 * (roughness + diffuseness), 1 / Double(Self.leastFactor))
    let reach = SIMD3<Float>(repeating: Float(1.9 * radius * outermost * ragged)) / spacing
    box = Box(low: centre - reach, high: centre + reach)
    volume = 4.19 * radius * radius * radius
  }

  /// A real mask, laid into the head by the box of its brain. `white` is what only white matter takes.
  init(mask: LesionMask, tissue: TissueClass, host: Host, in anatomy: Anatomy) {
    func float(_ v: SIMD3<Int>) -> SIMD3<Float> { [Float(v.x), Float(v.y), Float(v.z)] }
    let (low, high) = (float(anatomy.low), float(anatomy.high))
    var scale = (MNIBrain.high - MNIBrain.low) / (high - low)
    // How far down a map shows the stem says nothing of the head's height: the top, and the other axes, do.
    let common = 0.5 * (scale.x / anatomy.spacing.x + scale.y / anatomy.spacing.y)
    scale.z = common * anatomy.spacing.z
    let offset = SIMD3<Float>(
      MNIBrain.low.x - scale.x * low.x, MNIBrain.low.y - scale.y * low.y,
      MNIBrain.high.z - scale.z * high.z)
    self.mask = (mask, scale, offset)
    box = Box(low: (mask.origin - offset) / scale, high: (mask.end - offset) / scale)
    layers = [Layer(limit: 1, tissue: tissue, host: host)]
    hosts = host.labels
    (centre, axes, spacing) = (.zero, (.zero, .zero, .zero), anatomy.spacing)
    (roughness, diffuseness, noiseScale, noisePlace, volume) = (0, 0, 0, .zero, 0)
    (radius, mass) = (0, 0)
  }

  /// What it displaces in a head that lies so, if anything.
  func massEffect(in pose: HeadPose) -> MassEffect? {
    mass > 0 ? MassEffect(centre: pose.position(centre), radius: radius, strength: mass) : nil
  }

  /// Puts it where it takes the place of what is there, in eight sub-voxels or fewer between two places, from `first` on.
  func lay(
    _ a: SIMD4<Float>, _ b: SIMD4<Float>, _ classes: UnsafeMutableBufferPointer<UInt8>, _ first: Int,
    _ count: Int,
    _ noise: NoiseTexture
  ) {
    let step = (b - a) * 0.125
    for k in 0..<count {
      let at = first + (k & ~1) << 1 + k & 1
      guard hosts[classes[at]] else { continue }
      let p = a + step * (Float(k) + 0.5)
      classes[at] = tissue(classes[at], p.x, p.y, p.z, noise)
    }
  }

  /// The class at an index of the map, where `label`, which it takes, is there without the lesion.
  @inline(__always)
  private func tissue(_ label: UInt8, _ x: Float, _ y: Float, _ z: Float, _ noise: NoiseTexture) -> UInt8 {
    if let mask {
      let inside = mask.mask.holds(
        x * mask.scale.x + mask.offset.x, y * mask.scale.y + mask.offset.y, z * mask.scale.z + mask.offset.z)
      return inside ? layers[0].tissue.rawValue : label
    }
    let d = SIMD3<Float>(x, y, z) - centre
    let v = axes.0 * d.x + axes.1 * d.y + axes.2 * d.z
    let at = d * spacing * noiseScale + noisePlace
    let value = min(max(noise.value(at.x, at.y, at.z), -1.5), 1.5)
    var factor = 1 + roughness * value
    if diffuseness > 0 {
      let fine = d * spacing * 2 + noisePlace
      factor += diffuseness * min(max(noise.value(fine.x, fine.y, fine.z), -1.5), 1.5)
    }
    let radius = (v * v).sum().squareRoot() * max(factor, Self.leastFactor)
    for layer in layers where radius < layer.limit {
      return layer.host.labels[label] ? layer.tissue.rawValue : label
    }
    return label
  }

  /// What is counted of a distance at the least, so that nothing lies far from where it belongs.
  private static let leastFactor: Float = 0.55

  private static func hosts(_ layers: [Layer]) -> LabelSet {
    let sets = layers.map(\.host.labels)
    return LabelSet { label in sets.contains { $0[label] } }
  }

  /// mm³ by class, as if it lay in its host alone.
  var volumes: [(tissue: TissueClass, volume: Double)] {
    var before = 0.0
    return layers.map { layer in
      let whole = volume * Double(layer.limit * layer.limit * layer.limit)
      defer { before = whole }
      return (layer.tissue, (whole - before) * (layer.host == .white ? 0.5 : 0.9))
    }
  }
}

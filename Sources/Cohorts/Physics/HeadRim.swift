import Imaging

/// What lies about a head's outer surface, and where its mask ends: all in mm, positive outwards.
struct HeadRim: Sendable {
  let isStripped: Bool
  /// Which of an anatomy's surfaces is the outer one.
  let surface: Int
  /// How far inwards dura and bone lie of where the map has the fluid's surface.
  let inset: Float
  let duraThickness: Float
  /// Where the mask ends, and over how many mm it falls off.
  let maskOffset: Float
  let maskEdge: Float
  /// How far it is bitten in and left over where its field is strong; 0 in most heads.
  let bite: Float
  let residue: Float
  /// Threads nearer than this are vessels, in sixteenths of a texture step; and texture steps a mm.
  let threadRadius: UInt8
  let threadScale: Float
  /// The same of larger vessels, which run in fluid and cortex anywhere; in some heads none is seen.
  let vesselRadius: UInt8
  let vesselScale: Float
  /// Where the textures begin.
  let texture: SIMD3<Float>
  /// Of the noise: what is above is fat rather than bone where the map knows no skull.
  let fatLevel: Float

  init(_ options: HeadOptions, isStripped: Bool, voxel: Float, random: inout RandomSource) {
    self.isStripped = isStripped
    surface = random.integer(below: 3)
    inset = Float(random.uniform() < 0.4 ? random.uniform(0, 1.5) : 0)
    duraThickness = Float(random.uniform(0.5, 2.5))
    let eroded = random.uniform() < options.erodedMasks ? random.uniform(1, 3) : 0
    let offset = options.maskOffset + options.maskOffsetDeviation * min(max(random.normal(), -2.5), 2.5)
    maskOffset = Float(offset - eroded)
    maskEdge = random.uniform() < 0.6 ? voxel * Float(random.uniform(0.8, 2)) : 0.05
    let isDamaged = random.uniform() < options.damagedMasks
    bite = isDamaged ? Float(random.uniform(0, 3)) : 0
    residue = isDamaged ? Float(random.uniform(0, 4)) : 0
    threadRadius = UInt8(random.uniform(4, 18))
    threadScale = Float(random.uniform(0.6, 1.2))
    func place() -> Float { Float(random.uniform(0, 64)) }
    texture = [place(), place(), place()]
    fatLevel = Float(random.uniform(0.5, 2))
    let scale = random.uniform(0.5, 0.8)
    let radius = random.uniform() < 0.85 ? random.uniform(0.6, 2.3) : 0
    (vesselRadius, vesselScale) = (UInt8(16 * radius * scale), Float(scale))
  }

  /// How far the mask reaches where its field, of roughness in mm, and the field of damage, of deviation 1, have values.
  @inline(__always)
  func reach(_ field: Float, damage: Float) -> Float {
    let strong = max(abs(damage) - 1, 0)
    return maskOffset + field + (damage > 0 ? min(strong, 1) * residue : -min(strong, 1) * bite)
  }

  /// The share of a voxel that the mask keeps, by its distance from the surface.
  @inline(__always)
  func kept(_ distance: Float, reach: Float) -> Float {
    min(max(0.5 + (reach - distance - inset) / maskEdge, 0), 1)
  }

  /// Whether `tissue` may say anything else than the label.
  @inline(__always)
  func changes(_ label: UInt8, _ distance: Float) -> Bool {
    let outside = distance + inset
    if label == TissueClass.sulcalFluid.rawValue { return outside > -7 && outside < 9 }
    // Brain stays what it is; so does what the map knows beyond the dura.
    if label == 0 { return outside > 0 && outside < 9 }
    return outside > 0 && outside < 1.6 * duraThickness && label >= TissueClass.dura.rawValue
      && label < TissueClass.plaque.rawValue
  }

  /// The class of a place near the surface, where the map has another one. `position` is in mm.
  @inline(__always)
  func tissue(_ label: UInt8, _ distance: Float, _ position: SIMD3<Float>, _ noise: NoiseTexture) -> UInt8 {
    let outside = distance + inset
    if outside > 0 {
      let at = position * 0.5 + texture
      let value = noise.value(at.x, at.y, at.z)
      if outside < duraThickness * (1 + 0.35 * min(value, 1.7)) { return TissueClass.dura.rawValue }
      guard label == TissueClass.sulcalFluid.rawValue || label == 0 else { return label }
      return value > fatLevel ? TissueClass.fat.rawValue : TissueClass.bone.rawValue
    }
    let at = position * threadScale + texture
    guard noise.thread(at.x, at.y, at.z) < threadRadius else { return label }
    return kind(of: position, noise)
  }

  /// Whether larger vessels may run through it.
  @inline(__always)
  static func holdsVessels(_ label: UInt8) -> Bool {
    label == TissueClass.sulcalFluid.rawValue || label == TissueClass.corticalGrey.rawValue
  }

  /// The class of a place in fluid or cortex, where label maps have no vessels: without the large ones of cisterns and fissures,
  /// whatever contrast medium brightens in the brain is a tumour.
  @inline(__always)
  func vessel(_ label: UInt8, _ position: SIMD3<Float>, _ noise: NoiseTexture) -> UInt8 {
    let at = position * vesselScale + texture
    // Of those on the cortex half the radius lies in it.
    let radius = label == TissueClass.corticalGrey.rawValue ? vesselRadius / 2 : vesselRadius
    guard noise.thread(at.z, at.x, at.y) < radius else { return label }
    return kind(of: position, noise)
  }

  /// Veins, and fewer arteries.
  @inline(__always)
  private func kind(of position: SIMD3<Float>, _ noise: NoiseTexture) -> UInt8 {
    let at = position * 0.3 + texture
    return (noise.value(at.x, at.y, at.z) > 0.6 ? TissueClass.artery : .vein).rawValue
  }

  /// Of the whole head, the voxels of each class that the mask keeps; `table` says what labels are.
  func volumes(of anatomy: Anatomy, _ table: [UInt8]) -> [Double] {
    var result = [Double](repeating: 0, count: TissueClass.count)
    let fluid = Int(TissueClass.sulcalFluid.rawValue)
    for shell in 0..<Anatomy.shellCount {
      let outside = Anatomy.innerShell + (Float(shell) + 0.5) / 2 + inset
      guard !isStripped || shell == 0 || outside < maskOffset else { break }
      for own in 0..<256 {
        let count = Double(anatomy.shells[surface][shell * 256 + own])
        guard count > 0 else { continue }
        let label = Int(table[own])
        var to = label
        if outside > 0, label == fluid || label == 0 || (16..<22).contains(label) {
          if outside < duraThickness {
            to = Int(TissueClass.dura.rawValue)
          } else if label == fluid {
            to = Int(TissueClass.bone.rawValue)
          }
        }
        result[to] += count
      }
    }
    return result
  }
}

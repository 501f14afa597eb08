import Foundation
import Imaging

/// What one contrast's image suffers, and its target: all that is drawn for them but the noise itself.
struct ImageDraw: Sendable {
  var resolution: Resolution
  var targetResolution: Resolution
  /// What blurs a target within the plane, at least; full width at half maximum in mm.
  private var sharpness: Double
  /// How far the image is displaced, in mm: columns, rows, planes.
  var shift: SIMD3<Double>
  /// How far it is turned in the plane, in radians.
  var turn: Double
  /// Whether it was resampled with a cubic kernel, or linearly.
  var isCubic: Bool
  /// Deviation of either channel's noise.
  var noise: Double
  /// What the image is multiplied by, and the exponent that bends it about the scale.
  var gain: Double, gamma: Double
  /// What is brighter is cut off, and the step of coarse whole numbers.
  var ceiling: Double, step: Double
  /// A ghost's strength, 0 for none, and whether it lies along the rows' direction.
  var ghost: Double, ghostIsDown: Bool
  /// Share of the coil's unevenness that is this image's own, and which of three fields it is.
  var ownBias: Double, field: Int

  /// Draws for all contrasts of a person, seen in this plane. Echoes of one acquisition lie alike and are as thick.
  static func all(
    _ table: SignalTable, _ sequences: SequenceDraw, volumes: [Double], in plane: HeadPlane,
    _ options: PhysicsOptions, _ random: inout RandomSource
  ) -> [ImageDraw] {
    let shares = (0..<3).map { _ in random.uniform(0, 0.8) }
    var all = Modality.allCases.map { modality in
      var draw = ImageDraw(options, &random)
      draw.field = modality == .t1 || modality == .t1gd ? 0 : modality == .flair ? 1 : 2
      draw.ownBias = shares[draw.field]
      return draw
    }
    func place(_ modality: Modality) -> Int { Modality.allCases.firstIndex(of: modality) ?? 0 }
    let thickness = random.chance(0.5)
    if sequences.hasTwoEchoes {
      all[place(.pd)].resolution = all[place(.t2)].resolution
      (all[place(.pd)].shift, all[place(.pd)].turn) = (all[place(.t2)].shift, all[place(.t2)].turn)
      all[place(.pd)].isCubic = all[place(.t2)].isCubic
    }
    if thickness { all[place(.t1gd)].resolution = all[place(.t1)].resolution }
    if random.chance(options.alike) {
      let slices = all[place(.t1)].resolution
      for index in all.indices {
        all[index].resolution = slices.blurred(
          by: max(all[index].resolution.blur, all[index].sharpness))
        all[index].targetResolution = slices.blurred(by: all[index].sharpness)
      }
    }
    return table.modalities.enumerated().map { lane, modality in
      var draw = all[place(modality)]
      draw.resolution = draw.resolution.seen(in: plane)
      draw.targetResolution = draw.targetResolution.seen(in: plane)
      let grey = Double(table.entries[Int(TissueClass.corticalGrey.rawValue)].signal[lane])
      draw.noise *= grey
      if draw.ceiling < 1 {
        draw.ceiling = Double(table.quantile(draw.ceiling, lane: lane, volumes: volumes))
        draw.ceiling = max(draw.ceiling, 1.2 * grey)
      } else {
        draw.ceiling = 4
      }
      return draw
    }
  }

  private init(_ options: PhysicsOptions, _ random: inout RandomSource) {
    resolution = Resolution(options, &random)
    let (own, sharp) = (Resolution(options, &random), Resolution.sharp(&random))
    targetResolution = random.chance(options.sharpTargets) ? sharp : own
    sharpness = sharp.blur
    let radius = random.chance(options.displaced) ? options.largeShift : options.shift
    shift = .zero
    repeat {
      shift = SIMD3(random.uniform(-1, 1), random.uniform(-1, 1), random.uniform(-1, 1))
    } while (shift * shift).sum() > 1
    shift *= radius
    turn = random.uniform(-1, 1) * options.rotation * .pi / 180
    isCubic = random.chance(0.4)
    // Of grey matter's signal, for now; and the ceiling as a share of the head.
    noise = 1 / random.logUniform(options.signalToNoise[0], options.signalToNoise[1])
    gain = random.factor(options.gain)
    // Drawn whether or not they are there, so that a share that is changed leaves all else as it is.
    let (bend, least) = (random.factor(options.gamma), random.uniform(0.99, 1))
    let (width, strength) = (random.uniform(0.006, 0.02), random.uniform(0.02, 0.1))
    gamma = random.chance(options.bent) ? bend : 1
    ceiling = random.chance(options.clipped) ? least : 1
    step = random.chance(options.coarse) ? width : 0
    ghost = random.chance(options.ghosts) ? strength : 0
    ghostIsDown = random.chance(0.5)
    (ownBias, field) = (0, 0)
  }

  /// Intensities 0 ... 4 as they come out, at `Self.toneCount` equal steps.
  func tone() -> [Float] {
    let level = ForegroundScale.level
    return (0..<Self.toneCount).map { index in
      let value = 4 * Double(index) / Double(Self.toneCount - 1)
      let bent = gamma == 1 ? value : level * pow(value / level, gamma)
      return Float(gain * min(bent, ceiling))
    }
  }

  static let toneCount = 513
}

import Failures
import Foundation
import Imaging

/// How heads are computed for training: what is drawn anew for every sample, and how widely. Deviations are of logarithms,
/// so nearly relative ones.
public struct PhysicsOptions: Codable, Sendable, Equatable {
  /// How shapes and lesions are drawn.
  package var anatomy = HeadOptions()
  /// Neighbouring planes that a slice is computed from, for slices thicker than one: 1 mm apart, or in a share of samples up
  /// to so many mm, which slices of 6 mm need that lie between two of their own grid.
  public var planes = 7, widePlanes = 0.5, planeSpacing = 2.2

  /// Share of people at 3 T; the others are at 1.5 T.
  public var highField = 0.65
  /// T1 and T2 of all tissue alike.
  public var commonRelaxation = 0.08
  /// T1 of each tissue, T2 of each, and its proton density.
  public var t1 = 0.09, t2 = 0.12, density = 0.04
  /// T1 and T2 of lesions, and T2 of fluid, which flow shortens.
  public var lesionT1 = 0.22, lesionT2 = 0.27, fluidT2 = 0.40
  /// How far from the middle of their range sequences' times and angles are drawn, as a share.
  public var sequences = 0.75
  /// Largest share of fluid in FLAIR that flowed in after the inversion and is bright.
  public var inflow = 0.07
  /// Signal of each tissue in each contrast, for what signal equations leave out.
  public var jitter = 0.08
  /// Share of people whose T1 is a spin echo, of stripped heads, which mostly come of volumes, and of whole ones.
  public var spinEchoes = 0.2, spinEchoesWhole = 0.45
  /// Share of people in whose T1 grey matter lies near white matter, if it is a spin echo.
  public var faded = 0.6
  /// Share of people whose T1 after contrast medium is acquired as the one before.
  public var sameT1 = 0.8
  /// Texture: deviation of T1, T2 and density within a tissue, the smallest and the largest.
  public var textureT1 = [0.02, 0.05], textureT2 = [0.03, 0.07], textureDensity = [0.01, 0.025]
  /// How much more of texture there is outside the brain, where label maps know few tissues.
  public var outerTexture = 3.0
  /// Deviation of the share of fat in muscle, skin and bone, and of muscle in fat, the smallest and the largest.
  public var mixture = [0.1, 0.5]
  /// Share of what is called fat over face and neck that is muscle, the smallest and the largest.
  public var looseFat = [0.1, 0.8]

  /// Share of images whose intensities are bent by an exponent, and its deviation.
  public var bent = 0.5, gamma = 0.1
  /// Deviation of a receiving coil's sensitivity over the head, the smallest and the largest, and of the share that are uneven,
  /// of stripped heads and of whole ones, which seldom were corrected.
  public var bias = [0.02, 0.12], uneven = 0.1, unevenWhole = 0.5, unevenBias = [0.2, 0.3]
  /// Grey matter's signal over the noise's deviation, the smallest and the largest.
  public var signalToNoise = [12.0, 80.0]
  /// Radius of the ball (mm) within which images are displaced, of the share that are displaced further, and their turn (degrees).
  public var shift = 0.5, displaced = 0.25, largeShift = 2.0, rotation = 0.8
  /// Share of images of 1 mm, of thick axial slices, of thick sagittal or coronal ones; the others are 1.5 to 2 mm.
  public var sharp = 0.45, thickAxial = 0.37, thickOther = 0.07
  /// Share of people all of whose images have slices alike, targets too: one protocol.
  public var alike = 0.6
  /// Share of other people's targets that are sharp; the others have slices of a thickness of their own.
  public var sharpTargets = 0.85
  /// Share of images with a ghost, whose brightest intensities are cut off, and that are in 8 bits.
  public var ghosts = 0.03, clipped = 0.2, coarse = 0.1
  /// How far off the scale of a real image is.
  public var gain = 0.05

  /// How much errors count in lesions, in the outermost 2 mm of a stripped brain, outside the brain of a whole head, and
  /// where there is nothing; elsewhere 1.
  public var lesionWeight = 6.0, rimWeight = 0.5, outerWeight = 0.7, backgroundWeight = 0.1

  public init() {}

  /// Refuses (`.usage`) numbers that mean nothing, naming the setting and its range.
  public func check() throws {
    try anatomy.validate()
    func check(_ name: String, _ value: Double, _ range: ClosedRange<Double>) throws {
      guard range.contains(value) else {
        let limits = "\(range.lowerBound) to \(range.upperBound)"
        throw Failure(.usage, "physics.\(name) is \(value); it must be from \(limits)")
      }
    }
    try check("planes", Double(planes), 1...31)
    try check("planeSpacing", planeSpacing, 1...5)
    for (name, value) in [
      ("highField", highField), ("widePlanes", widePlanes), ("sequences", sequences), ("sameT1", sameT1),
      ("bent", bent), ("faded", faded), ("spinEchoes", spinEchoes), ("spinEchoesWhole", spinEchoesWhole),
      ("uneven", uneven), ("unevenWhole", unevenWhole), ("displaced", displaced), ("sharp", sharp),
      ("thickAxial", thickAxial),
      ("thickOther", thickOther), ("alike", alike), ("sharpTargets", sharpTargets), ("ghosts", ghosts),
      ("clipped", clipped),
      ("coarse", coarse), ("commonRelaxation", commonRelaxation), ("t1", t1), ("t2", t2),
      ("density", density), ("lesionT1", lesionT1), ("lesionT2", lesionT2), ("fluidT2", fluidT2),
      ("inflow", inflow), ("jitter", jitter), ("gamma", gamma), ("gain", gain),
    ] { try check(name, value, 0...1) }
    try check(
      "sharp + physics.thickAxial + physics.thickOther", sharp + thickAxial + thickOther, 0...1 + 1e-9)
    for (name, value, most) in [
      ("shift", shift, 3.0), ("largeShift", largeShift, 3), ("rotation", rotation, 3),
      ("lesionWeight", lesionWeight, 100), ("rimWeight", rimWeight, 100), ("outerWeight", outerWeight, 100),
      ("backgroundWeight", backgroundWeight, 100), ("outerTexture", outerTexture, 10),
    ] { try check(name, value, 0...most) }
    for (name, values, range) in [
      ("textureT1", textureT1, 0.0...0.5), ("textureT2", textureT2, 0...0.5),
      ("textureDensity", textureDensity, 0...0.5), ("mixture", mixture, 0...1), ("looseFat", looseFat, 0...1),
      ("bias", bias, 0...1),
      ("unevenBias", unevenBias, 0...1),
      ("signalToNoise", signalToNoise, 1...1e6),
    ] {
      guard values.count == 2, values[0] <= values[1] else {
        throw Failure(.usage, "physics.\(name) is \(values); it must be the smallest and the largest value")
      }
      for value in values { try check(name, value, range) }
    }
  }
}

extension RandomSource {
  /// Uniform between the two numbers of a setting.
  mutating func uniform(_ range: [Double]) -> Double { uniform(range[0], range[1]) }

  /// Uniform in the logarithm.
  mutating func logUniform(_ lower: Double, _ upper: Double) -> Double {
    guard lower > 0 else { return lower }
    return lower * pow(upper / lower, uniform())
  }

  /// exp of a normal number with this deviation, cut at two and a half.
  mutating func factor(_ deviation: Double) -> Double { exp(deviation * min(max(normal(), -2.5), 2.5)) }

  /// True for this share of draws.
  mutating func chance(_ share: Double) -> Bool { uniform() < share }
}

import Foundation
import Imaging

/// How finely an image was acquired before it was put on the grid that it has.
struct Resolution: Sendable {
  enum Orientation: Sendable { case axial, coronal, sagittal, isotropic }

  /// Along which axis of the head slices are thick; once it is `seen(in:)` a plane, of the slab as if that were axial: along its
  /// planes, its rows or its columns.
  var orientation: Orientation
  /// Of a slice, or of a voxel's edges, in mm.
  var thickness: Double
  /// From slice to slice, in mm.
  var spacing: Double
  /// Where the plane lies between two slices, 0 ... 1: its value is interpolated between them.
  var fraction: Double
  /// Full width at half maximum of what blurs within the plane besides, in mm.
  var blur: Double

  /// Planes as they are, blurred within them by no more than any scanner and registration does.
  static func sharp(_ random: inout RandomSource) -> Resolution {
    Resolution(
      orientation: .axial, thickness: 1, spacing: 1, fraction: 0, blur: random.uniform(Self.leastBlur, 1.2))
  }

  private static let leastBlur = 0.7

  init(orientation: Orientation, thickness: Double, spacing: Double, fraction: Double, blur: Double) {
    (self.orientation, self.thickness, self.spacing) = (orientation, thickness, spacing)
    (self.fraction, self.blur) = (fraction, blur)
  }

  init(_ options: PhysicsOptions, _ random: inout RandomSource) {
    let kind = random.uniform()
    let width = random.uniform(0.87, 1.15)
    let thick = random.uniform(3, 6)
    let gap = random.uniform(0, 0.2)
    let fraction = random.chance(0.5) ? 0 : random.uniform()
    let blur = random.uniform(Self.leastBlur, 1.6)
    if kind < options.sharp {
      self.init(orientation: .axial, thickness: 1, spacing: 1, fraction: 0, blur: blur)
    } else if kind < options.sharp + options.thickAxial {
      self.init(
        orientation: .axial, thickness: width * thick, spacing: thick * (1 + gap), fraction: fraction,
        blur: blur)
    } else if kind < options.sharp + options.thickAxial + options.thickOther {
      self.init(
        orientation: random.chance(0.5) ? .sagittal : .coronal, thickness: width * min(thick, 5),
        spacing: min(thick, 5) * (1 + gap), fraction: 0, blur: blur)
    } else {
      let edge = width * random.uniform(1.5, 2)
      self.init(orientation: .isotropic, thickness: edge, spacing: edge, fraction: fraction, blur: 0)
    }
  }

  /// The same slices, blurred otherwise within them; voxels alike along all edges know no other blur.
  func blurred(by width: Double) -> Resolution {
    var other = self
    if orientation != .isotropic { other.blur = width }
    return other
  }

  /// The same slices in a slab whose planes lie so.
  func seen(in plane: HeadPlane) -> Resolution {
    // Fine slices are alike in every plane.
    guard plane != .axial, orientation != .isotropic, thickness > 1.01 else { return self }
    var other = self
    switch (plane, orientation) {
    case (_, .axial): other.orientation = .coronal
    case (.coronal, .coronal), (.sagittal, .sagittal): other.orientation = .axial
    default: other.orientation = .sagittal
    }
    return other
  }

  /// How much each plane counts for the image at this distance (mm) from the middle one; their sum is 1.
  func weights(planes: Int, spacing step: Double, offset: Double) -> [Float] {
    let isThick = (orientation == .axial || orientation == .isotropic) && thickness > 1.01 * step
    let middle = Double(planes / 2)
    var weights = (0..<planes).map { plane -> Double in
      let place = (Double(plane) - middle) * step - offset
      // Sharp ones lie between the two planes about them.
      guard isThick else { return max(0, 1 - abs(place) / step) }
      let below = Self.box(place + fraction * spacing, thickness, step)
      let above = Self.box(place - (1 - fraction) * spacing, thickness, step)
      return (1 - fraction) * below + fraction * above
    }
    if weights.reduce(0, +) < 1e-6 {
      weights[min(max(Int((middle + offset / step).rounded()), 0), planes - 1)] = 1
    }
    let sum = weights.reduce(0, +)
    return weights.map { Float($0 / sum) }
  }

  /// How much of a plane of this thickness at this distance lies within a slice about 0.
  private static func box(_ place: Double, _ thickness: Double, _ step: Double) -> Double {
    max(0, min(place + step / 2, thickness / 2) - max(place - step / 2, -thickness / 2)) / step
  }

  /// What the image is convolved with along rows' and along columns' direction, in voxels about the middle; nil where nothing.
  func kernels(voxel: Double) -> (down: [Float]?, across: [Float]?) {
    // A box of full width w has the variance w² / 12, interpolation between neighbours some spacing² / 6.
    let slab = (thickness * thickness + 2 * spacing * spacing) / 12
    let edge = max(0, (thickness * thickness - voxel * voxel)) / 6
    let within = blur * blur / 5.545
    switch orientation {
    case .axial: return (Self.gaussian(within, voxel), Self.gaussian(within, voxel))
    case .isotropic: return (Self.gaussian(edge, voxel), Self.gaussian(edge, voxel))
    case .coronal: return (Self.gaussian(slab, voxel), Self.gaussian(within, voxel))
    case .sagittal: return (Self.gaussian(within, voxel), Self.gaussian(slab, voxel))
    }
  }

  private static func gaussian(_ variance: Double, _ voxel: Double) -> [Float]? {
    let sigma = variance.squareRoot() / voxel
    guard sigma > 0.25 else { return nil }
    let radius = min(Int((2.5 * sigma).rounded(.up)), 8)
    let values = (-radius...radius).map { exp(-Double($0 * $0) / (2 * sigma * sigma)) }
    let sum = values.reduce(0, +)
    return values.map { Float($0 / sum) }
  }
}

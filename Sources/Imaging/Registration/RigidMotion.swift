import Foundation

/// A rotation about a point and then a translation, in mm: what a head does between two scans.
public struct RigidMotion: Sendable, Equatable {
  /// Along the axis, right-handed, as long as the angle in radians.
  public var rotation: SIMD3<Double>
  /// In mm.
  public var translation: SIMD3<Double>
  /// The point that is turned about, in mm.
  public var centre: SIMD3<Double>

  public init(
    rotation: SIMD3<Double> = .zero, translation: SIMD3<Double> = .zero, about centre: SIMD3<Double> = .zero
  ) {
    (self.rotation, self.translation, self.centre) = (rotation, translation, centre)
  }

  public var degrees: Double { length(rotation) * 180 / .pi }

  /// From positions to positions in mm, by Rodrigues' formula.
  public var affine: Affine {
    let angle = length(rotation)
    let axis = angle > 0 ? rotation / angle : [0, 0, 1]
    let (sine, cosine) = (sin(angle), cos(angle))
    func turned(_ vector: SIMD3<Double>) -> SIMD3<Double> {
      vector * cosine + cross(axis, vector) * sine + axis * (dot(axis, vector) * (1 - cosine))
    }
    return Affine(
      columns: [turned([1, 0, 0]), turned([0, 1, 0]), turned([0, 0, 1])],
      origin: centre + translation - turned(centre))
  }

  /// How far in mm it moves a point that is no farther than `radius` mm from its centre, at the most.
  public func displacement(within radius: Double) -> Double {
    let angle = length(rotation)
    let along = angle > 0 ? dot(rotation / angle, translation) : 0
    let across = max(0, dot(translation, translation) - along * along).squareRoot()
    let turned = 2 * radius * sin(min(angle, .pi) / 2)
    return ((turned + across) * (turned + across) + along * along).squareRoot()
  }
}

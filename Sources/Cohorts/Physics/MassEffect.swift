import Foundation
import Imaging

/// How a tumour that grows displaces what lies about it: places are looked up nearer its centre than they are, so that it takes
/// more room, ventricles and sulci beside it are narrowed, and the middle of the brain is shifted.
package struct MassEffect: Sendable {
  /// In mm of the slab, as `HeadPose` has them.
  private let centre: SIMD3<Float>
  private let strength: Float
  private let falloff: Float

  /// - Parameters:
  ///   - radius: of the tumour without what it displaces, in mm.
  ///   - strength: the share of the way to its centre that is left out at the centre itself, 0 ..< 1; from 1 on it would fold.
  package init(centre: SIMD3<Float>, radius: Float, strength: Float) {
    (self.centre, self.strength) = (centre, strength)
    let reach = 1.6 * radius
    falloff = 1 / (reach * reach)
  }

  /// From a place to where it is looked up, in mm, were there no skull to hold it.
  package func displacement(at place: SIMD3<Float>) -> SIMD3<Float> {
    let away = place - centre
    return -strength * exp(-falloff * (away * away).sum()) * away
  }

  /// Depths in mm beneath the brain's surface from which on tissue gives way fully; at the surface it does not, for the skull does not.
  static let yielding: Float = 10
}

import Failures
import Foundation
import Imaging

extension PatientImages {
  /// Litres of foreground, of which less is too little to tell where a head lies.
  private static let least = 0.3

  /// Which of the scans do not lie where the first one shows the head, though their headers say so; one sentence each.
  ///
  /// It looks near where they are: a network bears a millimetre, and who moves by more should know.
  /// - Parameter begins: is told in words what begins.
  func displaced(begins: (String) throws -> Void) throws -> [String] {
    let given = zip(zip(scales.map(\.modality), images.compactMap { $0 }), limits.compactMap { $0 }).map {
      (modality: $0.0, image: $0.1, isEnough: $0.1.litres(above: $1) > Self.least)
    }
    guard let (first, reference, isEnough) = given.first, isEnough else { return [] }
    return try given.dropFirst().compactMap { modality, image, isEnough in
      guard isEnough else { return nil }
      try begins("comparing \(modality.title) with \(first.title)")
      // What tells nothing of where it lies is told of elsewhere.
      guard let motion = try? RigidRegistration(of: image, to: reference, isNear: true).motion else {
        return nil
      }
      let moved = motion.displacement(within: RigidRegistration.radius)
      guard moved >= ScanAlignment.noticeable else { return nil }
      return String(
        format:
          "\(modality.title) seems to lie up to %.1f mm from where \(first.title) shows the head (turned by %.1f degrees); "
          + "\(Term.registers) brings it there", moved, motion.degrees)
    }
  }
}

extension Volume {
  /// How much of it lies above an intensity.
  func litres(above limit: Float) -> Double {
    let spacing = affine.spacing
    return Double(voxels.count { $0 > limit }) * spacing.x * spacing.y * spacing.z / 1e6
  }
}

/// How intensities stand in a store, as 16 bits each.
///
/// 1 is the intensity that a scan was divided by, its 99.5th percentile. Above it there is room: rules of another scale see what the
/// percentile's cuts off, such as lesions in FLAIR of a stripped brain. Slices that are resized have none.
enum StoredIntensity {
  /// What stands for 1. A power of two, so that 1 comes back as it was.
  static let one: Float = 16384
  /// The same in stores of versions 1 and 2, which have no room above it.
  static let formerOne: Float = 65535
  /// The least that counts as bright: a tenth.
  static let bright = UInt16((one / 10).rounded())

  static func one(in manifest: CohortManifest) -> Float { manifest.hasNoRoom ? formerOne : one }
}

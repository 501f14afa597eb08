import Cohorts
import Methods
import Networks

extension Experiment {
  /// The same with what the compared methods need on slices of the cohort's size and at this width; what was set to
  /// anything but its default stays.
  ///
  /// Discriminators become as thin as the generators, and mmGAN, whose eight levels are made for 256 x 256, has so many
  /// as the slices have room for, and pads them.
  package func fitted(to manifest: CohortManifest) -> Experiment {
    var fitted = self
    func fit<Value: Equatable>(_ setting: WritableKeyPath<Experiment, Value>, _ value: Value) {
      if fitted[keyPath: setting] == Experiment()[keyPath: setting] { fitted[keyPath: setting] = value }
    }
    fit(\.pix2pix.discriminatorWidth, width)
    fit(\.pgan.discriminatorWidth, width)
    fit(\.mmgan.discriminatorWidth, width)
    fit(\.selfrdb.discriminator.width, width)
    fit(\.mmgan.padding, true)
    let halvings = Int.bitWidth - 1 - max(2, min(manifest.height, manifest.width)).leadingZeroBitCount
    fit(\.mmgan.levels, min(Experiment().mmgan.levels, halvings))
    return fitted
  }
}

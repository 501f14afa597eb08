import Imaging

/// The kinds of sequences that T1 are acquired by.
package enum T1Family: CaseIterable, Sendable {
  case spinEcho
  /// MPRAGE and its kin.
  case preparedGradientEcho
  case spoiledGradientEcho
  case inversionRecovery

  /// - Parameter spinEchoes: their share of all; the others are as often as they are among themselves.
  package init(spinEchoes: Double, _ random: inout RandomSource) {
    let others = [0.56, 0.19, 0.25].map { (1 - spinEchoes) * $0 }
    self = Self.allCases[random.index(weights: [spinEchoes] + others)]
  }
}

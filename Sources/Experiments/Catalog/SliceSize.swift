import Networks

extension Experiment {
  /// Why slices of (rows, columns) are too small for the generator or, where its judgement has a weight, for the
  /// discriminator; or nil.
  /// - Parameter smallest: the fewest rows and columns that each works on.
  func refusal(
    ofSlices height: Int, _ width: Int, below smallest: (generator: Int, discriminator: Int), weight: Double
  ) -> String? {
    let side = min(height, width)
    if side < smallest.generator {
      return
        "\(method) needs \(smallest.generator) x \(smallest.generator) or more, prepare with a larger --size"
    }
    guard weight > 0, side < smallest.discriminator else { return nil }
    return "\(method)'s discriminator needs \(smallest.discriminator) x \(smallest.discriminator) or more, "
      + "prepare with a larger --size, or train without it: --set \(method).weightAdversarial=0"
  }

  /// The same for a patch discriminator.
  func refusal(ofSlices height: Int, _ width: Int, judgedBy variant: PatchGANVariant, weight: Double)
    -> String?
  {
    refusal(ofSlices: height, width, below: (8, variant.smallestSide), weight: weight)
  }

  /// Why the published generator cannot halve slices of (rows, columns) `levels` times, or nil.
  func refusal(ofSlices height: Int, _ width: Int, halved levels: Int, padding: Bool) -> String? {
    guard network == NetworkCatalog.published else { return nil }
    // The bits that both sides lack at the end: how often both are even.
    let possible = (height | width).trailingZeroBitCount
    guard possible < levels, !padding else { return nil }
    let fewer = possible < 2 ? "" : ", or --set \(method).levels=\(possible)"
    return "\(method) with \(levels) levels needs multiples of \(1 << levels): "
      + "--set \(method).padding=true to put zeros around them\(fewer)"
  }
}

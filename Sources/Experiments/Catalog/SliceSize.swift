import Networks

extension Experiment {
  /// Why slices of (rows, columns) are too small, or nil.
  func refusal(ofSlices height: Int, _ width: Int, below smallest: Int) -> String? {
    min(height, width) >= smallest
      ? nil : "\(method) needs \(smallest) x \(smallest) or more, prepare with a larger --size"
  }

  /// The same for a patch discriminator, where it judges at all.
  func refusal(ofSlices height: Int, _ width: Int, judgedBy variant: PatchGANVariant, weight: Double)
    -> String?
  {
    refusal(ofSlices: height, width, below: weight == 0 ? 8 : variant.smallestSide)
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

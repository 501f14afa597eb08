extension Experiment {
  /// Why slices of (rows, columns) are too small, or nil.
  func refusal(ofSlices height: Int, _ width: Int, below smallest: Int) -> String? {
    min(height, width) >= smallest
      ? nil : "\(method) needs \(smallest) x \(smallest) or more, prepare with a larger --size"
  }

  /// Why slices of (rows, columns) cannot be halved `levels` times, or nil.
  func refusal(ofSlices height: Int, _ width: Int, halved levels: Int, padding: Bool) -> String? {
    // The bits that both sides lack at the end: how often both are even.
    let possible = (height | width).trailingZeroBitCount
    guard possible < levels, !padding else { return nil }
    let fewer = possible < 2 ? "" : ", or --set \(method).levels=\(possible)"
    return "\(method) with \(levels) levels needs multiples of \(1 << levels): "
      + "--set \(method).padding=true to put zeros around them\(fewer)"
  }
}

import Files

extension SplitMix64 {
  /// 0 ..< 1 with 53 bits.
  package mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }
}

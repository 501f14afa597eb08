/// The value below which a share of numbers lies, as NumPy's `percentile` with linear interpolation, computed in
/// double precision (Hyndman and Fan 1996, type 7).
public enum Percentile {
  /// The exact percentile (0 ... 100) of finite numbers; nil if there are none to count.
  ///
  /// Two passes over the data, whatever their order: the upper 16 bits of each number are counted, then the lower
  /// 16 of those in the wanted bin. Nothing is copied or sorted.
  public static func of(_ values: [Float], _ percentile: Double) -> Double? {
    precondition((0...100).contains(percentile))
    if values.isEmpty { return nil }
    let position = percentile / 100 * Double(values.count - 1)
    let rank = min(Int(position), values.count - 1)
    let fraction = position - Double(rank)
    let (a, b) = values.withUnsafeBufferPointer { values in
      let histogram = Histogram(values)
      let next = min(rank + 1, values.count - 1)
      return (Double(histogram.number(of: rank)), Double(histogram.number(of: next)))
    }
    // From the nearer end, as NumPy does, so that the result is the same to the last bit.
    return fraction >= 0.5 ? b - (b - a) * (1 - fraction) : a + (b - a) * fraction
  }

  /// What pictures show as white: the 99.5th percentile of the intensities inside a mask; nil where that is not above 0.
  package static func white(of values: [Float], inside mask: [Bool]) -> Float? {
    of(zip(values, mask).compactMap { $1 ? $0 : nil }, 99.5).flatMap { $0 > 0 ? Float($0) : nil }
  }
}

/// Counts of numbers by the upper, then the lower, 16 bits of a key that sorts as the numbers do.
private final class Histogram {
  private static let bins = 1 << 16
  /// Four tables side by side: neighbouring voxels are often alike, and one counter would wait for itself.
  private let upper = UnsafeMutablePointer<UInt32>.allocate(capacity: 4 * bins)
  private let lower = UnsafeMutablePointer<UInt32>.allocate(capacity: bins)
  private let values: UnsafeBufferPointer<Float>
  /// The upper half whose numbers `lower` counts.
  private var counted = -1

  init(_ values: UnsafeBufferPointer<Float>) {
    self.values = values
    upper.initialize(repeating: 0, count: 4 * Self.bins)
    countUpper()
  }

  deinit {
    upper.deallocate()
    lower.deallocate()
  }

  /// Negative numbers have all bits reversed, others the sign bit: then unsigned order is numeric order.
  @inline(__always)
  private static func key(_ value: Float) -> UInt32 {
    let bits = value.bitPattern
    return bits ^ (UInt32(bitPattern: Int32(bitPattern: bits) >> 31) | 0x8000_0000)
  }

  private static func value(_ key: UInt32) -> Float {
    Float(bitPattern: key & 0x8000_0000 != 0 ? key ^ 0x8000_0000 : ~key)
  }

  private func countUpper() {
    for index in values.indices {
      upper[(index & 3) * Self.bins + Int(Self.key(values[index]) >> 16)] &+= 1
    }
    for place in Self.bins..<4 * Self.bins { upper[place % Self.bins] &+= upper[place] }
  }

  /// The number of this rank, counted from 0.
  func number(of rank: Int) -> Float {
    var (bin, low, before) = (0, 0, 0)
    while before + Int(upper[bin]) <= rank {
      before += Int(upper[bin])
      bin += 1
    }
    if bin != counted { countLower(bin) }
    while before + Int(lower[low]) <= rank {
      before += Int(lower[low])
      low += 1
    }
    return Self.value(UInt32(bin) << 16 | UInt32(low))
  }

  private func countLower(_ bin: Int) {
    counted = bin
    lower.initialize(repeating: 0, count: Self.bins)
    let wanted = UInt32(bin)
    for value in values {
      let key = Self.key(value)
      if key >> 16 == wanted { lower[Int(key & 0xFFFF)] &+= 1 }
    }
  }
}

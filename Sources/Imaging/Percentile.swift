/// The value below which a share of numbers lies, as NumPy's `percentile` with linear interpolation, computed in
/// double precision (Hyndman and Fan 1996, type 7).
public enum Percentile {
  /// The exact percentile (0 ... 100) of finite numbers; nil if there are none to count.
  ///
  /// Two passes over the data, whatever their order: the upper 16 bits of each number are counted, then the lower
  /// 16 of those in the wanted bin. Nothing is copied or sorted.
  public static func of(_ values: [Float], _ percentile: Double) -> Double? {
    values.withUnsafeBufferPointer { of($0, percentile) }
  }

  private static func of(_ values: UnsafeBufferPointer<Float>, _ percentile: Double) -> Double? {
    precondition((0...100).contains(percentile))
    let histogram = Histogram()
    histogram.countUpper(values)
    let count = values.count
    if count == 0 { return nil }
    let position = percentile / 100 * Double(count - 1)
    let rank = min(Int(position), count - 1)
    let fraction = position - Double(rank)
    let (lower, upper) = histogram.neighbours(rank, values)
    let (a, b) = (Double(lower), Double(upper))
    // From the nearer end, as NumPy does, so that the result is the same to the last bit.
    return fraction >= 0.5 ? b - (b - a) * (1 - fraction) : a + (b - a) * fraction
  }
}

/// Counts of numbers by the upper, then the lower, 16 bits of a key that sorts as the numbers do.
private final class Histogram {
  private static let bins = 1 << 16
  /// Four tables side by side: neighbouring voxels are often alike, and one counter would wait for itself.
  private let upper = UnsafeMutablePointer<UInt32>.allocate(capacity: 4 * bins)
  private let lower = UnsafeMutablePointer<UInt32>.allocate(capacity: bins)

  init() { upper.initialize(repeating: 0, count: 4 * Self.bins) }

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

  func countUpper(_ values: UnsafeBufferPointer<Float>) {
    let (t1, t2, t3) = (upper + Self.bins, upper + 2 * Self.bins, upper + 3 * Self.bins)
    var index = 0
    while index + 4 <= values.count {
      upper[Int(Self.key(values[index]) >> 16)] &+= 1
      t1[Int(Self.key(values[index + 1]) >> 16)] &+= 1
      t2[Int(Self.key(values[index + 2]) >> 16)] &+= 1
      t3[Int(Self.key(values[index + 3]) >> 16)] &+= 1
      index += 4
    }
    while index < values.count {
      upper[Int(Self.key(values[index]) >> 16)] &+= 1
      index += 1
    }
    for bin in 0..<Self.bins { upper[bin] &+= t1[bin] &+ t2[bin] &+ t3[bin] }
  }

  /// The numbers of rank `rank` and `rank + 1` (the same one at the end), counted from 0.
  func neighbours(_ rank: Int, _ values: UnsafeBufferPointer<Float>) -> (Float, Float) {
    var bin = 0
    var before = 0
    while before + Int(upper[bin]) <= rank {
      before += Int(upper[bin])
      bin += 1
    }
    countLower(bin, values)
    var low = 0
    while before + Int(lower[low]) <= rank {
      before += Int(lower[low])
      low += 1
    }
    let first = Self.value(UInt32(bin) << 16 | UInt32(low))
    if rank + 1 >= values.count || before + Int(lower[low]) > rank + 1 { return (first, first) }
    low += 1
    while low < Self.bins && lower[low] == 0 { low += 1 }
    if low == Self.bins {
      bin += 1
      while upper[bin] == 0 { bin += 1 }
      countLower(bin, values)
      low = 0
      while lower[low] == 0 { low += 1 }
    }
    return (first, Self.value(UInt32(bin) << 16 | UInt32(low)))
  }

  private func countLower(_ bin: Int, _ values: UnsafeBufferPointer<Float>) {
    lower.initialize(repeating: 0, count: Self.bins)
    let wanted = UInt32(bin)
    for value in values {
      let key = Self.key(value)
      if key >> 16 == wanted { lower[Int(key & 0xFFFF)] &+= 1 }
    }
  }
}

import Foundation

/// The value without shading that is expected where a logarithm with it is seen: what N3 does to a histogram (Sled, Zijdenbos
/// and Evans, IEEE TMI 1998, section II; Tustison et al., IEEE TMI 2010, section II).
///
/// Shading blurs the histogram of the logarithms; the blur is taken as a Gaussian and undone by a Wiener filter. What the
/// sharp histogram and the blur say of a seen value is the mean of the sharp values that it may have come from.
struct HistogramSharpening: Sendable {
  /// The logarithm of the first bin, and from one to the next.
  private let lowest: Float
  private let step: Float
  /// Expected logarithm by bin.
  private let expected: [Float]

  /// - Parameter logs: logarithms of the intensities, finite.
  /// - Returns: nil where they do not differ.
  init?(of logs: [Float], _ options: BiasField.Options) {
    var (lowest, highest) = (Float.infinity, -Float.infinity)
    for value in logs {
      lowest = min(lowest, value)
      highest = max(highest, value)
    }
    let bins = options.bins
    self.lowest = lowest
    step = (highest - lowest) / Float(bins - 1)
    guard step > 0, step.isNormal else { return nil }

    // Twice as many places as bins, and more: what lies near one end must not be blurred into the other.
    let blur = Circle(gaussian: options.width / Double(step), period: 2 * Self.powerOfTwo(from: bins))
    let transfer = blur.transformed()
    let restoring = transfer.map { $0 / ($0 * $0 + options.noise) }.inverseTransformed()
    let margin = (blur.period - bins) / 2
    var seen = [Double](repeating: 0, count: blur.period)
    for value in logs {
      let position = (value - lowest) / step
      let bin = min(Int(position), bins - 1)
      let share = Double(position - Float(bin))
      seen[margin + bin] += 1 - share
      seen[margin + bin + 1] += share
    }
    let sharp = restoring.convolved(with: seen).map { max($0, 0) }
    let weights = blur.convolved(with: sharp)
    let sums = blur.convolved(with: sharp.indices.map { sharp[$0] * Double($0 - margin) })
    let (start, width) = (Double(lowest), Double(step))
    expected = (0..<bins).map { bin in
      // Far from all of the sharp histogram nothing is known: the value stays.
      let place = margin + bin
      return Float(start + width * (weights[place] > 0 ? sums[place] / weights[place] : Double(bin)))
    }
  }

  /// The expected logarithm, between bins by a straight line.
  @inline(__always)
  func callAsFunction(_ log: Float) -> Float {
    let position = (log - lowest) / step
    let bin = min(max(Int(position), 0), expected.count - 2)
    return expected[bin] + (expected[bin + 1] - expected[bin]) * (position - Float(bin))
  }

  private static func powerOfTwo(from count: Int) -> Int {
    var power = 1
    while power < count { power *= 2 }
    return power
  }
}

/// An even function on a circle of places, known over half of it.
private struct Circle {
  /// At 0 ... period / 2.
  let values: [Double]
  var period: Int { 2 * (values.count - 1) }

  /// A normal density whose full width at half of its maximum is given in places.
  init(gaussian width: Double, period: Int) {
    let rate = 4 * log(2) / (width * width)
    values = (0...period / 2).map { 2 * (log(2) / .pi).squareRoot() / width * exp(-rate * Double($0 * $0)) }
  }

  private init(values: [Double]) { self.values = values }

  func map(_ change: (Double) -> Double) -> Circle { Circle(values: values.map(change)) }

  /// Its discrete Fourier transform, which is real and even.
  func transformed() -> Circle {
    let (half, period) = (values.count - 1, period)
    let cosines = (0..<period).map { cos(2 * .pi * Double($0) / Double(period)) }
    return Circle(
      values: (0...half).map { frequency in
        var sum = 0.0
        for place in 1..<half { sum += values[place] * cosines[frequency * place % period] }
        return values[0] + values[half] * cosines[frequency * half % period] + 2 * sum
      })
  }

  func inverseTransformed() -> Circle { transformed().map { $0 / Double(period) } }

  /// The circular convolution with a function on all of the circle, which mostly is zeros.
  func convolved(with other: [Double]) -> [Double] {
    let period = period
    let turns = (0..<2 * period).map { values[min($0 % period, period - $0 % period)] }
    var result = [Double](repeating: 0, count: period)
    for (place, value) in other.enumerated() where value != 0 {
      let shift = period - place
      for target in 0..<period { result[target] += value * turns[target + shift] }
    }
    return result
  }
}

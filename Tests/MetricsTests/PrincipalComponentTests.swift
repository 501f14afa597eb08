import Foundation
import Metrics
import Testing

@Suite struct PrincipalComponentTests {
  private func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }

  /// Points ± s along known directions, about a mean: variance 2 s² / 6 along each.
  @Test func knownDirectionsAreFound() {
    let half = 0.5.squareRoot()
    let directions: [[Double]] = [[half, 0, half, 0], [0, 1, 0, 0], [half, 0, -half, 0]]
    let lengths = [3.0, 2, 0.5]
    let mean: [Double] = [10, -4, 0.5, 7]
    var values = [Float](repeating: 0, count: 4 * 6)
    for (index, direction) in directions.enumerated() {
      for (side, sign) in [1.0, -1].enumerated() {
        for channel in 0..<4 {
          values[channel * 6 + 2 * index + side] = Float(
            mean[channel] + sign * lengths[index] * direction[channel])
        }
      }
    }
    let found = PrincipalComponents(values, channels: 4, count: 3)
    for channel in 0..<4 { #expect(abs(found.mean[channel] - mean[channel]) < 1e-6) }
    for (index, direction) in directions.enumerated() {
      #expect(abs(abs(dot(found.axes[index], direction)) - 1) < 1e-10)
      #expect(abs(found.variances[index] - lengths[index] * lengths[index] / 3) < 1e-6)
      #expect((found.axes[index].max { abs($0) < abs($1) } ?? 0) > 0)
    }
    #expect(abs(found.total - found.variances.reduce(0, +)) < 1e-9)
    let line = found.projection(of: values, on: 1)
    #expect(abs(abs(line[2]) - 2) < 1e-5 && abs(line[2] + line[3]) < 1e-5 && abs(line[0]) < 1e-5)
  }

  /// Against the definition, where no direction is known: 40 channels that mix a few signals with noise.
  @Test func axesAreEigenvectorsOfTheCovariance() {
    let (channels, points) = (40, 500)
    var state: UInt64 = 7
    func random() -> Float {
      state = state &* 6_364_136_223_846_793_005 &+ 1
      return Float(Int64(bitPattern: state) >> 40) / Float(1 << 23)
    }
    let signals = (0..<6).map { signal in (0..<points).map { _ in random() * Float(7 - signal) } }
    let weights = (0..<channels).map { _ in (0..<6).map { _ in random() } }
    let values = (0..<channels).flatMap { channel in
      (0..<points).map { point in
        signals.indices.reduce(random() * 0.1) { $0 + weights[channel][$1] * signals[$1][point] }
      }
    }
    let found = PrincipalComponents(values, channels: channels, count: 3)
    for (axis, variance) in zip(found.axes, found.variances) {
      var image = [Double](repeating: 0, count: channels)
      for point in 0..<points {
        let centred = (0..<channels).map { Double(values[$0 * points + point]) - found.mean[$0] }
        let share = dot(axis, centred) / Double(points)
        for channel in 0..<channels { image[channel] += share * centred[channel] }
      }
      let rest = zip(image, axis).map { $0 - variance * $1 }
      #expect(dot(rest, rest).squareRoot() < 1e-5 * variance)
      #expect(abs(dot(axis, axis) - 1) < 1e-12)
    }
    #expect(abs(dot(found.axes[0], found.axes[1])) < 1e-9 && abs(dot(found.axes[0], found.axes[2])) < 1e-9)
    #expect(found.variances == found.variances.sorted(by: >) && found.variances[0] < found.total)
  }

  @Test func degenerateCloudsAreHeld() {
    let constant = PrincipalComponents([Float](repeating: 3, count: 5 * 7), channels: 5, count: 3)
    #expect(constant.variances == [0, 0, 0] && constant.total == 0)
    #expect(constant.projection(of: [Float](repeating: 3, count: 35), on: 2).allSatisfy { $0 == 0 })
    let two = PrincipalComponents([1, -1, 0, 0, 0, 0, 2, -2], channels: 2, count: 3)
    #expect(two.axes.count == 2 && abs(two.variances[0] - 2) < 1e-12 && abs(two.variances[1] - 0.5) < 1e-12)
    #expect(PrincipalComponents([5], channels: 1, count: 3).axes == [[1]])
  }
}

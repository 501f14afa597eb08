import Foundation

/// How training samples are changed at random, so that a network meets more than there is: each sample is mirrored, turned,
/// scaled and given other intensities, all its contrasts and labels by one and the same movement.
public struct Augmentation: Codable, Sendable, Equatable {
  /// Whether half of the samples are mirrored, left to right.
  public var mirrors = true
  /// Largest turn about the foot-to-head axis, in degrees.
  public var rotation = 15.0
  /// Largest change of size, as a share.
  public var scaling = 0.15
  /// Largest change of a contrast's intensities, as a share: of their factor, and of the exponent that bends them.
  public var intensity = 0.2

  public init() {}

  /// Samples as they are.
  public static let none = {
    var none = Augmentation()
    (none.mirrors, none.rotation, none.scaling, none.intensity) = (false, 0, 0, 0)
    return none
  }()

  /// What is wrong with the values, or nil.
  public var refusal: String? {
    let values = [("rotation", rotation, 180.0), ("scaling", scaling, 0.5), ("intensity", intensity, 0.9)]
    return values.first { !(0...$0.2).contains($0.1) }.map {
      "augmentation.\($0.0) is \($0.1); it must be from 0 to \($0.2)"
    }
  }

  /// One sample's change.
  public struct Draw: Sendable {
    /// What a pixel more along columns and rows is in the plane as it was, (columns, rows).
    private let along: (column: SIMD2<Double>, row: SIMD2<Double>)
    private let intensity: Double
    private var random: RandomSource

    init(_ augmentation: Augmentation, _ source: RandomSource) {
      var random = source
      let mirror = augmentation.mirrors && random.uniform() < 0.5 ? -1.0 : 1
      let angle = random.uniform(-1, 1) * augmentation.rotation * .pi / 180
      let scale = 1 / (1 + random.uniform(-1, 1) * augmentation.scaling)
      along = (scale * mirror * SIMD2(cos(angle), sin(angle)), scale * SIMD2(-sin(angle), cos(angle)))
      (intensity, self.random) = (augmentation.intensity, random)
    }

    /// Moves planes in place, linearly between pixels, and then changes their intensities, which lie in [0, 1] before and
    /// after. The contrasts of a sample are to be handed over in one order.
    public mutating func change(_ planes: UnsafeMutableBufferPointer<Float>, rows: Int, columns: Int) {
      move(planes, rows, columns) { plane, place in
        let (left, top) = (Int(place.x.rounded(.down)), Int(place.y.rounded(.down)))
        let (x, y) = (Float(place.x - Double(left)), Float(place.y - Double(top)))
        func value(_ row: Int, _ column: Int) -> Float {
          row >= 0 && row < rows && column >= 0 && column < columns ? plane[row * columns + column] : 0
        }
        let upper = value(top, left) + x * (value(top, left + 1) - value(top, left))
        let lower = value(top + 1, left) + x * (value(top + 1, left + 1) - value(top + 1, left))
        return upper + y * (lower - upper)
      }
      let factor = Float(1 + random.uniform(-1, 1) * intensity)
      let exponent = Float(1 + random.uniform(-1, 1) * intensity)
      guard factor != 1 || exponent != 1 else { return }
      for index in planes.indices where planes[index] > 0 {
        planes[index] = min(1, factor * powf(planes[index], exponent))
      }
    }

    /// Moves planes of labels in place, each pixel to the nearest.
    public func change(_ planes: UnsafeMutableBufferPointer<UInt8>, rows: Int, columns: Int) {
      move(planes, rows, columns) { plane, place in
        let (column, row) = (Int(place.x.rounded()), Int(place.y.rounded()))
        return row >= 0 && row < rows && column >= 0 && column < columns ? plane[row * columns + column] : 0
      }
    }

    private func move<Value>(
      _ planes: UnsafeMutableBufferPointer<Value>, _ rows: Int, _ columns: Int,
      _ value: (UnsafeMutableBufferPointer<Value>, SIMD2<Double>) -> Value
    ) {
      guard along != (SIMD2(1, 0), SIMD2(0, 1)) else { return }
      let middle = SIMD2(Double(columns - 1), Double(rows - 1)) / 2
      withUnsafeTemporaryAllocation(of: Value.self, capacity: rows * columns) { before in
        for first in stride(from: 0, to: planes.count, by: rows * columns) {
          let plane = UnsafeMutableBufferPointer(rebasing: planes[first..<first + rows * columns])
          _ = before.update(fromContentsOf: plane)
          for row in 0..<rows {
            for column in 0..<columns {
              let place = SIMD2(Double(column), Double(row)) - middle
              plane[row * columns + column] = value(
                before, middle + place.x * along.column + place.y * along.row)
            }
          }
        }
      }
    }
  }

  /// The change of the sample with this number in a stream of samples: a function of seed and number alone.
  public func draw(seed: UInt64, number: Int) -> Draw {
    // A quarter of the streams of their own: others shuffle, and place patches.
    Draw(self, RandomSource(seed: seed, stream: 1 << 62 | UInt64(number)))
  }
}

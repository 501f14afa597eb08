/// Colours for numbers: red, green and blue at five evenly spaced stops, mixed linearly between them.
public struct Colormap: Sendable, Equatable {
  /// Five colours, for 0, 1/4, 1/2, 3/4 and 1; each channel 0 ... 255.
  public let stops: [SIMD3<UInt8>]

  /// For error maps: black, violet, red, orange, pale yellow. Lightness rises all the way: also for the colour-blind.
  public static let error = Colormap(stops: [
    [0, 0, 4], [81, 18, 124], [183, 55, 90], [251, 135, 52], [252, 253, 191],
  ])

  public init(stops: [SIMD3<UInt8>]) {
    precondition(stops.count == 5)
    self.stops = stops
  }

  /// The colour of a value, clipped to 0 ... 1; NaN takes the first colour.
  public func callAsFunction(_ value: Float) -> SIMD3<UInt8> {
    let place = value > 0 ? min(value, 1) * 4 : 0
    let first = min(Int(place), 3)
    let share = place - Float(first)
    let (a, b) = (SIMD3<Float>(stops[first]), SIMD3<Float>(stops[first + 1]))
    return SIMD3<UInt8>((a + (b - a) * share).rounded(.toNearestOrAwayFromZero))
  }

  /// Pixels for `PNG.encode(rgb:)`: three bytes a value, which spans `range`.
  public func rgb(_ values: [Float], over range: ClosedRange<Float> = 0...1) -> [UInt8] {
    let table = (0...255).map { self(Float($0) / 255) }
    let scale = range.upperBound > range.lowerBound ? 255 / (range.upperBound - range.lowerBound) : 0
    return values.flatMap { value in
      let place = (value - range.lowerBound) * scale
      let colour = table[place > 0 ? Int(min(place, 255).rounded()) : 0]
      return [colour.x, colour.y, colour.z]
    }
  }
}

import Foundation

/// How a value between voxels is made from its neighbours.
public enum Interpolation: Sendable, CaseIterable {
  /// For labels, which have no values between them.
  case nearest
  case linear
}

/// A linear map along one axis: each output is a weighted sum of a few neighbouring inputs.
struct AxisWeights: Sendable {
  /// For each output, the first input and the weights.
  let first: [Int]
  let weights: [[Float]]
  /// The outputs copy the inputs one for one.
  let isIdentity: Bool
  let inputCount: Int

  var count: Int { first.count }

  /// Interpolation at `offset + step * index`, in input voxels, for each output index.
  ///
  /// A position more than half a voxel beyond the last centre gives 0; one in the outer half voxel the border's value.
  init(count: Int, inputCount: Int, step: Double, offset: Double, _ interpolation: Interpolation) {
    self.init(
      (0..<count).map { AxisWeights.taps(offset + step * Double($0), inputCount, interpolation) }, inputCount)
  }

  /// Resizing with aligned outer edges, bilinear; where the image shrinks, the triangle widens with it, so that
  /// every input counts (as Pillow, and PyTorch with `antialias=True`).
  init(resizing inputCount: Int, to count: Int) {
    let scale = Double(inputCount) / Double(count)
    let support = max(scale, 1)
    let taps = (0..<count).map { index in
      let centre = (Double(index) + 0.5) * scale
      let start = max(Int(centre - support + 0.5), 0)
      let end = min(Int(centre + support + 0.5), inputCount)
      var weights = (start..<end).map { max(0, 1 - abs((Double($0) + 0.5 - centre) / support)) }
      let sum = weights.reduce(0, +)
      for place in weights.indices { weights[place] /= sum }
      return (start: start, weights: weights)
    }
    self.init(taps, inputCount)
  }

  /// The mean under a Gaussian of this standard deviation, in voxels, over those within three of them; beyond the ends there are none.
  init(blurring count: Int, deviation: Double) {
    let reach = Int((3 * deviation).rounded(.up))
    let taps = (0..<count).map { index in
      let near = max(0, index - reach)..<min(count, index + reach + 1)
      let weights = near.map { exp(-0.5 * pow(Double($0 - index) / deviation, 2)) }
      let sum = weights.reduce(0, +)
      return (start: near.lowerBound, weights: weights.map { $0 / sum })
    }
    self.init(taps, count)
  }

  init(_ taps: [(start: Int, weights: [Double])], _ inputCount: Int) {
    self.inputCount = inputCount
    let (first, weights) = (taps.map(\.start), taps.map { $0.weights.map { Float($0) } })
    (self.first, self.weights) = (first, weights)
    isIdentity =
      taps.count == inputCount
      && weights.indices.allSatisfy { index in
        weights[index].contains(1)
          && weights[index].enumerated().allSatisfy { $1 == (first[index] + $0 == index ? 1 : 0) }
      }
  }

  /// The first voxel and the weights at a position; no weights outside the volume.
  private static func taps(
    _ position: Double, _ count: Int, _ interpolation: Interpolation
  ) -> (start: Int, weights: [Double]) {
    // Grids that coincide meet here up to rounding; it must not cost them the last voxel, nor blur.
    let nearest = position.rounded(.toNearestOrAwayFromZero)
    let position = abs(position - nearest) < 1e-6 ? nearest : position
    guard position >= -0.5, position < Double(count) - 0.5 else { return (0, []) }
    // In the outer half voxel only the border's is near.
    if position == nearest || interpolation == .nearest || position < 0 || position > Double(count - 1) {
      return (min(max(Int(nearest), 0), count - 1), [1])
    }
    let floor = position.rounded(.down)
    let t = position - floor
    return (Int(floor), [1 - t, t])
  }

  /// Applies the map along an axis of an array of shape [outer, inputCount, inner] (inner runs fastest).
  func apply(_ input: [Float], inner: Int, threads: Int) -> [Float] {
    if isIdentity { return input }
    let outer = inputCount * inner == 0 ? 0 : input.count / (inputCount * inner)
    return [Float](unsafeUninitializedCapacity: outer * count * inner) { output, written in
      nonisolated(unsafe) let output = output
      input.withUnsafeBufferPointer { input in
        nonisolated(unsafe) let input = input
        // Along the slowest axis there is one part, whose outputs are shared out.
        let isOne = outer == 1
        Parallel.forEach(count: isOne ? count : outer, threads: threads) { number in
          let part = isOne ? 0 : number
          for index in isOne ? number..<number + 1 : 0..<count {
            let target = output.baseAddress.map { $0 + (part * count + index) * inner }
            guard let target else { continue }
            accumulate(input, part * inputCount * inner, index, target, inner)
          }
        }
      }
      written = outer * count * inner
    }
  }

  @inline(__always)
  private func accumulate(
    _ input: UnsafeBufferPointer<Float>, _ base: Int, _ index: Int, _ target: UnsafeMutablePointer<Float>,
    _ inner: Int
  ) {
    let weights = weights[index]
    let start = base + first[index] * inner
    if inner == 1 {
      var sum: Float = 0
      for tap in weights.indices { sum += weights[tap] * input[start + tap] }
      target[0] = sum
      return
    }
    for i in 0..<inner { target[i] = 0 }
    for tap in weights.indices {
      let weight = weights[tap]
      let source = start + tap * inner
      for i in 0..<inner { target[i] += weight * input[source + i] }
    }
  }
}

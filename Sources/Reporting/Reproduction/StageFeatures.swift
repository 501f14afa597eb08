import Cohorts
import Experiments
import Inference
import Layers
import Methods
import Networks
import Torch

/// What comes out of each stage of a network for one slice: the first three principal components of its channels as
/// red, green and blue.
package struct StageFeatures: Sendable {
  package struct Picture: Sendable {
    package let stage: String
    package let tile: Tile
    /// Share of the channels' variance that the three components hold.
    package let explained: Double
  }

  package let name: String
  package let pictures: [Picture]

  package init(
    _ model: TrainedModel, named name: String, of slice: SampleReference, in cohort: PreparedCohort
  ) throws {
    var maps: [String: Tensor] = [:]
    let parameters = model.method.generator.parameters
    parameters.observer = { path, tensor in
      let words = path.split(separator: ".")
      // A stage that runs more than once is shown as it was last.
      guard words.count > 1, words[words.count - 2] == ResUnet.features, tensor.rank == 4 else { return }
      maps[String(words[words.count - 1])] = tensor
    }
    defer { parameters.observer = nil }
    let slices = try cohort.batches(of: [slice], scenario: model.experiment.scenario, batchSize: 1)[0]
    _ = try model.slicePredictor(of: cohort)(slices) { _, _ in }
    self.name = name
    pictures = Stage.allCases.compactMap { stage in
      maps[stage.rawValue].map { map in
        StageFeatures.picture(
          map.narrowed(0, from: 0, length: 1).values(), channels: map.size(1), height: map.size(2),
          width: map.size(3), stage: stage.rawValue)
      }
    }
  }

  /// - Parameter values: `channels x height x width`.
  package static func picture(_ values: [Float], channels: Int, height: Int, width: Int, stage: String)
    -> Picture
  {
    let points = height * width
    let map = Tensor(values, shape: [channels, points]).to(.float64)
    let centred = map - map.mean(over: [1], keeping: true)
    let (ascending, vectors) = (centred.matmul(centred.permuted([1, 0])) / Double(points)).eigenvectors
    let variances = ascending.values(Double.self).map { max(0, $0) }
    let total = variances.reduce(0, +)
    let shown = Array(variances.indices.reversed().prefix(3))
    var rgb = [UInt8](repeating: 0, count: 3 * points)
    // A direction without variance would show rounding.
    for (axis, component) in shown.enumerated() where variances[component] > 1e-12 * total {
      var direction = vectors.narrowed(1, from: component, length: 1)
      // Of the two directions that are the axis, the one whose largest entry is positive.
      let entries = direction.values(Double.self)
      if entries.max(by: { abs($0) < abs($1) }) ?? 0 < 0 { direction = -direction }
      let line = direction.permuted([1, 0]).matmul(centred).values(Float.self)
      // The outermost hundredths do not set the scale.
      let sorted = line.sorted()
      let (low, high) = (sorted[sorted.count / 100], sorted[sorted.count - 1 - sorted.count / 100])
      for (pixel, value) in line.enumerated() where high > low {
        rgb[3 * pixel + axis] = UInt8((255 * min(1, max(0, (value - low) / (high - low)))).rounded())
      }
    }
    let explained = total > 0 ? shown.reduce(0) { $0 + variances[$1] } / total : 0
    return Picture(stage: stage, tile: Tile(width: width, height: height, rgb: rgb), explained: explained)
  }
}

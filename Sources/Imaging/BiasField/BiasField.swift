import Foundation

/// The smooth factor by which a coil makes some parts of a scan brighter than others, estimated by N4 (Tustison et al., IEEE
/// TMI 2010, section II).
///
/// A smooth factor blurs the histogram of the logarithms. What sharpening it takes from each voxel's logarithm is fitted by a
/// smooth field, which is taken away; and so on until the field no longer changes, then with elements of half the size.
package struct BiasField: Sendable {
  /// SimpleITK's values.
  package struct Options: Sendable {
    /// About how far apart the voxels that are looked at are, in mm.
    package var spacing = 4.0
    /// The first has one element along each axis, each further one twice as many.
    package var levels = 4
    /// The most of each level.
    package var iterations = 50
    /// A level ends where the ratio of a field to the one before has a coefficient of variation below this.
    package var convergence = 0.001
    /// Of the histogram; two at least.
    package var bins = 200
    /// Full width at half maximum of the blur of the histogram, in units of the natural logarithm.
    package var width = 0.15
    /// What the Wiener filter takes for noise.
    package var noise = 0.01

    package init() {}
  }

  /// Standard deviation of the field's natural logarithm over the mask.
  package let deviation: Double
  /// How many times its 1st percentile over the mask the field's 99th is.
  package let range: Double

  private let mesh: SplineMesh
  /// Of the logarithm.
  private let coefficients: [Float]
  /// Of the logarithm over the mask.
  private let mean: Float
  private let limits: ClosedRange<Float>
  /// For each axis, the voxel indices from the mask's first to its last.
  private let box: [ClosedRange<Double>]

  /// - Parameters:
  ///   - mask: by voxel, where there is tissue; voxels not above 0 there do not count.
  /// - Returns: nil where there is nothing to look at.
  package init?(of volume: Volume, in mask: [Bool], options: Options = Options()) {
    precondition(mask.count == volume.voxels.count)
    let samples = LogSamples(of: volume, in: mask, spacing: options.spacing)
    guard !samples.places.isEmpty else { return nil }
    var mesh = SplineMesh(dimensions: volume.dimensions, elements: .one)
    var coefficients = [Float](repeating: 0, count: mesh.coefficientCount)
    var logs = samples.logs
    for level in 0..<options.levels {
      if level > 0 {
        coefficients = mesh.refine(coefficients)
        mesh = mesh.refined
      }
      let approximation = SplineApproximation(mesh, at: samples)
      for _ in 0..<options.iterations {
        // Tissue of one intensity has no histogram to sharpen.
        guard let sharpening = HistogramSharpening(of: logs, options) else { break }
        let step = approximation.coefficients(of: logs.map { $0 - sharpening($0) })
        let change = approximation.values(step)
        for place in step.indices { coefficients[place] += step[place] }
        for place in logs.indices { logs[place] -= change[place] }
        let ratio = moments(of: change.map { exp($0) })
        if ratio.deviation < options.convergence * ratio.mean { break }
      }
    }
    (self.mesh, self.coefficients) = (mesh, coefficients)

    let field = zip(samples.logs, logs).map { $0 - $1 }
    let moments = moments(of: field)
    (deviation, mean) = (moments.deviation, Float(moments.mean))
    limits = (field.min() ?? 0)...(field.max() ?? 0)
    range = exp((Percentile.of(field, 99) ?? 0) - (Percentile.of(field, 1) ?? 0))
    box = (0..<3).map { samples.reach(axis: $0) }
  }

  /// Divides by the field, whose geometric mean over the mask is taken as 1.
  ///
  /// Where there was nothing to fit the field is a guess: beyond the box about the mask that of the box's side holds, and
  /// nowhere is it above or below all that it is in the mask.
  ///
  /// - Parameter values: by voxel, of the volume that the field is of or of another on its grid.
  package func correct(_ values: inout [Float], threads: Int = Parallel.coreCount) {
    let size = mesh.dimensions
    precondition(values.count == size.x * size.y * size.z)
    let indices = (0..<3).map { axis in
      (0..<size[axis]).map { min(max(Double($0), box[axis].lowerBound), box[axis].upperBound) }
    }
    let rows = mesh.values(at: indices[0], axis: 0).apply(coefficients, inner: 1, threads: threads)
    let columns = mesh.values(at: indices[1], axis: 1)
    let area = size.x * size.y
    values.withUnsafeMutableBufferPointer { values in
      nonisolated(unsafe) let values = values
      Parallel.forEach(count: size.z, threads: threads) { k in
        // One plane's field at a time: the whole field would be as large as the volume.
        let lattice = mesh.values(at: [indices[2][k]], axis: 2).apply(
          rows, inner: size.x * mesh.counts.y, threads: 1)
        let field = columns.apply(lattice, inner: size.x, threads: 1)
        for (place, log) in field.enumerated() {
          values[k * area + place] *= exp(mean - min(max(log, limits.lowerBound), limits.upperBound))
        }
      }
    }
  }
}

private func moments(of values: [Float]) -> (mean: Double, deviation: Double) {
  let count = Double(values.count)
  let mean = values.reduce(0) { $0 + Double($1) } / count
  let squares = values.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) }
  return (mean, (squares / count).squareRoot())
}

extension Volume {
  /// Takes a field out of it.
  package mutating func correct(by field: BiasField) { field.correct(&voxels) }
}

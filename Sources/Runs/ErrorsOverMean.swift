import Foundation

/// How far an image's squared error is below the variance of what it should be, over all samples that are added.
struct ErrorsOverMean {
  private var variance = 0.0, error = 0.0

  /// - Parameters:
  ///   - predictions: images one after the other, as `targets`.
  ///   - image: the place of the one that is added.
  ///   - counted: which of its voxels count.
  mutating func add(_ predictions: [Float], _ targets: [Float], image: Int, counting counted: [Bool]) {
    let first = image * counted.count
    var (sum, squares, count) = (0.0, 0.0, 0.0)
    for voxel in counted.indices where counted[voxel] {
      let wanted = Double(targets[first + voxel])
      let difference = Double(predictions[first + voxel]) - wanted
      (sum, squares, count) = (sum + wanted, squares + wanted * wanted, count + 1)
      error += difference * difference
    }
    if count > 0 { variance += squares - sum * sum / count }
  }

  var decibels: Double { 10 * log10(variance / error) }
}

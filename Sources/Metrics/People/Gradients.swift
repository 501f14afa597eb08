import Imaging

/// Differences between neighbours along rows and columns within the brain, of two images at once: sums of their squares and of
/// their product.
package struct Gradients {
  private var predicted = 0.0, target = 0.0, product = 0.0

  package init(_ prediction: [Float], _ target: [Float], _ regions: PersonRegions) {
    let (brain, extent) = (regions.brain, regions.grid.extent)
    for voxel in brain.indices where brain[voxel] {
      let (line, column) = voxel.quotientAndRemainder(dividingBy: extent.columns)
      for (isInside, step) in [
        (column + 1 < extent.columns, 1), (line % extent.rows + 1 < extent.rows, extent.columns),
      ] where isInside && brain[voxel + step] {
        let made = Double(prediction[voxel + step] - prediction[voxel])
        let real = Double(target[voxel + step] - target[voxel])
        predicted += made * made
        self.target += real * real
        product += made * real
      }
    }
  }

  /// The prediction's energy by the target's; nothing where the target has none.
  package var sharpness: Double? { target > 0 ? predicted / target : nil }

  /// Nothing where either is flat.
  package var correlation: Double? {
    predicted > 0 && target > 0 ? product / (predicted * target).squareRoot() : nil
  }
}

import Foundation
import Imaging

/// How a synthesis is judged on one person: fair to whatever scale it has.
///
/// Prediction and target are each divided by their own foreground's scale over the brain (`ForegroundScale`), unless a
/// prediction is on the target's scale by construction (what was fitted to the target).
///
/// - `db_brain`, `db_core`: 10 log10(variance of the target / mean squared error) in brain and core: 0 dB is what a constant
///   image would reach that has the target's mean.
/// - `psnr_brain`: 10 log10(L² / mean squared error) in the brain; L is the target's 99.5th percentile there.
/// - `r_brain`, `r_core`: Pearson's correlation.
/// - `db_fitted`: -10 log10(1 - r²) of `r_brain`, which is `db_brain` after the line (a factor and a constant) that brings the
///   prediction nearest to the target: what is known of the brain whatever its brightness and contrast.
/// - `sharpness`: the prediction's sum of squared differences between neighbours along rows and columns within the brain, by
///   the target's.
/// - `r_gradient`: the gradient correlation (Penney et al. 1998): prediction's times target's differences between neighbours, summed,
///   by the root of the product of their sums of squares. Whose sharpness is its square shows every edge as strongly as it is
///   known: one that is blurred further or sharpened is further from the target.
/// - `db_lesion`: 10 log10(variance of the target in the brain / mean squared error in lesions).
/// - `lesion_contrast`: mean of the lesions minus mean of their shell in the prediction, by the same in the target.
/// - `false_bright`: share of white matter far from lesions that lies above its median + 3 x 1.4826 x the median absolute
///   deviation in the prediction and not in the target; the deviation is the target's for both.
public struct PersonScorer: Sendable {
  public let regions: PersonRegions

  public init(_ regions: PersonRegions) { self.regions = regions }

  /// - Parameters:
  ///   - prediction: [plane][row][column] on the grid of the regions.
  ///   - isFitted: whether the prediction has the target's own scale.
  /// - Returns: nothing where an image has no foreground in the brain.
  public func callAsFunction(_ prediction: [Float], _ target: [Float], isFitted: Bool = false)
    -> MeasuredValues<PersonMeasure>?
  {
    let brain = regions.brain
    precondition(prediction.count == brain.count && target.count == brain.count)
    guard let truth = scaled(target, by: target),
      let image = isFitted ? scaled(prediction, by: target) : scaled(prediction, by: prediction)
    else { return nil }
    var values = MeasuredValues<PersonMeasure>()
    let whole = Agreement(image, truth, inside: brain)
    (values[.brain], values[.correlation]) = (whole.decibels, whole.correlation)
    let left = 1 - whole.correlation * whole.correlation
    if whole.correlation.isFinite { values[.fitted] = left > 0 ? -10 * log10(left) : .infinity }
    let inside = brain.indices.filter { brain[$0] }.map { truth[$0] }
    if let peak = Percentile.of(inside, 99.5) { values[.psnr] = 10 * log10(peak * peak / whole.mse) }
    if regions.core.contains(true) {
      let core = Agreement(image, truth, inside: regions.core)
      (values[.core], values[.coreCorrelation]) = (core.decibels, core.correlation)
    }
    let edges = Gradients(image, truth, regions)
    values[.sharpness] = edges.sharpness
    values[.gradientCorrelation] = edges.correlation
    if let lesion = regions.lesion {
      let errors = Agreement(image, truth, inside: lesion)
      values[.lesionError] = 10 * log10(whole.targetVariance / errors.mse)
      if let shell = regions.shell, shell.contains(true) {
        let around = Agreement(image, truth, inside: shell)
        let contrast = errors.targetMean - around.targetMean
        if contrast != 0 {
          values[.lesionContrast] = (errors.predictedMean - around.predictedMean) / contrast
        }
      }
    }
    values[.falseBright] = falseBright(image, truth)
    return values
  }

  /// What an image is divided by before it is compared: its foreground's scale over the brain; nothing where there is no
  /// foreground.
  public func scale(of image: [Float]) -> Double? {
    let brain = regions.brain
    return ForegroundScale.of(brain.indices.filter { brain[$0] }.map { image[$0] })
  }

  private func scaled(_ image: [Float], by reference: [Float]) -> [Float]? {
    scale(of: reference).map { scale in
      let factor = Float(1 / scale)
      return image.map { $0 * factor }
    }
  }

  private func falseBright(_ image: [Float], _ truth: [Float]) -> Double? {
    guard let white = regions.whiteMatter else { return nil }
    let voxels = white.indices.filter { white[$0] }
    let (made, real) = (voxels.map { image[$0] }, voxels.map { truth[$0] })
    guard let madeMedian = Percentile.of(made, 50), let realMedian = Percentile.of(real, 50),
      let deviation = Percentile.of(real.map { Float(abs(Double($0) - realMedian)) }, 50)
    else { return nil }
    let margin = 3 * 1.4826 * deviation
    let invented = zip(made, real).count {
      Double($0) > madeMedian + margin && Double($1) <= realMedian + margin
    }
    return Double(invented) / Double(voxels.count)
  }
}

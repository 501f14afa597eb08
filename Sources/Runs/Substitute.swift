import Experiments
import Imaging
import Inference

/// What the segmentations of a row are shown in place of a contrast: whether a synthesised one is of use shows beside the
/// acquired one, zeros and a copy.
public struct Substitute {
  public let modality: Modality
  public let filling: SegmentationEvaluator.Filling
  /// As a table's row names it: `FLAIR by AGI-Net (pix2pix) [run]`.
  public let title: String

  /// - Parameter name: what tells a model from others of its kind, such as its folder's name.
  public init(_ modality: Modality, _ filling: SegmentationEvaluator.Filling, named name: String? = nil) {
    (self.modality, self.filling) = (modality, filling)
    let what =
      switch filling {
      case .zero: "zero"
      case .copy(let other): "copied from \(other.title)"
      case .synthesised(let model): "by \(model.experiment.title)\(name.map { " [\($0)]" } ?? "")"
      }
    title = "\(modality.title) \(what)"
  }
}

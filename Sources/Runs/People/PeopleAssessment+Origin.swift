import Experiments
import Files
import Imaging
import Inference
import Torch

extension PeopleAssessment {
  /// By what figures came about: without it two assessments of the same people cannot be told apart.
  public struct Origin: Sendable, Encodable {
    public struct Model: Sendable, Encodable {
      public var name: String, file: String, sha256: String
    }

    public var version = Version.current
    public var models: [Model]
    /// Whether axial planes alone were seen by models that know others.
    public var isAxialAlone: Bool
    /// What models of heads did about shading.
    public var biasField: BiasFieldRule
    /// How scans on other grids came onto one; nil where they had to lie on one.
    public var alignedBy: ScanAlignment.Rule?
    public var grid: Modality?
    /// How exactly networks computed; nil for float32.
    public var precision: String?

    init(_ models: [(name: String, model: TrainedModel)], _ options: Options) {
      self.models = models.map {
        Model(name: $0.name, file: Path.name($0.model.file), sha256: $0.model.sha256)
      }
      (isAxialAlone, biasField) = (options.isAxialAlone, options.biasField)
      (alignedBy, grid) = (options.alignment.rule, options.alignment.reference)
      precision = LibTorch.precision.note
    }

    /// For those who read.
    package var lines: [(name: String, value: String)] {
      var lines = models.map { (name: $0.name, value: "\($0.file), SHA-256 \($0.sha256)") }
      if isAxialAlone { lines.append(("Planes", "axial ones alone")) }
      if biasField != .automatic {
        lines.append(("Shading", biasField == .keep ? "left in" : "taken out of all"))
      }
      if let alignedBy {
        let words = alignedBy == .registration ? "registered" : "resampled by their headers"
        lines.append(("Scans", words + (grid.map { " to \($0.title)" } ?? "")))
      }
      if let precision { lines.append(("Precision", precision)) }
      return lines + [("Program", "aginet \(version)")]
    }
  }
}

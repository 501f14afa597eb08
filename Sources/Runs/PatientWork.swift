import Experiments
import Files
import Imaging
import Inference

/// Something that is computed of one patient's files: what every such computation is told, and does, alike.
public protocol PatientWork {
  var model: TrainedModel { get }
  /// The volume to write; the sidecar has the same name with `.json`. Empty where nothing but an estimate is asked for.
  var output: String { get }
  /// Slices or patches at a time.
  var batchSize: Int { get set }
  var replaces: Bool { get set }
  var voxelLimit: Int { get set }
  /// How scans on other grids come onto one.
  var alignment: ScanAlignment { get set }
  /// What `run` will take, by the headers of the files and a batch that is sent through the network; nothing else is read, and
  /// nothing written.
  /// - Throws: `.usage` for a model of another kind, `.inconsistent` for a modality that is missing or not taken, where one
  ///   file is given twice and where grids differ that `alignment` does not bring together; what reading a header throws; of an
  ///   output what `run` throws before any work; `.limit` where memory cannot do.
  func estimate(_ volumes: [(modality: Modality, path: String)]) throws -> Estimate
}

extension PatientWork {
  func patientFiles(_ volumes: [(modality: Modality, path: String)], to output: String? = nil) -> PatientFiles
  {
    PatientFiles(
      model: model.file, volumes: volumes, output: output ?? self.output, replaces: replaces,
      voxelLimit: voxelLimit, alignment: alignment)
  }
}

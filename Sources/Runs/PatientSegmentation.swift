import Experiments
import Files
import Imaging
import Inference
import Torch

/// From a patient's files to the file of labels and its sidecar.
public struct PatientSegmentation: PatientWork {
  public let model: TrainedModel
  /// The label map to write.
  public let output: String
  public var batchSize = 2
  public var replaces = false
  public var voxelLimit = NIfTI.defaultVoxelLimit
  public var alignment = ScanAlignment()

  public init(model: TrainedModel, output: String) { (self.model, self.output) = (model, output) }

  /// Reads the volumes, finds the regions, writes label map and sidecar.
  ///
  /// The labels, one byte each, are those that the model was trained on; they lie on the grid of its first source, or the
  /// one that `alignment` names, as a synthesis does (`PatientSynthesis.run`).
  /// - Throws: before any work `.usage` for a model that makes images, else as `PatientSynthesis.run`.
  public func run(
    _ files: [(modality: Modality, path: String)], progress: (Int, Int) throws -> Void = { _, _ in },
    begins: (String) throws -> Void = { _ in }
  ) throws -> SegmentationSidecar {
    var segmenter = try model.segmenter
    segmenter.looksForMotion = alignment.rule != .registration
    let files = patientFiles(files)
    try files.check()
    var contents = try files.read(for: model.card, begins: begins)
    var result = try segmenter(
      contents.takeVolumes(), batchSize: batchSize, progress: progress, begins: begins)
    result.notes = contents.notes + result.notes
    var sidecar = SegmentationSidecar(result, model: model, regions: segmenter.regions, files: files)
    (sidecar.alignedBy, sidecar.alignment) = (alignment.rule, contents.placements)
    try files.write(
      result.labels, like: contents.reference.flatMap { contents.headers[$0] }, as: .uint8,
      description:
        "COMPUTED segmentation, not drawn by a person; research only; aginet \(Version.current)",
      beside: sidecar.json)
    return sidecar
  }

  public func estimate(_ volumes: [(modality: Modality, path: String)]) throws -> Estimate {
    let (segmenter, files) = (try model.segmenter, patientFiles(volumes))
    if !output.isEmpty { try files.check() }
    let (grid, elsewhere) = try files.grid(for: model.card)
    var estimate = try segmenter.estimate(of: grid, batchSize: batchSize)
    estimate.holds(elsewhere)
    return estimate
  }
}

/// What stands beside a label map that was computed.
public struct SegmentationSidecar: Codable, Sendable {
  /// A region, which others may be parts of.
  public struct Region: Codable, Sendable {
    public var name: String
    /// The labels whose voxels belong to it.
    public var labels: [UInt8]
    /// What this file has at voxels of it that belong to no later region in the list.
    public var written: UInt8
    /// Of all voxels of it.
    public var millilitres: Double
  }

  public var description: String
  public var trainedOn: String
  public var warning: String
  public var regions: [Region]
  /// As in ``Sidecar``.
  public var sourceFiles: [String]
  public var sources: [Sidecar.Source]
  public var model: String
  public var modelSHA256: String
  public var generatedBy: [String: String]
  public var emptySlices: Int
  public var precision: String?
  public var notes: [String]
  public var alignedBy: ScanAlignment.Rule?
  public var alignment: [ScanPlacement]?

  enum CodingKeys: String, CodingKey {
    case description = "Description"
    case trainedOn = "TrainedOn"
    case warning = "Warning"
    case regions = "Regions"
    case sourceFiles = "Sources"
    case sources = "SourceDetails"
    case model = "Model"
    case modelSHA256 = "ModelSHA256"
    case generatedBy = "GeneratedBy"
    case emptySlices = "EmptySlices"
    case precision = "Precision"
    case notes = "Notes"
    case alignedBy = "AlignedBy"
    case alignment = "Alignment"
  }

  init(_ result: Segmenter.Result, model: TrainedModel, regions: [LabelRegion], files: PatientFiles) {
    let card = model.card
    (description, trainedOn) = ("\(card.scenario) by \(model.experiment.title)", card.trainedOn)
    warning = card.warning
    self.regions = zip(zip(regions, regions.ownLabels), result.volumes).map { region, volume in
      Region(
        name: region.0.name, labels: region.0.labels, written: region.1 ?? 0, millilitres: volume)
    }
    sources = result.sources.map { Sidecar.Source($0, $1, files) }
    sourceFiles = sources.map(\.file)
    self.model = Path.name(model.file)
    modelSHA256 = model.sha256
    generatedBy = ["Name": PatientFiles.program, "Version": Version.current]
    (emptySlices, notes) = (result.emptySlices, result.notes)
    precision = LibTorch.precision.note
  }

  public var json: String { get throws { try json(pretty: true) } }
}

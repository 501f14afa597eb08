import Experiments
import Files
import Imaging
import Inference

/// From a patient's files to the synthesised file and its sidecar.
public struct PatientSynthesis {
  public let model: TrainedModel
  /// The volume to write; the sidecar has the same name with `.json`. Empty where nothing but an estimate is asked for.
  public let output: String
  public var intensity = Synthesizer.Intensity.unit
  public var batchSize = 2
  public var replaces = false
  public var voxelLimit = NIfTI.defaultVoxelLimit

  public init(model: TrainedModel, output: String) { (self.model, self.output) = (model, output) }

  /// Reads the volumes, synthesises, writes volume and sidecar.
  ///
  /// The result lies on the grid of the model's first source: dimensions, affine, codes, units. Of that file's header
  /// nothing else is kept, for it may name the patient; the sidecar names the files by their last parts.
  /// - Throws: before any work `.usage` for a model that finds labels, `.cannotWrite` where an output exists or has no
  ///   folder, `.refused` where it would replace an input, `.inconsistent` where one file is given twice; then what reading,
  ///   synthesis and writing throw.
  public func run(
    _ files: [(modality: Modality, path: String)], progress: (Int, Int) throws -> Void = { _, _ in }
  ) throws -> Sidecar {
    let synthesizer = try model.synthesizer
    let files = patientFiles(files)
    try files.check()
    var contents = try files.read()
    var result = try synthesizer(
      contents.takeVolumes(), intensity: intensity, batchSize: batchSize, progress: progress)
    result.notes = ScanCheck.lines(contents.findings) + result.notes
    let sidecar = try Sidecar(result, model: model, files: files, intensity: intensity)
    let scenario = model.card.scenario
    try files.write(
      result.volume, like: contents.headers[scenario.sources[0]], as: .float32,
      description:
        "SYNTHETIC \(scenario.target.title), not acquired; research only; aginet \(Version.current)",
      beside: sidecar.json)
    return sidecar
  }

  /// What `run` will take, by the headers of the files and a batch that is sent through the network; nothing else is read, and
  /// nothing written.
  /// - Throws: `.inconsistent` for a modality that is missing or not taken, where one file is given twice and where grids
  ///   differ; what reading a header throws; of an output what `run` throws before any work; `.limit` where memory cannot do.
  public func estimate(_ files: [(modality: Modality, path: String)]) throws -> Estimate {
    let synthesizer = try model.synthesizer
    return try synthesizer.estimate(
      of: patientFiles(files).dimensions(for: model.card), batchSize: batchSize)
  }

  private func patientFiles(_ volumes: [(modality: Modality, path: String)]) -> PatientFiles {
    PatientFiles(
      model: model.file, volumes: volumes, output: output, replaces: replaces, voxelLimit: voxelLimit)
  }
}

/// What stands beside a synthesised volume: BIDS's derivative fields, and how the intensities came about.
public struct Sidecar: Codable, Sendable {
  public struct Source: Codable, Sendable {
    public var modality: Modality
    public var file: String
    /// Intensity that became 1 for the network, the file's 99.5th percentile.
    public var scale: Double
    /// Share of voxels above it, which became 1, and below 0, which became 0.
    public var clippedAbove: Double
    public var clippedBelow: Double

    init(_ modality: Modality, _ scale: IntensityScale, _ files: PatientFiles) {
      (self.modality, file, self.scale) = (modality, files.name(of: modality), scale.upper)
      (clippedAbove, clippedBelow) = (scale.clippedAbove, scale.clippedBelow)
    }
  }

  public var description: String
  public var warning: String
  public var modality: Modality
  public var sources: [Source]
  public var model: String
  public var modelSHA256: String
  public var generatedBy: [String: String]
  /// The rule from the network's [0, 1] to this file's intensities, in words, and its factor.
  public var intensityRule: String
  public var intensityFactor: Double
  /// Shares of the network's output outside [0, 1], brought to the border.
  public var clippedBelow: Double
  public var clippedAbove: Double
  public var emptySlices: Int
  public var notes: [String]

  enum CodingKeys: String, CodingKey {
    case description = "Description"
    case warning = "Warning"
    case modality = "SynthesizedModality"
    case sources = "Sources"
    case model = "Model"
    case modelSHA256 = "ModelSHA256"
    case generatedBy = "GeneratedBy"
    case intensityRule = "IntensityRule"
    case intensityFactor = "IntensityFactor"
    case clippedBelow = "OutputClippedBelow"
    case clippedAbove = "OutputClippedAbove"
    case emptySlices = "EmptySlices"
    case notes = "Notes"
  }

  init(
    _ result: Synthesizer.Result, model: TrainedModel, files: PatientFiles,
    intensity: Synthesizer.Intensity
  ) throws {
    let card = model.card
    description = "\(card.scenario) by \(model.experiment.title), trained on \(card.trainedOn)"
    warning = card.warning
    modality = try card.scenario.contrast
    sources = result.sources.map { Source($0, $1, files) }
    self.model = Path.name(model.file)
    modelSHA256 = model.sha256
    generatedBy = ["Name": "aginet", "Version": Version.current]
    intensityRule =
      intensity == .unit
      ? "unit: 1 stands for the 99.5th percentile of a \(card.scenario.target.title) volume"
      : "reference: unit times the median 99.5th percentile of \(card.scenario.target.title) over the training subjects"
    intensityFactor = result.scale
    (clippedBelow, clippedAbove, emptySlices) = (result.clippedBelow, result.clippedAbove, result.emptySlices)
    notes = result.notes
  }

  public var json: String { get throws { try json(pretty: true) } }
}

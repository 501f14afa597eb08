import Experiments
import Failures
import Files
import Foundation
import Imaging
import Inference
import Training

/// From a patient's files to the synthesised file and its sidecar.
public struct PatientSynthesis {
  public let model: TrainedModel
  /// The volume to write; the sidecar has the same name with `.json`.
  public let output: String
  public var intensity = Synthesizer.Intensity.unit
  public var batchSize = 2
  public var replaces = false
  public var voxelLimit = NIfTI.defaultVoxelLimit

  public init(model: TrainedModel, output: String) { (self.model, self.output) = (model, output) }

  var sidecarPath: String {
    let stem = output.lowercased().hasSuffix(".gz") ? String(output.dropLast(3)) : output
    return (stem.lowercased().hasSuffix(".nii") ? String(stem.dropLast(4)) : stem) + ".json"
  }

  private func checkPaths(_ files: [(modality: Modality, path: String)]) throws {
    for path in [output, sidecarPath] {
      guard let isFolder = RunFolder.isFolder(path) else { continue }
      for input in [model.file] + files.map(\.path) where isOneFile(path, input) {
        throw Failure(.refused, "\(path): is an input, which is never overwritten; choose another name")
      }
      if isFolder { throw Failure(.cannotWrite, "\(path): is a folder; choose another name") }
      guard replaces else {
        throw Failure(.cannotWrite, "\(path): exists already; choose another name or give \(Term.overwrites)")
      }
    }
    let folder = Path.folder(output)
    guard RunFolder.isFolder(folder) == true else {
      throw Failure(.cannotWrite, "\(output): there is no folder \(folder); make it first")
    }
    guard access(folder, W_OK) == 0 else {
      throw Failure(.cannotWrite, "\(output): \(folder) cannot be written in; choose another folder")
    }
    for (place, file) in files.enumerated() {
      for other in files[..<place] where isOneFile(file.path, other.path) {
        throw Failure(
          .inconsistent,
          "\(file.path): is given as \(other.modality.title) and as \(file.modality.title); name each scan once"
        )
      }
    }
  }

  private func isOneFile(_ a: String, _ b: String) -> Bool {
    var (first, second) = (stat(), stat())
    return stat(a, &first) == 0 && stat(b, &second) == 0
      && first.st_dev == second.st_dev && first.st_ino == second.st_ino
  }

  /// Reads the volumes, synthesises, writes volume and sidecar.
  ///
  /// The result lies on the grid of the model's first source: dimensions, affine, codes, units. Of that file's header
  /// nothing else is kept, for it may name the patient; the sidecar names the files by their last parts.
  /// - Throws: before any work `.cannotWrite` where an output exists or has no folder, `.refused` where it would replace
  ///   an input, `.inconsistent` where one file is given twice; then what reading, synthesis and writing throw.
  public func run(
    _ files: [(modality: Modality, path: String)], progress: (Int, Int) throws -> Void = { _, _ in }
  ) throws -> Sidecar {
    guard [".nii", ".nii.gz"].contains(where: output.lowercased().hasSuffix) else {
      throw Failure(.usage, "\(output): the output's name must end in .nii or .nii.gz")
    }
    try checkPaths(files)
    var volumes: [Modality: (name: String, volume: Volume)] = [:]
    var headers: [Modality: NIfTIHeader] = [:]
    var findings: [ScanCheck.Finding] = []
    for (modality, path) in files {
      let image = try NIfTI.read(path: path, limit: voxelLimit)
      volumes[modality] = (path, image.volume)
      headers[modality] = image.header
      findings += ScanCheck.findings(of: image.header, name: Path.name(path))
    }
    // Handed over whole: no second reference keeps the volumes as they were read in memory.
    var result = try model.synthesizer(
      consume volumes, intensity: intensity, batchSize: batchSize, progress: progress)
    result.notes = ScanCheck.lines(findings) + result.notes

    let sources = model.card.scenario.sources
    let sidecar = try Sidecar(
      result, model: model, files: Dictionary(files.map { ($0, $1) }) { _, last in last },
      intensity: intensity)
    try write(sidecar) { stand in
      try NIfTI.write(
        result.volume, like: headers[sources[0]], as: .float32,
        description:
          "SYNTHETIC \(model.card.scenario.target.title), not acquired; research only; aginet \(Version.current)",
        to: output, replacing: replaces, beforeCommit: stand)
    }
    return sidecar
  }

  /// What `run` will take, by the headers of the files and a batch that is sent through the network; nothing else is read, and
  /// nothing written.
  /// - Throws: `.inconsistent` for a modality that is missing or not taken, and what reading a header throws.
  public func estimate(_ files: [(modality: Modality, path: String)]) throws -> Estimate {
    let paths = Dictionary(files.map { ($0.modality, $0.path) }) { _, last in last }
    let grids = try model.card.ordered(paths).map {
      try NIfTI.readHeader(path: $0, limit: voxelLimit).grid.reoriented(to: .lps)
    }
    return try model.synthesizer.estimate(of: grids[0].dimensions, batchSize: batchSize)
  }

  /// Writes the sidecar and, by `volume`, what it stands beside, which is to call its argument when all but the name is
  /// written: the sidecar gets its name first, so that no volume ever stands without one. Where the volume then fails,
  /// what stood there before does again.
  private func write(_ sidecar: Sidecar, volume: (_ stand: () throws -> Void) throws -> Void) throws {
    let before = replaces ? FileManager.default.contents(atPath: sidecarPath) : nil
    let beside = try AtomicFile(sidecarPath, replacing: replaces)
    try beside.append(Array((try sidecar.json + "\n").utf8))
    var stands = false
    do {
      try volume {
        try beside.commit()
        stands = true
      }
    } catch {
      if stands {
        if let before { try? AtomicFile.write([UInt8](before), to: sidecarPath) } else { unlink(sidecarPath) }
      }
      throw error
    }
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
    _ result: Synthesizer.Result, model: TrainedModel, files: [Modality: String],
    intensity: Synthesizer.Intensity
  ) throws {
    let card = model.card
    description = "\(card.scenario) by \(model.experiment.title), trained on \(card.trainedOn)"
    warning = card.warning
    modality = try card.scenario.contrast
    sources = result.sources.map { modality, scale in
      Source(
        modality: modality, file: Path.name(files[modality] ?? ""), scale: scale.upper,
        clippedAbove: scale.clippedAbove, clippedBelow: scale.clippedBelow)
    }
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

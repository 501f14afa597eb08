import Cohorts
import Experiments
import Failures
import Files
import Imaging
import Inference
import Torch
import Training

/// From a patient's files to the synthesised file, or files, and their sidecars.
public struct PatientSynthesis: PatientWork {
  public let model: TrainedModel
  /// The volume to write; or a folder, in which each contrast that is made has its own name, such as `flair.nii.gz`.
  public let output: String
  /// The contrasts to make; nil for all that the model makes of what the patient lacks.
  public var targets: [Modality]?
  /// Where a contrast is to be written, if not by `output`.
  public var outputs: [Modality: String] = [:]
  public var intensity = Synthesizer.Intensity.unit
  /// As `Synthesizer` has them.
  public var verifies = true, acceptsDoubts = false, isAxialAlone = false
  public var biasField = BiasFieldRule.automatic
  public var batchSize = 2
  public var replaces = false
  public var voxelLimit = NIfTI.defaultVoxelLimit
  public var alignment = ScanAlignment()
  /// What the patient's scans are called in a data set; nil where their files' names are all that is known.
  var derivation: Derivation?

  public init(model: TrainedModel, output: String) { (self.model, self.output) = (model, output) }

  /// The same where one contrast is made.
  public func run(
    _ files: [(modality: Modality, path: String)], progress: (Int, Int) throws -> Void = { _, _ in }
  ) throws -> Sidecar {
    let sidecars = try runAll(files, progress: progress)
    return sidecars[0]
  }

  /// Reads the volumes, synthesises, writes volumes and sidecars.
  ///
  /// The results lie on the grid of the model's first source that is given, or of the one that `alignment` names: dimensions,
  /// affine, codes, units. Of that file's
  /// header nothing else is kept, for it may name the patient; the sidecar names the files by their last parts.
  /// - Parameters:
  ///   - verifying: the same as `progress`, while sources are hidden to see how far the model can be relied on.
  ///   - begins: is told in words what begins, of which progress is then shown.
  /// - Throws: before any work `.usage` for a model that finds labels, `.cannotWrite` where an output exists or has no
  ///   folder, `.refused` where it would replace an input, `.inconsistent` where one file is given twice; then what reading,
  ///   synthesis and writing throw.
  public func runAll(
    _ volumes: [(modality: Modality, path: String)], progress: (Int, Int) throws -> Void = { _, _ in },
    verifying: (Int, Int) throws -> Void = { _, _ in }, begins: (String) throws -> Void = { _ in }
  ) throws -> [Sidecar] {
    let synthesizer = try synthesizer
    let made = try model.card.targets(targets, given: Set(volumes.map(\.modality)))
    let files = try made.map { try self.files(volumes, for: $0, of: made.count) }
    var begun: String?
    defer { if let begun { RunFolder.removeEmpty(begun, within: Path.folder(begun)) } }
    if let folder, made.contains(where: { outputs[$0] == nil }) {
      if RunFolder.isFolder(folder) == nil { begun = folder }
      try RunFolder.make(folder)
    }
    for file in files { try file.check() }
    var contents = try files[0].read(for: model.card, begins: begins)
    var result: Synthesizer.Result
    do {
      result = try synthesizer(
        contents.takeVolumes(), targets: made, intensity: intensity, batchSize: batchSize,
        progress: progress, verifying: verifying, begins: begins)
    } catch let failure as Failure where failure.kind == .refused && !contents.findings.isEmpty {
      // What the headers betray may be why.
      let found = ScanCheck.lines(contents.findings).joined(separator: "; ")
      throw Failure(.refused, "\(failure.message) (\(found))")
    }
    result.notes = contents.notes + result.notes
    let images = result.images
    result.images = []
    return try zip(images, files).map { image, file in
      var sidecar = Sidecar(image, result, model: model, files: file, intensity: intensity)
      (sidecar.alignedBy, sidecar.alignment) = (alignment.rule, contents.placements)
      if let derivation { sidecar.derivation = derivation }
      try file.write(
        image.volume, like: contents.reference.flatMap { contents.headers[$0] }, as: .float32,
        description:
          "\(NIfTIHeader.syntheticMark) \(image.modality.title), not acquired; research only; aginet \(Version.current)",
        beside: sidecar.json)
      return sidecar
    }
  }

  private var synthesizer: Synthesizer {
    get throws {
      var synthesizer = try model.synthesizer
      (synthesizer.verifies, synthesizer.acceptsDoubts) = (verifies, acceptsDoubts)
      (synthesizer.isAxialAlone, synthesizer.biasField) = (isAxialAlone, biasField)
      // What was registered lies where it should.
      synthesizer.areRegistered = alignment.rule == .registration
      synthesizer.looksForMotion = !synthesizer.areRegistered
      return synthesizer
    }
  }

  /// The folder that `output` names; nil where it names a volume.
  private var folder: String? {
    if output.hasSuffix("/") { return Path.withoutEnd(output) }
    return output.scanStem == nil && RunFolder.isFolder(output) == true ? output : nil
  }

  /// - Throws: `.usage` where several contrasts are to go into one file, or onto the scale of one scan.
  private func files(
    _ volumes: [(modality: Modality, path: String)], for target: Modality, of count: Int
  ) throws -> PatientFiles {
    var files = patientFiles(
      volumes, to: outputs[target] ?? folder.map { "\($0)/\(target.rawValue).nii.gz" })
    if case .like(let path, _) = intensity { files.beside = path }
    guard count > 1 else { return files }
    guard files.beside == nil else {
      throw Failure(.usage, "\(count) contrasts are made, and one scan has the scale of one of them only")
    }
    guard outputs[target] != nil || folder != nil else {
      throw Failure(
        .usage,
        "\(output): \(count) contrasts are made; name a folder for them, which ends in a slash where it is new (made/), or one contrast"
      )
    }
    return files
  }

  public func estimate(_ volumes: [(modality: Modality, path: String)]) throws -> Estimate {
    let synthesizer = try synthesizer
    let given = Set(volumes.map(\.modality))
    let made = try model.card.targets(targets, given: given)
    if !output.isEmpty {
      let files = try made.map { try self.files(volumes, for: $0, of: made.count) }
      // A folder that is yet to be made has nothing in it.
      if folder.map({ RunFolder.isFolder($0) != nil }) ?? true { for file in files { try file.check() } }
    }
    let (grid, elsewhere) = try patientFiles(volumes).grid(for: model.card)
    var estimate = try synthesizer.estimate(of: grid, given: given, targets: made, batchSize: batchSize)
    estimate.holds(elsewhere)
    return estimate
  }
}

extension Synthesizer.Intensity {
  /// The scale of another scan of the wanted contrast.
  /// - Throws: what reading it throws; `.malformed` where nothing of it lies above 0.
  public static func like(file path: String, limit: Int = NIfTI.defaultVoxelLimit) throws -> Self {
    let voxels = try NIfTI.read(path: path, limit: limit).volume.checked(name: path).voxels
    guard let scale = ForegroundScale.of(voxels) else {
      throw Failure(.malformed, "\(path): nothing of it lies above 0, so there is no scale to take from it")
    }
    return .like(name: path, scale: scale)
  }
}

import Experiments
import Failures
import Files
import Foundation
import Imaging
import Inference
import Torch

/// What stands beside a synthesised volume: BIDS's derivative fields, and how the intensities came about.
public struct Sidecar: Codable, Sendable {
  public struct Source: Codable, Sendable {
    public var modality: Modality
    public var file: String
    /// Intensity that became 1 for the network: the file's 99.5th percentile, or by the model's rule.
    public var scale: Double
    /// Shares of voxels above the largest that it is shown and below 0, which became those.
    public var clippedAbove: Double
    public var clippedBelow: Double
    /// How many times brighter a coil's shading made the brightest parts than the darkest, where it was taken out; the scale is that
    /// of what is left.
    public var shading: Double?

    init(_ modality: Modality, _ scale: IntensityScale, _ files: PatientFiles, shading: Double? = nil) {
      (self.modality, file, self.scale) = (modality, files.name(of: modality), scale.upper)
      self.shading = shading
      (clippedAbove, clippedBelow) = (scale.clippedAbove, scale.clippedBelow)
    }
  }

  /// Where the volume was written; not part of what stands beside it.
  public private(set) var file: String?

  public var description: String
  /// What the model was trained on.
  public var trainedOn: String
  public var warning: String
  public var modality: Modality
  /// The scans, as BIDS names them: here by their files' names.
  public var sourceFiles: [String]
  /// Of the scans' contrasts those that the model was not shown for this one; nil where it was shown all.
  public var withheld: [Modality]?
  public var sources: [Source]
  public var model: String
  public var modelSHA256: String
  public var generatedBy: [String: String]
  /// The rule from the network's [0, 1] to this file's intensities, in words, and its factor.
  public var intensityRule: String
  public var intensityFactor: Double
  /// Shares of what the network made, of a model of heads within the head, that lay below 0 and above the largest that images
  /// have, and were brought to the border.
  public var clippedBelow: Double
  public var clippedAbove: Double
  /// Whether so much was brought there that a reader should know: within heads it is a hundredth at the most where a model serves.
  public var isClipped: Bool { clippedBelow + clippedAbove > 0.05 }
  public var emptySlices: Int
  /// Whether the scans, and so what was made, show a brain without its skull; nil where that was not looked at.
  public var isStripped: Bool?
  /// How exactly the network computed; nil for float32.
  public var precision: String?
  /// By what scans on other grids came onto one, and where each came to lie; nil where they had to lie on one.
  public var alignedBy: ScanAlignment.Rule?
  public var alignment: [ScanPlacement]?
  /// The planes that the head was seen in, of which the volume is the mean; nil of a model that knows axial ones alone.
  public var planes: [HeadPlane]?
  /// What hiding each source in turn told, and its mean in dB; nil where that was not done.
  public var verification: [Verification.Hidden]?
  public var reliability: Double?
  public var notes: [String]
  /// Of the notes, why the patient would have been refused; nil where that was not so.
  public var overruled: [String]?
  /// Of images of a data set alone: SHA-256 of the scans, in their order; the link to the one whose grid the volume has; whether
  /// axial planes alone were asked for, nil where not; and what was to be done about shading, nil where what is usual.
  public var sourceSHA256: [String]?
  public var spatialReference: String?
  public var isAxialAlone: Bool?
  public var biasField: BiasFieldRule?

  enum CodingKeys: String, CodingKey {
    case description = "Description"
    case trainedOn = "TrainedOn"
    case warning = "Warning"
    case modality = "SynthesizedModality"
    case sourceFiles = "Sources"
    case withheld = "SourcesNotShown"
    case sources = "SourceDetails"
    case model = "Model"
    case modelSHA256 = "ModelSHA256"
    case generatedBy = "GeneratedBy"
    case intensityRule = "IntensityRule"
    case intensityFactor = "IntensityFactor"
    case clippedBelow = "OutputClippedBelow"
    case clippedAbove = "OutputClippedAbove"
    case emptySlices = "EmptySlices"
    case isStripped = "SkullStripped"
    case precision = "Precision"
    case alignedBy = "AlignedBy"
    case alignment = "Alignment"
    case planes = "Planes"
    case verification = "Verification"
    case reliability = "Reliability"
    case notes = "Notes"
    case overruled = "Overruled"
    case sourceSHA256 = "SourceSHA256"
    case spatialReference = "SpatialReference"
    case isAxialAlone = "AxialOnly"
    case biasField = "BiasField"
  }

  init(
    _ image: Synthesizer.Result.Image, _ result: Synthesizer.Result, model: TrainedModel, files: PatientFiles,
    intensity: Synthesizer.Intensity
  ) {
    let card = model.card
    let scenario = Scenario(sources: result.sources.map(\.modality), target: image.modality)
    (description, trainedOn) = ("\(scenario) by \(model.experiment.title)", card.trainedOn)
    warning = ModelCard.warning(from: scenario.sources)
    (modality, file) = (image.modality, files.output)
    sources = result.sources.map { Source($0, $1, files, shading: result.shading[$0]) }
    sourceFiles = sources.map(\.file)
    withheld = image.withheld.isEmpty ? nil : image.withheld
    self.model = Path.name(model.file)
    modelSHA256 = model.sha256
    generatedBy = ["Name": PatientFiles.program, "Version": Version.current]
    intensityRule = intensity.words(for: image.modality, by: card.intensityRule)
    intensityFactor = image.scale
    (clippedBelow, clippedAbove, emptySlices) = (result.clippedBelow, result.clippedAbove, result.emptySlices)
    isStripped = result.isStripped
    precision = LibTorch.precision.note
    planes = card.planes == nil ? nil : result.planes
    (verification, reliability) = (result.verification?.hidden, result.verification?.reliability)
    notes = result.notes
    overruled = result.overruled.isEmpty ? nil : result.overruled
  }

  /// - Parameter path: where a sidecar is.
  /// - Returns: nil where none is there, or none that was written so.
  package init?(at path: String) {
    guard let data = FileManager.default.contents(atPath: path),
      let sidecar = try? JSONDecoder().decode(Sidecar.self, from: data)
    else { return nil }
    self = sidecar
  }

  public var json: String { get throws { try json(pretty: true) } }

  /// The notes, of which those say so, first, that would have been a reason to refuse the patient.
  public var tellingNotes: [String] {
    let reasons = overruled ?? []
    return reasons.map { "REFUSED but for \(Term.acceptsDoubts): \($0)" }
      + notes.filter { !reasons.contains($0) }
  }
}

/// What an image of a data set was computed of, and how, beyond what any image's sidecar tells: by this it is known later whether it
/// would be computed so again.
struct Derivation {
  /// Links to the scans, in BIDS's words, in the model's order.
  var sources: [String]
  /// Their SHA-256; nil where one cannot be read, and in what earlier versions wrote.
  var digests: [String]?
  /// The link to the scan whose grid the image has.
  var reference: String?
  var isAxialAlone: Bool
  var biasField: BiasFieldRule
}

extension Sidecar {
  var derivation: Derivation {
    get {
      Derivation(
        sources: sourceFiles, digests: sourceSHA256, reference: spatialReference,
        isAxialAlone: isAxialAlone ?? false, biasField: biasField ?? .automatic)
    }
    set {
      (sourceFiles, sourceSHA256) = (newValue.sources, newValue.digests)
      (spatialReference, isAxialAlone) = (newValue.reference, newValue.isAxialAlone ? true : nil)
      biasField = newValue.biasField == .automatic ? nil : newValue.biasField
    }
  }
}

extension Synthesizer.Intensity {
  /// From the network's intensities to a file's, in words.
  fileprivate func words(for target: Modality, by rule: IntensityRule) -> String {
    switch self {
    case .unit where rule == .percentile:
      "unit: 1 stands for the 99.5th percentile of a \(target.title) volume"
    case .unit:
      "unit: 1 is the root mean square of the foreground, whatever lies above \(ForegroundScale.floor) of it"
    case .reference where rule == .percentile:
      "reference: unit times the median 99.5th percentile of \(target.title) over the training subjects"
    case .reference:
      "reference: the median scale of \(target.title) over the training subjects"
    case .like(let name, _): "like: the root mean square of the foreground is that of \(Path.name(name))"
    }
  }
}

import Cohorts
import Failures
import Files
import Imaging
import Inference
import Layers
import Methods
import Torch

/// A model file, loaded: the networks with their weights, and the card.
public struct TrainedModel {
  public let file: String
  public let card: ModelCard
  public let experiment: Experiment
  public let method: any Method
  public let device: Device
  /// SHA-256 of the file, the model's name in every sidecar.
  public let sha256: String

  /// The metadata key under which a model file and a checkpoint name their experiment.
  package static let experimentKey = "aginet.experiment"

  /// - Throws: `.notFound` for a missing file, `.invalidModel` for one that is not a model of aginet's or is damaged,
  ///   `.numerical` for weights that are not finite, `.limit` where one of its samples cannot fit into memory.
  public init(file: String, device: Device) throws {
    let tensors = try Safetensors(contentsOf: file)
    experiment = try TrainedModel.experiment(of: tensors)
    guard let card = tensors.metadata[ModelCard.key] else {
      throw Failure(.invalidModel, "\(file): not a model of aginet (no card in its metadata)")
    }
    guard !tensors.endsInZeros else {
      throw Failure(
        .invalidModel, "\(file): ends in zeros, as a file whose transfer was cut; copy it again")
    }
    self.file = file
    self.device = device
    self.card = try ModelCard(json: card, file: file)
    guard self.card.scenario == experiment.scenario else {
      throw Failure(
        .invalidModel,
        "\(file): its card says \(self.card.scenario), its experiment \(experiment.scenario); it was tampered with"
      )
    }
    guard self.card.region.dimensions == experiment.region.dimensions,
      self.card.region.depth == experiment.region.depth
    else {
      throw Failure(
        .invalidModel,
        "\(file): its card says \(self.card.region), its experiment \(experiment.region); it was tampered with"
      )
    }
    // An experiment can ask for any size; the file shows what there is before memory is taken for it.
    try Parameters.outlining { [experiment] in
      let generator = try MethodCatalog.build(experiment, device: .cpu).generator
      try tensors.check(fits: generator.parameters.saved, under: "\(generator.name).")
    }
    try experiment.checkMemory(ofModel: file, on: self.card.extent, device: device)
    method = try MethodCatalog.build(experiment, device: device)
    let generator = method.generator
    try tensors.load(generator.parameters.saved, under: "\(generator.name).")
    try TrainedModel.check(generator.parameters, of: file)
    generator.parameters.beginEvaluating()
    sha256 = try SHA256.ofFile(file).digest
  }

  /// Refuses weights that no training leaves.
  private static func check(_ parameters: Parameters, of file: String) throws {
    for (name, tensor) in parameters.saved where !tensor.isFinite {
      throw Failure(.numerical, "\(file): \(name) holds numbers that are not finite; train anew")
    }
    let isWritten = withoutGradient {
      parameters.saved.contains { ($0.tensor * $0.tensor).sum().item > 0 }
    }
    guard isWritten else {
      throw Failure(.invalidModel, "\(file): all its weights are 0: they were never written; copy it again")
    }
  }

  /// What the model in this file was trained by.
  public static func experiment(of file: Safetensors) throws -> Experiment {
    guard let json = file.metadata[experimentKey] else {
      throw Failure(.invalidModel, "\(file.path): not a model of aginet (no experiment in its metadata)")
    }
    return try Experiment(json: json, origin: file.path)
  }

  public var predictor: Predictor { Predictor(method, for: card.scenario, device: device) }

  /// What computes the slices of a cohort, by whatever region the model sees.
  /// - Parameters:
  ///   - scenario: another than that of training, of as many sources.
  ///   - perturbation: of a source, as the slices themselves are translated.
  /// - Throws: what `checkScale` and `SampleContents` throw.
  public func slicePredictor(
    of cohort: PreparedCohort, for scenario: Scenario? = nil, perturbation: Perturbation? = nil
  ) throws -> SlicePredictor {
    try checkScale()
    return try SlicePredictor(
      Predictor(method, for: scenario ?? card.scenario, device: device), seeing: card.region, of: cohort,
      perturbation: perturbation)
  }

  /// What computes whole subjects of a cohort.
  /// - Throws: what `checkScale` throws.
  public var stackPredictor: StackPredictor {
    get throws {
      try checkScale()
      return StackPredictor(predictor, seeing: card.region)
    }
  }

  /// Refuses (`.inconsistent`) a model of images on the scale of their foreground, as computed heads are: a prepared cohort's are
  /// on that of their 99.5th percentile.
  package func checkScale() throws {
    guard card.intensityRule == .percentile else {
      throw Failure(
        .inconsistent,
        "\(file): was trained on images on the scale of their foreground, and a prepared cohort has them on that of their "
          + "99.5th percentile; \(Term.assessment) measures it on people's files")
    }
  }

  /// What it is better not shown, where it is known for that: a model that came with the program, under whatever name.
  package var withholdings: [Withholding] {
    ShippedModel.all.first { $0.sha256 == sha256 }?.withholdings ?? []
  }

  /// - Throws: `.usage` for a model that finds labels.
  public var synthesizer: Synthesizer {
    get throws {
      guard experiment.regions == nil else {
        throw Failure(
          .usage, "\(file): is a segmentation of \(card.scenario.sources.titles); use \(Term.segmentation)")
      }
      var synthesizer = Synthesizer(method, card: card, device: device)
      synthesizer.withholdings = withholdings
      return synthesizer
    }
  }

  /// - Throws: `.usage` for a model that makes images.
  public var segmenter: Segmenter {
    get throws {
      guard let regions = experiment.regions else {
        throw Failure(
          .usage, "\(file): is a model of \(card.scenario), no segmentation; use \(Term.synthesis)")
      }
      return Segmenter(method, regions: regions, card: card, device: device)
    }
  }
}

extension TrainedModel {
  /// Writes the generator as a model file.
  /// - Parameter halved: whether its numbers are written in half precision; they are read as single precision whichever.
  package static func write(
    _ method: any Method, experiment: Experiment, card: ModelCard, to path: String, halved: Bool = false
  ) throws {
    let generator = method.generator
    let tensors = generator.parameters.saved.map {
      let name = "\(generator.name).\($0.name)"
      return halved ? Safetensors.Tensor(halved: name, $0.tensor) : Safetensors.Tensor(name, $0.tensor)
    }
    try Safetensors.write(
      tensors, metadata: [experimentKey: experiment.json, ModelCard.key: card.json], to: path)
  }
}

import Imaging
import Inference
import Layers
import Methods
import PipelineSupport
import Torch

/// A method whose synthesis is a known function of its sources, so that every voxel can be foretold.
final class Known: Method {
  let generator = TrainedNetwork("generator", Parameters())
  var networks: [TrainedNetwork] { [generator] }
  let losses: [String] = []
  private let function: (Tensor) -> Tensor
  /// Shapes of the batches it was given.
  private(set) var shapes: [[Int]] = []

  /// What it was told to be there, by call.
  private(set) var presence: [[Float]?] = []

  init(_ function: @escaping (Tensor) -> Tensor) { self.function = function }

  func train(on batch: Batch, random: RandomStream) -> [PendingLoss] { [] }

  func synthesize(_ sources: Tensor, present: Tensor?, passed: (Int, Int) throws -> Void) rethrows -> Tensor {
    shapes.append(sources.shape)
    presence.append(present?.values())
    let image = function(sources)
    try passed(1, 1)
    return image
  }

  /// One of its sources as it is.
  static func channel(_ index: Int) -> Known { Known { $0.narrowed(1, from: index, length: 1) } }
}

let scenario = Scenario(sources: [.t1, .t2], target: .pd)

func card(height: Int = 32, width: Int = 32, spacing: [Double] = [1, 1, 3]) -> ModelCard {
  ModelCard(
    scenario: scenario, extent: Extent(height, width), intensity: "unit",
    scales: [.t1: 300, .t2: 150, .pd: 250], spacing: spacing, sliceRule: "all", trainedOn: "test",
    iterations: 1, score: nil, parameters: 0, versions: [:])
}

func synthesizer(_ method: any Method, _ card: ModelCard = card()) -> Synthesizer {
  Synthesizer(method, card: card, device: .cpu)
}

typealias Patient = [Modality: (name: String, volume: Volume)]

/// T1 and T2 of one subject, turned to `orientation`.
func patient(_ orientation: Orientation = .lps) -> Patient {
  [
    .t1: ("t1.nii.gz", scan(.t1, subject: 1).reoriented(to: orientation)),
    .t2: ("t2.nii.gz", scan(.t2, subject: 1).reoriented(to: orientation)),
  ]
}

/// A scan as the network should see it.
func scaled(_ volume: Volume) throws -> [Float] {
  try IntensityScale(of: volume.voxels).normalise(volume.voxels)
}

// MARK: - Models of any subset

/// A model of whatever is missing of T1, T2 and FLAIR.
func completing(side: Int = 32) -> ModelCard {
  ModelCard(
    scenario: Scenario(completing: [.t1, .t2, .flair]), extent: Extent(side, side), intensity: "foreground",
    rule: .foreground,
    scales: [.t2: 150], spacing: [1, 1, 3], sliceRule: "all", trainedOn: "test", iterations: 1, score: nil,
    parameters: 0, versions: [:])
}

func completer(_ method: Known, side: Int = 32) -> Synthesizer {
  Synthesizer(method, card: completing(side: side), device: .cpu)
}

/// Every channel is the sum of what is given.
func sums(_ factors: [Double] = [1, 1, 1]) -> Known {
  Known { x in
    let sum = x.mean(over: [1], keeping: true) * 3
    return .concatenated(factors.map { sum * $0 }, axis: 1)
  }
}

/// A head of 0.25 litres.
let headSize: SIMD3<Int> = [64, 72, 24]
func head(_ modality: Modality) -> Volume { scan(modality, subject: 3, size: headSize) }
func given(_ modalities: Modality...) -> Patient {
  Dictionary(uniqueKeysWithValues: modalities.map { ($0, ("\($0.rawValue).nii.gz", head($0))) })
}

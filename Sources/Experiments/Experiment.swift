import Cohorts
import Failures
import Imaging
import Methods
import Networks
import Training

/// Everything that decides what a training run computes, as a value: the same experiment on the same cohort with the
/// same build and threads gives the same bytes.
///
/// An `experiment.json` says only what differs from these defaults, which are the paper's (§4.1.2).
public struct Experiment: Codable, Sendable, Equatable {
  /// The framework: one of `MethodCatalog`'s names.
  public var method = "pix2pix"
  /// The generator: one of `NetworkCatalog`'s names. Where a file or the command line names none, the method's own.
  public var network = "agi-net"
  /// Groups n of CAGR's and GRA's modules; ignored by networks that have none.
  public var groups = 8
  /// Kernels n of ARC's modules; ignored by networks that have none.
  public var arcKernels = 4
  /// Channels of the first level; the others have 2, 4 and 8 times as many.
  public var width = 64
  /// Residual blocks a stage.
  public var blocks = 2
  /// Stages whose blocks' first convolutions are replaced.
  public var stages = [Stage].agiNet
  public var scenario = Scenario(sources: [.t1, .t2], target: .pd)
  public var iterations = 120_000
  public var batchSize = 16
  public var learningRate = 1e-4
  /// How the learning rate goes on: the paper's is constant.
  public var schedule = Schedule.constant
  /// A random translation of one source while training and validating, for the experiments on misalignment; none at
  /// radius 0. Training shifts a slice anew every epoch, validation always alike.
  public var perturbation = Perturbation(of: .t2, radius: 0)
  /// Decides initial weights, the order of slices and every random number in between.
  public var seed: UInt64 = 1
  /// Iterations between two looks at the validation split, and the most slices one look takes (spread evenly).
  public var validateEvery = 1000, validationSlices = 256
  /// Iterations between two checkpoints.
  public var checkpointEvery = 1000
  public var pix2pix = Pix2Pix.Options()
  public var pgan = PGAN.Options()
  public var mmgan = MMGAN.Options()
  public var medsynth = MedSynth.Options()
  public var ddpm = DDPM.Options()
  public var iddpm = IDDPM.Options()
  public var selfrdb = SelfRDB.Options()

  public init() {}
}

extension Experiment {
  /// The translation of training and validation images, where there is one.
  package var shift: Perturbation? { perturbation.radius > 0 ? perturbation : nil }

  /// Refuses numbers that make no sense before anything is built.
  public func check() throws {
    try checkBounds()
    guard Set(stages).count == stages.count else {
      throw Failure(.usage, "stages: a stage is named twice")
    }
    guard perturbation.radius == 0 || scenario.sources.contains(perturbation.modality) else {
      throw Failure(.usage, "perturbation.modality \(perturbation.modality.rawValue) is none of the sources")
    }
    try MethodCatalog.check(self)
    try NetworkCatalog.check(self)
    try scenario.check()
  }
}
extension Experiment {
  /// How the run is called in tables: `AGI-Net (pix2pix)`, or `pGAN` where that has its published generator.
  public var title: String {
    let framework = (try? MethodCatalog.entry(method))?.title(self) ?? method
    guard network != NetworkCatalog.published else { return framework }
    return "\((try? NetworkCatalog.backbone(of: self))?.title ?? network) (\(framework))"
  }
}

extension Experiment {
  /// The framework's name in the literature, without the network; nil where this version lacks it.
  package var frameworkTitle: String? { (try? MethodCatalog.entry(method))?.title(self) }

  /// Whether its images are drawn step by step.
  package var draws: Bool { (try? MethodCatalog.entry(method))?.draws ?? false }

  /// Steps of its process, of which sampling may take some; nil where there are none to choose.
  package var processSteps: Int? { (try? MethodCatalog.entry(method))?.steps(self) }
}

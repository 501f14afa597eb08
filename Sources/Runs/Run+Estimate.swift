import Cohorts
import Experiments
import Failures
import Files
import Imaging
import Inference
import Layers
import Methods
import Torch

extension Run {
  /// What training an experiment on a prepared cohort will take, without validation, reading and writing.
  ///
  /// Memory is the program's, that of the batches that wait, and what a step needs, which is measured by a step or two on
  /// images of nothing.
  /// - Throws: as `train`, before it makes a folder.
  public static func estimate(
    _ experiment: Experiment, on cohort: PreparedCohort, _ setting: Setting = Setting()
  ) throws -> Estimate {
    try estimate(experiment, on: TrainingData.cohort(cohort), setting)
  }

  /// The same of whatever a run may be trained on.
  /// - Parameter ranks: processes that share every batch out, of one of which it is told; their talk is not counted.
  public static func estimate(
    _ experiment: Experiment, on data: TrainingData, _ setting: Setting = Setting(), ranks: Int = 1
  ) throws -> Estimate {
    let share = try experiment.share(of: ranks)
    try data.check(share, setting)
    let fitted = try data.cohort.map { try share.fitted(toVolumes: $0.largestVolume) } ?? share
    let slice = data.cohort?.manifest.extent ?? share.physics.extent
    return try estimate(fitted, onSlices: slice, setting, ranks: ranks)
  }

  /// The same of images that no cohort is needed for.
  /// - Parameters:
  ///   - experiment: with the share of a batch that a process has.
  ///   - slice: rows and columns of a slice.
  /// - Throws: `.inconsistent` where the networks cannot be trained on such images, `.limit` where memory cannot do, and what
  ///   is wrong with a file that training needs.
  public static func estimate(
    _ experiment: Experiment, onSlices slice: Extent, _ setting: Setting = Setting(), ranks: Int = 1
  ) throws -> Estimate {
    try MethodCatalog.check(experiment, onSlices: slice)
    try experiment.checkMemory(onSlices: slice, trains: true, device: setting.device)
    let method = try MethodCatalog.build(experiment, device: setting.device)
    try method.prepare()
    // Made when they are first asked for: other networks, and every optimiser's moments.
    let networks = method.networks
    // What gradients are added up in.
    let sums = ranks > 1 ? networks.map { Tensor.zeros([$0.parameters.count], device: setting.device) } : []
    defer { withExtendedLifetime(sums) {} }
    let (extent, region) = (experiment.region.extent(ofSlices: slice), experiment.region)
    let contrasts = experiment.scenario.sources.count
    let shape = [experiment.batchSize, contrasts * region.depth] + extent.sizes
    // Two wait for each loader, which makes a third; of a slab the target has neighbours too.
    let waiting = 3 * max(1, setting.loaders)
    let batch =
      experiment.batchSize * (contrasts + 1) * region.depth * extent.count * MemoryLayout<Float>.size
    func lacks(_ bytes: Double, _ limit: MemoryLimit) -> Failure {
      experiment.lacking(bytes, of: limit, on: extent, trains: true)
    }
    let trial = try Trial(
      of: shape, sample: experiment.trialExtent(ofSlices: slice).sizes, beside: waiting * batch,
      limit: setting.device == .cpu ? .own : nil,
      lacks: lacks
    ) { shape in
      let clock = ContinuousClock()
      // As a stream gives them: numbers first, then tensors.
      let values = [Float](repeating: 0.5, count: shape.reduce(1, *))
      let start = clock.now
      let batch = Batch(
        sources: Tensor(values, shape: shape, device: setting.device),
        target: .zeros(
          [shape[0], max(1, experiment.scenario.made.count)] + shape.dropFirst(2), device: setting.device))
      _ = method.step(batch, random: RandomStream(seed: experiment.seed, device: setting.device))
      LibTorch.synchronize(setting.device)
      return (clock.now - start).seconds
    }
    var estimate = Estimate(
      trial, images: waiting * batch, of: region.samples, batchSize: experiment.batchSize,
      batches: experiment.iterations)
    if ranks > 1 { estimate.processes = ranks }
    return estimate
  }

  /// What one image of an experiment will take, whatever its weights are.
  /// - Throws: as the estimate of training.
  public static func estimate(imageOf experiment: Experiment, onSlices slice: Extent, device: Device = .cpu)
    throws -> Estimate
  {
    try MethodCatalog.check(experiment, onSlices: slice)
    try experiment.checkMemory(onSlices: slice, trains: false, device: device)
    let method = try MethodCatalog.build(experiment, device: device)
    let predictor = Predictor(method, for: experiment.scenario, device: device)
    let inputs = experiment.scenario.sources.count * experiment.region.depth
    let extent = experiment.region.extent(ofSlices: slice)
    let trial = try predictor.trial(of: [1, inputs] + extent.sizes) {
      experiment.lacking($0, of: $1, on: extent, trains: false)
    }
    return Estimate(trial, images: 0, of: experiment.region.samples, batchSize: 1, batches: 1)
  }
}

import Failures
import Imaging
import Methods
import Networks
import Torch

extension Experiment {
  /// Whether the generator is the framework's own, and not one that is named.
  package var hasOwnGenerator: Bool { self.network.name == NetworkCatalog.published }

  /// Whether no intensity above 1 can come out: of diffusions, and of networks on [-1, 1].
  package var endsAtOne: Bool { get throws { try told().draws || generator().isSigned } }

  /// The generator.
  /// - Throws: `.usage` for one that does not exist, or cannot serve the method with these settings.
  func generator() throws -> GeneratorKind {
    let (told, task, network) = (try told(), task(), self.network)
    guard told.dimensions.contains(task.dimensions) else {
      // Of those that do the same: make images, or find labels.
      let others = frameworks.filter {
        options[$0].dimensions.contains(task.dimensions)
          && (options[$0].segments == nil) == (told.segments == nil)
      }.map { $0.name }
      throw Failure(
        .usage,
        "method \(self.method) has no \(task.dimensions)-D form: train it on slices (\(Term.region("slice"))) "
          + "or slabs, or volumes with \(others.joined(separator: ", "))")
    }
    let kind = try hasOwnGenerator ? told.ownGenerator(task) : NetworkCatalog.kind(network.name)
    if let reason = kind.refusal(told.shape(task), network) {
      throw Failure(.usage, "network \(network.name) at width \(network.width): \(reason)")
    }
    return kind
  }

  /// The regions that it finds in images; nil where it makes images.
  package var regions: [LabelRegion]? { (try? told())?.segments }

  /// Whether it makes whichever of its sources a patient lacks.
  package var completes: Bool { (try? told())?.completes ?? false }

  /// By which rule a cohort's images are scaled for it.
  package var rule: IntensityRule { (try? told())?.rule ?? .percentile }

  /// How its training samples are changed at random.
  package var augmentation: Augmentation? { (try? told())?.augments }

  func task(on device: Device = .cpu) -> SynthesisTask {
    SynthesisTask(
      self.scenario, dimensions: self.region.dimensions, depth: self.region.depth, seed: self.seed,
      rate: self.learningRate, device: device, network: self.network)
  }

  /// How the run is called in tables: `AGI-Net (pix2pix)`, or `pGAN` where that has its own generator.
  public var title: String {
    let framework = frameworkTitle ?? self.method
    guard !hasOwnGenerator else { return framework }
    let name = self.network.name
    return "\((try? NetworkCatalog.kind(name))?.title ?? name) (\(framework))"
  }

  /// The generator's name.
  package var networkTitle: String { (try? generator())?.title ?? self.network.name }

  /// The framework's name in the literature, without the network; nil where this version lacks it.
  package var frameworkTitle: String? { (try? told())?.title }

  /// Whether its images are drawn step by step.
  package var draws: Bool { (try? told())?.draws ?? false }

  /// Steps of its process, of which sampling may take some; nil where there are none to choose.
  package var processSteps: Int? { (try? told())?.processSteps }

  /// What the framework is told that it trains by.
  /// - Throws: `.usage` for one that this version lacks.
  func told() throws -> any MethodOptions { options[try MethodCatalog.framework(self.method)] }

  /// The same for volumes that have at most these planes, rows and columns: patches are no larger than they need and than the
  /// networks need. What a run trains on is a function of the experiment, which keeps what was asked for, and of the cohort.
  package func fitted(toVolumes largest: Extent) throws -> Experiment {
    guard self.region.dimensions == 3 else { return self }
    let needed = try neededSides()
    var fitted = self
    fitted.region = self.region.fitted(to: largest, multiple: needed.multiple, least: needed.least)
    return fitted
  }

  /// The extent of a sample by which what training takes may be told: of patches half the sides, where the networks can be
  /// trained on those and put no zeros around them.
  package func trialExtent(ofSlices slice: Extent) throws -> Extent {
    let (extent, needed) = (extent(ofSlices: slice), try neededSides())
    let halves = Extent(sizes: extent.sizes.map { max(1, $0 / 2) })
    // All networks that are fitted to their patches without saying so halve four times at the most.
    let multiple = max(16, needed.multiple)
    let serves = halves.sizes.allSatisfy { $0 >= needed.least && $0.isMultiple(of: multiple) }
    return extent.dimensions == 3 && serves ? halves : extent
  }

  /// What the sides of images are to be multiples of, and how long they must be at least.
  private func neededSides() throws -> (multiple: Int, least: Int) {
    try told().demands(generator()).reduce(into: (8, 1)) { needed, demand in
      switch demand {
      case .side(let side, _), .judgedSide(let side, _, _): needed.1 = max(needed.1, side)
      case .multiple(let number, _): needed.0 = max(needed.0, number)
      case .file: break
      }
    }
  }

  /// The same with what the compared methods need on images of this extent and at this width; what was set to anything but
  /// its default stays.
  package func fitted(to extent: Extent) -> Experiment {
    frameworks.reduce(into: self) {
      $0.options[$1] = $0.options[$1].fitted(to: extent, width: self.network.width)
    }
  }
}

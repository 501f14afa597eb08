import Imaging
import Layers
import Networks

extension SelfRDB: Framework {
  public static let name = "selfrdb"
  public static func title(_ options: Options) -> String { "SelfRDB" }

  public static func generator(_ options: Options, _ task: SynthesisTask) -> GeneratorKind {
    .ncsnpp(options.generator)
  }

  public static func shape(_ task: SynthesisTask) -> GeneratorShape {
    GeneratorShape(inputs(sources: task.inputs), dimensions: task.dimensions, told: .timeAndLatent)
  }

  public static func mismatch(_ options: Options, _ scenario: Scenario) -> String? {
    let known = [Options.mean] + scenario.sources.map(\.rawValue)
    guard !known.contains(options.origin) else { return nil }
    return "origin is '\(options.origin)'; the bridge can begin at \(known.joined(separator: ", "))"
  }

  public static func demands(_ options: Options, _ generator: GeneratorKind) -> [Demand] {
    [.multiple(of: options.discriminator.multiple)] + generator.demands
  }

  public static func pads(_ options: Options) -> Bool? { options.padding }

  public static func fitted(_ options: Options, to extent: Extent, width: Int) -> Options {
    options.fitted(\.discriminator.width, width)
  }

  public static func make(_ task: SynthesisTask, _ options: Options, _ generator: GeneratorKind) -> any Method
  {
    let store = task.store()
    let shape = shape(task)
    let estimator =
      generator.styled(store.root, shape, task.network).map(Estimator.published)
      ?? .backbone(generator.timed(store.root, shape, task.network))
    return SelfRDB(
      generator: estimator, store, origin: Modality(rawValue: options.origin).flatMap(task.channel),
      options: options, rate: task.rate)
  }

  public static let draws = true

  public static func thorough(_ options: Options) -> Options {
    var options = options
    options.consistency = 0
    return options
  }

  public static var tiny: Options {
    var options = Options()
    options.steps = 2
    (options.generator.multipliers, options.generator.attention) = ([1, 2], [2])
    (options.discriminator.width, options.discriminator.multipliers) = (4, [2, 2])
    return options
  }
}

import Failures
import Imaging
import Layers
import Methods
import Networks
import TestSupport
import Testing
import Torch

/// A small SelfRDB, by default that of the golden file.
private func smallSelfRDB(
  type: ElementType = .float32, seed: UInt64 = 1, rate: Double = 1.6e-3, origin: [Int]? = nil,
  _ change: (inout SelfRDB.Options) -> Void = { _ in }
) -> SelfRDB {
  let store = Parameters(seed: seed, type: type)
  var options = SelfRDB.Options()
  (options.generator.multipliers, options.generator.attention) = ([1, 2], [2])
  (options.generator.latent, options.generator.style) = (6, 5)
  (options.discriminator.width, options.discriminator.multipliers) = (4, [2, 2])
  options.discriminator.time = 6
  change(&options)
  let network = NCSNpp(
    store.root, inputs: SelfRDB.inputs(sources: 2), width: 4, blocks: 1, options.generator)
  return SelfRDB(generator: network, store, origin: origin, options: options, rate: rate)
}

/// Moves every parameter away from its start, where the last map of every branch is almost zero.
private func stir(_ parameters: Parameters) {
  for (name, tensor) in parameters.entries {
    let noise = Tensor.normal(tensor.shape, deviation: 0.1, seed: mix(3, name), type: tensor.type)
    tensor.assign(tensor.detached + noise)
  }
}

/// Random numbers for two 8 x 8 images.
private func seededDraw(_ seed: UInt64) -> SelfRDB.Draw {
  func noise(_ name: String, _ shape: [Int] = [2, 1, 8, 8]) -> Tensor {
    .normal(shape, seed: mix(seed, name))
  }
  return SelfRDB.Draw(
    steps: [3, 10], stateNoise: noise("state"), earlierNoise: noise("earlier"),
    transitionNoise: noise("transition"), latents: [noise("first", [2, 6]), noise("second", [2, 6])])
}

@Suite struct SelfRDBTests {
  // MARK: - Beside PyTorch

  private func draw(_ golden: Golden, _ prefix: String, _ type: ElementType) throws -> SelfRDB.Draw {
    SelfRDB.Draw(
      steps: try golden(prefix + "/steps").values(Double.self).map { Int($0) },
      stateNoise: try golden(prefix + "/state", type), earlierNoise: try golden(prefix + "/earlier", type),
      transitionNoise: try golden(prefix + "/transition", type),
      latents: [try golden(prefix + "/latent1", type), try golden(prefix + "/latent2", type)])
  }

  private func batch(_ golden: Golden, _ number: Int, _ type: ElementType) throws -> Batch {
    Batch(
      sources: try golden("batch\(number)/sources", type), target: try golden("batch\(number)/target", type))
  }

  private func loaded(_ golden: Golden, _ type: ElementType) throws -> SelfRDB {
    // The penalty is paid in the first and the third step.
    let method = smallSelfRDB(type: type) { $0.penaltyEvery = 2 }
    for network in method.networks {
      #expect(try golden.load("initial/\(network.name).", into: network.parameters) == [])
    }
    return method
  }

  @Test func gradientsAgreeWithPyTorch() throws {
    let golden = try Golden("selfrdb")
    let method = try loaded(golden, .float64)
    method.differentiate(
      try batch(golden, 1, .float64), try draw(golden, "batch1/discriminator", .float64),
      try draw(golden, "batch1/generator", .float64))
    for network in method.networks {
      try golden.expectGradients(
        of: network.parameters, under: "gradient/\(network.name).", within: 5e-7, orAbsolutely: 1e-9)
    }
  }

  @Test(arguments: [ElementType.float64, .float32])
  func threeStepsAgreeWithPyTorch(_ type: ElementType) throws {
    let golden = try Golden("selfrdb")
    let method = try loaded(golden, type)
    let expected = try golden("losses").values(Double.self)
    for step in 1...3 {
      let losses = method.step(
        try batch(golden, step, type), try draw(golden, "batch\(step)/discriminator", type),
        try draw(golden, "batch\(step)/generator", type))
      #expect(losses.map(\.name) == ["discriminator", "l1", "adversarial"])
      expectClose(
        losses.map(\.value), Array(expected[(3 * step - 3)..<(3 * step)]),
        within: type == .float64 ? 1e-6 : 1e-3,
        "losses of step \(step)")
    }
    guard type == .float64 else { return }
    for network in method.networks {
      // A softmax does not see the keys' biases: Adam blows their rounding up to whole steps.
      for (name, tensor) in network.parameters.entries where !name.hasSuffix("keys.bias") {
        let initial = try golden("initial/\(network.name).\(name)")
        let final = try golden("final/\(network.name).\(name)")
        expectClose(
          tensor.detached - initial, final - initial, within: 1e-3, orAbsolutely: 2e-7,
          "\(network.name).\(name)")
      }
    }
  }

  // MARK: - Training

  @Test func stepsLowerTheDistance() {
    let method = smallSelfRDB(rate: 5e-3)
    let batch = toyBatch(size: 16)
    func distance() -> Double {
      withoutGradient { method.synthesize(batch.sources).meanAbsoluteError(batch.target).item }
    }
    let before = distance()
    for _ in 0..<30 { _ = method.step(batch) }
    #expect(distance() < before / 2)
  }

  @Test func bothNetworksMoveAndNoGradientStays() {
    let method = smallSelfRDB()
    let before = method.networks.map { $0.parameters.entries.map { $0.tensor.values(Float.self) } }
    // The last map of every branch starts near zero and passes next to nothing on in the first step.
    for seed in 1...3 {
      #expect(method.step(toyBatch(UInt64(seed), size: 16)).allSatisfy { $0.value.isFinite && $0.value > 0 })
    }
    for (network, before) in zip(method.networks, before) {
      let entries = network.parameters.entries
      let moved = zip(entries, before).filter { $0.tensor.values(Float.self) != $1 }.map { $0.0.name }
      let idle = Set(entries.map(\.name)).subtracting(moved).filter { !$0.hasSuffix("keys.bias") }
      #expect(idle.sorted() == [], "\(network.name) has not moved there")
      #expect(entries.allSatisfy { $0.tensor.gradient == nil })
    }
  }

  /// A method that continues pays the penalty when the one before would have.
  @Test func thePenaltyIsCountedByTheOptimiser() {
    func discriminatorLosses(weight: Double, resumingAt steps: Int) -> [Double] {
      let method = smallSelfRDB(rate: 1e-9) {
        ($0.penaltyEvery, $0.weightPenalty) = (4, weight)
      }
      for network in method.networks {
        stir(network.parameters)
        for (name, tensor) in network.optimizer?.state ?? [] where name.hasSuffix("count") {
          tensor.fill(Double(steps))
        }
      }
      let (first, second) = (seededDraw(1), seededDraw(2))
      return (0..<5).map { _ in method.step(toyBatch(size: 8), first, second)[0].value }
    }
    let free = discriminatorLosses(weight: 0, resumingAt: 2)
    let paid = discriminatorLosses(weight: 100, resumingAt: 2)
    // Steps 2 to 6: only the one numbered 4 is a multiple of 4.
    #expect(zip(free, paid).map { abs($0 - $1) > 1e-4 } == [false, false, true, false, false])
  }

  // MARK: - Images

  @Test func anImageDoesNotDependOnTheBatch() {
    for consistency in [0.01, 0.4] {
      let method = smallSelfRDB(type: .float64) { ($0.consistency, $0.samples) = (consistency, 2) }
      stir(method.generator.parameters)
      let sources = Tensor.uniform([3, 2, 10, 12], seed: 4, type: .float64)
      let images = withoutGradient { method.synthesize(sources) }
      #expect(images.shape == [3, 1, 10, 12] && images.isFinite)
      let alone = (0..<3).map { index in
        withoutGradient { method.synthesize(sources.narrowed(0, from: index, length: 1)) }
      }
      expectClose(images, .concatenated(alone, axis: 0), within: 1e-11)
    }
  }

  @Test func imagesAreDrawnFromTheSeedAlone() {
    func image(_ change: (inout SelfRDB.Options) -> Void = { _ in }) -> [Float] {
      let method = smallSelfRDB(change)
      stir(method.generator.parameters)
      return withoutGradient { method.synthesize(.uniform([1, 2, 8, 8], seed: 4)).values() }
    }
    let first = image()
    #expect(image() == first)
    #expect(image { $0.samplingSeed = 2 } != first)
    #expect(image { $0.samples = 2 } != first)
    #expect(image { $0.padding = false } == first)
  }

  /// Says what it is told, and always the same image.
  private final class Oracle: TimedNetwork {
    let image: Tensor
    var inputs: [Tensor] = [], times: [[Double]] = []
    init(_ image: Tensor) { self.image = image }
    func callAsFunction(_ x: Tensor, at times: Tensor, latent: Tensor?) -> Tensor {
      inputs.append(x)
      self.times.append(times.values())
      return image
    }
  }

  private func channel(_ x: Tensor, _ index: Int, _ length: Int = 1) -> Tensor {
    x.narrowed(1, from: index, length: length)
  }

  @Test func samplingWalksTheBridge() {
    let target = Tensor.uniform([2, 1, 4, 4], low: -1, high: 1, seed: 2, type: .float64)
    let oracle = Oracle(target)
    var options = SelfRDB.Options()
    (options.gamma, options.discriminator.multipliers, options.steps) = (0, [2, 2], 4)
    let method = SelfRDB(generator: oracle, Parameters(type: .float64), options: options)
    var done: [Int] = []
    let sources = Tensor.uniform([2, 3, 4, 4], seed: 3, type: .float64)
    let image = withoutGradient {
      method.synthesize(sources) { passes, all in
        done.append(passes)
        #expect(all == 8)
      }
    }
    // The last step goes to the estimate itself.
    expectClose(image, (target + 1) * 0.5, within: 1e-12)
    #expect(method.sampling?.passes == 8 && done == [2, 4, 6, 8])
    #expect(oracle.times == [1000, 1000, 750, 750, 500, 500, 250, 250].map { [$0, $0] })
    for (index, input) in oracle.inputs.enumerated() {
      expectClose(channel(input, 2, 3), sources * 2 - 1, within: 1e-13, "sources")
      // Every second estimate is told the first.
      expectClose(
        channel(input, 0), index % 2 == 0 ? target * 0 : target, within: 1e-13, "estimate before")
    }
    // Without noise the walk begins at the sources' mean.
    expectClose(
      channel(oracle.inputs[0], 1), (sources * 2 - 1).mean(over: [1], keeping: true), within: 1e-13, "origin")
  }

  @Test func whatIsDrawnCanBeChangedAfterTraining() throws {
    let method = smallSelfRDB()
    #expect(method.sampling?.description == "a bridge of 10 steps, 1 sample, seed 1")
    var change = SamplingChange()
    (change.samples, change.seed) = (3, 7)
    try method.change(change)
    #expect(method.sampling?.description == "a bridge of 10 steps, 3 samples, seed 7")
    #expect(method.sampling?.passes == 60)
    change.samples = 0
    #expect(throws: Failure.self) { try method.change(change) }
    change.samples = nil
    change.steps = 5
    let failure = try #require(throws: Failure.self) { try method.change(change) }
    #expect(failure.kind == .usage && failure.message.contains("10 steps it was trained for"))
  }

  @Test func oneSourceCanBeTheOrigin() {
    let oracle = Oracle(.zeros([1, 1, 4, 4], type: .float64))
    var options = SelfRDB.Options()
    (options.gamma, options.discriminator.multipliers) = (0, [2, 2])
    let method = SelfRDB(generator: oracle, Parameters(type: .float64), origin: [1], options: options)
    let sources = Tensor.uniform([1, 2, 4, 4], seed: 3, type: .float64)
    _ = withoutGradient { method.synthesize(sources) }
    expectClose(channel(oracle.inputs[0], 1), channel(sources, 1) * 2 - 1, within: 1e-13)
  }

  /// Of a slab the neighbours condition every step, and the bridge begins where the target lies.
  @Test(arguments: [("mean", [1, 4]), ("t1", [1]), ("t2", [4])])
  func ofASlabItBeginsAtTheMiddleSlice(_ origin: String, _ channels: [Int]) throws {
    let task = SynthesisTask(Scenario(sources: [.t1, .t2], target: .pd), depth: 3)
    var options = SelfRDB.Options.tiny
    options.origin = origin
    let method = try #require(options.make(task, options.ownGenerator(task)) as? SelfRDB)
    let sources = Tensor.uniform([2, 6, 4, 4], seed: 3)
    let parts = channels.map { channel(sources, $0) }
    expectClose(
      method.beginning(of: sources), Tensor.concatenated(parts, axis: 1).mean(over: [1], keeping: true),
      within: 1e-7)
  }

  @Test func whatIsMissingIsPaddedWithBlack() {
    let oracle = Oracle(.ones([1, 1, 8, 8], type: .float64))
    var options = SelfRDB.Options()
    options.discriminator.multipliers = [2, 2]
    let method = SelfRDB(generator: oracle, Parameters(type: .float64), options: options)
    let image = withoutGradient { method.synthesize(.ones([1, 1, 5, 6], type: .float64)) }
    #expect(image.shape == [1, 1, 5, 6])
    let seen = channel(oracle.inputs[0], 2).values(Double.self)
    let inside = (0..<64).map { (1..<6).contains($0 / 8) && (1..<7).contains($0 % 8) }
    #expect(seen == inside.map { $0 ? 1 : -1 })
  }

  @Test func backbonesTrainToo() {
    let store = Parameters()
    let network = ResUnet(
      store.root, sources: SelfRDB.inputs(sources: 2), width: 4, replacing: .cagr(groups: 4), in: .agiNet,
      timed: true)
    var options = SelfRDB.Options()
    (options.discriminator.width, options.discriminator.multipliers) = (4, [2, 2])
    let method = SelfRDB(generator: network, store, options: options)
    let before = store.entries.map { $0.tensor.values(Float.self) }
    for seed in 1...2 {
      #expect(method.step(toyBatch(UInt64(seed), size: 16)).allSatisfy { $0.value.isFinite })
    }
    let idle = zip(store.entries, before).filter { $0.tensor.values(Float.self) == $1 }.map { $0.0.name }
    #expect(idle == [])
  }

  // MARK: - Options

  @Test func whatMakesNoSenseIsRefused() {
    func expect(_ sentence: String, _ change: (inout SelfRDB.Options) -> Void) {
      var options = SelfRDB.Options()
      #expect(options.refusal == nil)
      change(&options)
      #expect(options.refusal == sentence)
    }
    expect("steps is 1; it must be from 2 to 1000") { $0.steps = 1 }
    expect("recursions is 0; it must be from 1 to 100") { $0.recursions = 0 }
    expect("samples is 0; it must be from 1 to 1000") { $0.samples = 0 }
    expect("penaltyEvery is 0; it must be from 1 to 1000000000") { $0.penaltyEvery = 0 }
    expect("betaStart is 0.0; it must be above 0") { $0.betaStart = 0 }
    expect("betaEnd is inf; it must be above 0 and at most 1e6") { $0.betaEnd = .infinity }
    expect("discriminatorRate is -1.0; it must be above 0") { $0.discriminatorRate = -1 }
    expect("gamma is -1.0; it must be 0 or more") { $0.gamma = -1 }
    expect("weightL1 is nan; it must be 0 or more") { $0.weightL1 = .nan }
    expect("weightPenalty is -0.5; it must be 0 or more") { $0.weightPenalty = -0.5 }
    expect("generator.style is 0; it must be from 1 to 4096") { $0.generator.style = 0 }
    expect("discriminator.time is 0; it must be from 1 to 1024") { $0.discriminator.time = 0 }
  }

  @Test func twoRunsAgreeInEveryBit() {
    func run(_ seed: UInt64) -> ([Loss], [[Float]]) {
      let method = smallSelfRDB(seed: seed)
      let losses = (1...3).flatMap { method.step(toyBatch(UInt64($0), size: 16), seed: seed) }
      return (
        losses, method.networks.flatMap { $0.parameters.entries.map { $0.tensor.values(Float.self) } }
      )
    }
    let first = run(5)
    let second = run(5)
    #expect(first.0 == second.0)
    #expect(first.1 == second.1)
    #expect(run(6).0 != first.0)
  }

  @Test func twentyStepsLeakNothing() async {
    await #expect(processExitsWith: .success) {
      let method = smallSelfRDB { $0.penaltyEvery = 3 }
      let batch = toyBatch(size: 16)
      for _ in 0..<2 { _ = method.step(batch) }
      let before = LibTorch.liveTensors
      for _ in 0..<20 { _ = method.step(batch) }
      #expect(LibTorch.liveTensors == before)
      _ = method.generator.parameters.evaluating { method.synthesize(batch.sources).mean().item }
      #expect(LibTorch.liveTensors == before)
    }
  }

  /// A model that only makes images has no discriminator.
  @Test func synthesisMakesNoDiscriminator() async {
    await #expect(processExitsWith: .success) {
      let before = LibTorch.liveTensors
      let method = smallSelfRDB()
      let made = LibTorch.liveTensors
      _ = method.generator.parameters.evaluating { method.synthesize(.ones([1, 2, 8, 8])).mean().item }
      #expect(LibTorch.liveTensors == made)
      _ = method.networks
      #expect(LibTorch.liveTensors > made && made > before)
    }
  }
}

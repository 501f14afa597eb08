import Layers
import Methods
import Networks
import TestSupport
import Testing
import Torch

/// The U-Net of the golden files: width 8, two levels, one block.
private func unet(_ improved: Bool) -> DiffusionUnet.Architecture {
  var unet = DiffusionUnet.Architecture()
  unet.multipliers = [1, 2]
  unet.attention = improved ? [1, 2] : [2]
  (unet.heads, unet.injection) = improved ? (2, .scaleShift) : (1, .add)
  return unet
}

func smallDDPM(
  _ type: ElementType = .float32, steps: Int = 100, rate: Double = 1e-4,
  _ change: (inout DDPM.Options) -> Void = { _ in }
) -> DDPM {
  var options = DDPM.Options()
  (options.steps, options.unet, options.validationSteps) = (steps, unet(false), 3)
  change(&options)
  return DDPM(Parameters(seed: 3, type: type), options: options, rate: rate) { store in
    DiffusionUnet(store.root, inputs: 3, outputs: 1, width: 8, blocks: 1, options.unet)
  }
}

func smallIDDPM(_ type: ElementType = .float32, steps: Int = 40, rate: Double = 1e-4) -> IDDPM {
  var options = IDDPM.Options()
  (options.steps, options.unet, options.validationSteps) = (steps, unet(true), 3)
  options.sampling.steps = 0
  return IDDPM(Parameters(seed: 3, type: type), options: options, rate: rate) { store in
    DiffusionUnet(store.root, inputs: 3, outputs: 2, width: 8, blocks: 1, options.unet)
  }
}

/// DDPM and improved DDPM beside PyTorch.
@Suite struct DiffusionGoldenTests {
  private func batch(_ golden: Golden, _ type: ElementType) throws -> (Batch, noise: Tensor, steps: [Int]) {
    (
      Batch(sources: try golden("sources", type), target: try golden("target", type)),
      try golden("noise", type), try golden("steps").values(Double.self).map { Int($0) }
    )
  }

  private func load(_ golden: Golden, into method: any Method) throws {
    for network in method.networks {
      #expect(try golden.load("parameter/", into: network.parameters) == [])
    }
  }

  @Test(arguments: [ElementType.float64, .float32])
  func lossAndGradientsOfDDPM(_ type: ElementType) throws {
    let golden = try Golden("ddpm")
    let method = smallDDPM(type)
    try load(golden, into: method)
    let (batch, noise, steps) = try batch(golden, type)
    let loss = method.loss(batch, noise: noise, at: steps)
    expectClose([loss.item], try golden("loss/mse").values(), within: type == .float64 ? 1e-7 : 1e-5)
    loss.backward()
    try golden.expectGradients(
      of: method.networks[1].parameters, under: "gradient/", within: type == .float64 ? 1e-6 : 1e-3,
      orAbsolutely: type == .float64 ? 1e-12 : 1e-6)
    #expect(method.generator.parameters.entries.allSatisfy { $0.tensor.gradient == nil })
  }

  @Test(arguments: [ElementType.float64, .float32])
  func lossesAndGradientsOfImprovedDDPM(_ type: ElementType) throws {
    let golden = try Golden("iddpm")
    let method = smallIDDPM(type)
    try load(golden, into: method)
    let (batch, noise, steps) = try batch(golden, type)
    let losses = method.losses(batch, noise: noise, at: steps)
    let tolerance = type == .float64 ? 2e-7 : 1e-3
    expectClose([losses.noise.item], try golden("loss/mse").values(), within: tolerance, "mse")
    expectClose([losses.bound.item], try golden("loss/vlb").values(), within: tolerance, "vlb")
    (losses.noise + losses.bound).backward()
    try golden.expectGradients(
      of: method.networks[1].parameters, under: "gradient/", within: type == .float64 ? 1e-6 : 1e-2,
      orAbsolutely: type == .float64 ? 1e-12 : 1e-5)
  }

  private static let ways: [(String, SamplingOptions)] = [
    ("ancestral", .init(steps: 5)), ("ddim", .init(sampler: .ddim, steps: 5)),
    ("stochastic", .init(sampler: .ddim, steps: 5, eta: 0.5, seed: 7)),
    ("mean", .init(steps: 5, samples: 2, seed: 3)), ("all", .init()),
  ]

  @Test(arguments: ways) func imagesOfDDPM(_ way: String, _ sampling: SamplingOptions) throws {
    let golden = try Golden("ddpm")
    let method = smallDDPM(.float64)
    try load(golden, into: method)
    method.sampling?.options = sampling
    let sources = try golden("sources")
    let drawn = withoutGradient { method.synthesize(sources) }
    expectClose(drawn, try golden("drawn/" + way), within: 1e-6)
  }

  @Test func imagesOfDDPMWithTheSmallVariance() throws {
    let golden = try Golden("ddpm")
    let method = smallDDPM(.float64) { $0.variance = .small }
    try load(golden, into: method)
    method.sampling?.options.steps = 5
    let sources = try golden("sources")
    let drawn = withoutGradient { method.synthesize(sources) }
    expectClose(drawn, try golden("drawn/small"), within: 1e-6)
  }

  @Test(arguments: ways) func imagesOfImprovedDDPM(_ way: String, _ sampling: SamplingOptions) throws {
    let golden = try Golden("iddpm")
    let method = smallIDDPM(.float64)
    try load(golden, into: method)
    method.sampling?.options = sampling
    let sources = try golden("sources")
    let drawn = withoutGradient { method.synthesize(sources) }
    expectClose(drawn, try golden("drawn/" + way), within: 1e-6)
  }
}

/// What training and sampling promise.
@Suite struct DiffusionTests {
  private let methods: [any Method] = [
    smallDDPM(steps: 20, rate: 2e-3), smallIDDPM(steps: 20, rate: 2e-3),
  ]

  private func values(_ parameters: Parameters) -> [String: [Float]] {
    Dictionary(uniqueKeysWithValues: parameters.entries.map { ($0.name, $0.tensor.values()) })
  }

  /// The zeros at the start open one after the other: the third step reaches all.
  @Test func everyParameterMovesAndTheAverageFollows() {
    for method in methods {
      let networks = method.networks
      #expect(networks.map(\.name) == ["generator", "online"])
      #expect(networks[0].optimizer == nil && networks[1].optimizer != nil)
      let start = values(networks[0].parameters)
      #expect(values(networks[1].parameters) == start)
      for seed in 1...4 {
        let losses = method.step(toyBatch(UInt64(seed), size: 16))
        #expect(losses.map(\.name) == method.losses && losses.allSatisfy { $0.value.isFinite })
      }
      for network in networks {
        let idle = values(network.parameters).filter { start[$0.key] == $0.value }.keys.sorted()
        #expect(idle == [], "\(network.name) has not moved there")
        #expect(network.parameters.entries.allSatisfy { $0.tensor.gradient == nil })
      }
      #expect(values(networks[0].parameters) != values(networks[1].parameters))
    }
  }

  @Test func stepsLowerTheLoss() {
    let method = smallDDPM(steps: 20, rate: 3e-3)
    let batch = toyBatch(size: 16)
    let noise = Tensor.normal(batch.target.shape, seed: 8)
    func loss() -> Double { withoutGradient { method.loss(batch, noise: noise, at: [3, 15]).item } }
    let before = loss()
    for _ in 0..<60 { _ = method.step(batch) }
    #expect(loss() < before / 2)
  }

  @Test func anImageDoesNotDependOnItsBatch() throws {
    for method in [smallDDPM(.float64), smallIDDPM(.float64)] as [any Method] {
      _ = try Golden(method is DDPM ? "ddpm" : "iddpm").load("parameter/", into: method.generator.parameters)
      method.sampling?.options = .init(steps: 4)
      let sources = Tensor.uniform([3, 2, 8, 8], seed: 2, type: .float64)
      withoutGradient {
        let alone = (0..<3).map { method.synthesize(sources.narrowed(0, from: $0, length: 1)) }
        expectClose(method.synthesize(sources), .concatenated(alone, axis: 0), within: 1e-9)
      }
    }
  }

  @Test func aTimedBackboneServesToo() {
    var options = IDDPM.Options()
    (options.steps, options.sampling.steps) = (20, 3)
    let method = IDDPM(Parameters(), options: options, rate: 1e-3) { store in
      ResUnet(
        store.root, sources: 3, targets: 2, width: 4, replacing: .cagr(groups: 4), in: .agiNet, timed: true)
    }
    for seed in 1...2 { _ = method.step(toyBatch(UInt64(seed), size: 20)) }
    let image = withoutGradient { method.synthesize(toyBatch(size: 20).sources) }
    #expect(image.shape == [2, 1, 20, 20] && image.isFinite)
  }

  @Test func validationDrawsQuicklyAndPutsThingsBack() {
    for method in methods {
      let before = method.sampling?.options
      let steps = method.validating { method.sampling?.passes }
      #expect(steps == 3 && method.sampling?.options == before && method.sampling?.passes == 20)
    }
  }

  @Test func passesAreReportedAndWhatTheReaderThrowsComesOut() throws {
    struct Stop: Error {}
    let method = smallDDPM()
    method.sampling?.options = .init(steps: 3, samples: 2)
    var seen: [[Int]] = []
    let sources = toyBatch(size: 8).sources
    withoutGradient {
      _ = method.synthesize(sources) { seen.append([$0, $1]) }
      var calls = 0
      #expect(throws: Stop.self) {
        try method.synthesize(sources) { _, _ in
          calls += 1
          throw Stop()
        }
      }
      #expect(calls == 1, "it goes on after what was thrown")
    }
    #expect(seen == (1...6).map { [$0, 6] })
    var one: [[Int]] = []
    _ = withoutGradient { smallPix2Pix().synthesize(sources) { one.append([$0, $1]) } }
    #expect(one == [[1, 1]])
  }

  @Test func nonsenseIsRefused() {
    func refusal(_ change: (inout DDPM.Options) -> Void) -> String? {
      var options = DDPM.Options()
      change(&options)
      return options.refusal
    }
    #expect(refusal { _ in } == nil && IDDPM.Options().refusal == nil)
    for (word, change) in [
      ("steps", { $0.steps = 1 }), ("averageDecay", { $0.averageDecay = 1 }),
      ("unet.heads", { $0.unet.heads = 0 }), ("sampling.steps", { $0.sampling.steps = 1001 }),
      ("sampling.steps", { $0.sampling.steps = -1 }), ("sampling.eta", { $0.sampling.eta = 1.5 }),
      ("sampling.samples", { $0.sampling.samples = 0 }), ("validationSteps", { $0.validationSteps = 0 }),
      ("validationSteps", { ($0.steps, $0.validationSteps) = (5, 6) }),
    ] as [(String, (inout DDPM.Options) -> Void)] {
      #expect(refusal(change)?.hasPrefix(word) == true, "\(word)")
    }
    var improved = IDDPM.Options()
    improved.weightDecay = -1
    #expect(improved.refusal?.hasPrefix("weightDecay") == true)
  }

  @Test func twoRunsAgreeInEveryBit() {
    func run(_ seed: UInt64, _ method: any Method) -> ([Loss], [[Float]]) {
      let losses = (1...3).flatMap { method.step(toyBatch(UInt64($0), size: 16), seed: seed) }
      return (
        losses, method.networks.flatMap { $0.parameters.entries.map { $0.tensor.values(Float.self) } }
      )
    }
    for make in [{ smallDDPM() }, { smallIDDPM() }] as [() -> any Method] {
      let first = run(5, make())
      let second = run(5, make())
      #expect(first.0 == second.0 && first.1 == second.1)
      #expect(run(6, make()).0 != first.0)
    }
  }

  @Test func synthesisBuildsNoSecondNetworkAndNothingLeaks() async {
    await #expect(processExitsWith: .success) {
      let before = LibTorch.liveTensors
      let method = smallIDDPM(steps: 10)
      method.sampling?.options.steps = 3
      let batch = toyBatch(size: 8)
      let built = LibTorch.liveTensors
      _ = withoutGradient { method.synthesize(batch.sources).mean().item }
      #expect(LibTorch.liveTensors == built && built > before)
      for seed in 1...3 { _ = method.step(toyBatch(UInt64(seed), size: 8)) }
      let trained = LibTorch.liveTensors
      #expect(trained > built)
      for _ in 0..<20 { _ = method.step(batch) }
      #expect(LibTorch.liveTensors == trained)
    }
  }
}

import Imaging
import Layers
import Methods
import Networks
import TestSupport
import Testing
import Torch

/// One network for any subset: what it hides, what it learns from, and what it makes.
@Suite struct UnifiedTests {
  /// Gives every contrast an image of one number, whatever it sees.
  private struct Constant: CodedNetwork {
    let value: Tensor

    init(_ store: Parameters, _ start: Start, contrasts: Int) {
      value = store.root.parameter("value", [contrasts], start)
    }

    func callAsFunction(_ x: Tensor, knowing code: Tensor) -> Tensor {
      let count = value.size(0)
      return value.reshaped([1, count]).aligned(with: x).expanded([x.size(0), count] + x.shape.dropFirst(2))
    }
  }

  private static let three: [Modality] = [.t1, .t2, .flair]

  /// Of T1, T2 and FLAIR.
  private func constant(
    _ start: Start = .constant(0.25), _ contrasts: [Modality] = three, depth: Int = 1,
    _ change: (inout Unified.Options) -> Void = { _ in }
  ) -> Unified {
    var options = Unified.Options()
    options.clip = 1e9
    change(&options)
    return Unified(
      Parameters(type: .float64), contrasts: contrasts, depth: depth, options: options, rate: 1e-3
    ) {
      Constant($0, start, contrasts: contrasts.count)
    }
  }

  private func present(_ rows: [[Double]]) -> Tensor {
    Tensor(rows.flatMap { $0 }, shape: [rows.count, rows[0].count])
  }

  // MARK: - What is hidden

  @Test func whatIsHiddenIsDrawnPerSample() {
    let method = constant(.zeros, Modality.allCases)
    let all = Tensor.ones([2000, 5], type: .float64)
    let hidden = method.hidden(of: all, from: RandomStream(seed: 3)).values(Double.self)
    #expect(hidden == method.hidden(of: all, from: RandomStream(seed: 3)).values())
    #expect(hidden != method.hidden(of: all, from: RandomStream(seed: 4)).values())
    #expect(Set(hidden) == [0, 1])
    let rows = stride(from: 0, to: hidden.count, by: 5).map { Array(hidden[$0..<$0 + 5]) }
    #expect(rows.allSatisfy { (1...4).contains(Int($0.reduce(0, +))) })
    // T1, T2, PD, FLAIR, T1Gd; where all or none would be hidden one is drawn back, hence the room.
    for (contrast, kept) in [0.75, 0.75, 0.25, 0.65, 0.4].enumerated() {
      let share = 1 - rows.reduce(0) { $0 + $1[contrast] } / Double(rows.count)
      #expect(abs(share - kept) < 0.05, "\(Modality.allCases[contrast]) is kept in \(share)")
    }
  }

  @Test func whatASubjectLacksIsNotHidden() {
    let method = constant()
    for seed in 1...200 {
      let hidden = method.hidden(
        of: present([[1, 0, 1], [0, 1, 0], [0, 1, 1], [0, 0, 0]]), from: RandomStream(seed: UInt64(seed))
      ).values(Double.self)
      #expect(hidden[1] == 0 && hidden[0] + hidden[2] == 1)
      #expect(hidden[3..<6].allSatisfy { $0 == 0 } && hidden[9...].allSatisfy { $0 == 0 })
      #expect(hidden[6] == 0 && hidden[7] + hidden[8] == 1)
    }
  }

  // MARK: - What it learns from

  /// Rising along columns by contrast: 0.01, 0.02 and 0.03 a column.
  private func ramps(_ samples: Int) -> Tensor {
    let columns = Tensor.range(0, 6, type: .float64).reshaped([1, 1, 1, 6])
    let slopes = Tensor([0.01, 0.02, 0.03], shape: [1, 3, 1, 1])
    return (columns * slopes).expanded([samples, 3, 4, 6]).contiguous()
  }

  @Test(arguments: Unified.ImageError.allCases)
  func lossesAreMeansOverWhatCounts(_ kind: Unified.ImageError) throws {
    let method = constant { $0.error = kind }
    let images = ramps(2)
    let there = present([[1, 1, 1], [1, 1, 0]])
    let hidden = method.hidden(of: there, from: RandomStream(seed: 7)).values(Double.self)
    let losses = method.step(
      Batch(sources: images, target: images, present: there), random: RandomStream(seed: 7))
    /// The mean over the contrasts that are meant, all of as many voxels.
    func mean(_ isMeant: (Int, Int) -> Bool, _ value: (Int) -> Double) -> Double {
      let meant = (0..<2).flatMap { sample in
        (0..<3).filter { isMeant(sample, $0) && !(sample == 1 && $0 == 2) }.map(value)
      }
      return meant.reduce(0, +) / Double(meant.count)
    }
    func error(_ contrast: Int) -> Double {
      let errors = (0..<6).map { column in 0.25 - 0.01 * Double((contrast + 1) * column) }
      func mean(_ values: [Double]) -> Double { values.reduce(0, +) / 6 }
      return kind == .absolute ? mean(errors.map(abs)) : (mean(errors.map { $0 * $0 }) + 1e-8).squareRoot()
    }
    func isHidden(_ sample: Int, _ contrast: Int) -> Bool { hidden[sample * 3 + contrast] == 1 }
    func slope(_ contrast: Int) -> Double { 0.005 * Double(contrast + 1) }
    func isKept(_ sample: Int, _ contrast: Int) -> Bool { !isHidden(sample, contrast) }
    let expected = [mean(isHidden, error), mean(isHidden, slope), mean(isKept, error)]
    let name = kind == .absolute ? "l1" : "rms"
    #expect(losses.map(\.name) == [name, "gradient", "kept"] && method.losses == losses.map(\.name))
    for (loss, value) in zip(losses, expected) { #expect(abs(loss.value - value) < 1e-12, "\(loss.name)") }
  }

  /// The slopes by the numbers of the three contrasts: all are too large, so each is a share of a mean.
  @Test func keptOnesWeighATenthAndMissingOnesNothing() throws {
    let method = constant(.constant(10))
    let images = ramps(1)
    let there = present([[1, 1, 0]])
    let hidden = method.hidden(of: there, from: RandomStream(seed: 1)).values(Double.self)
    _ = method.step(Batch(sources: images, target: images, present: there), random: RandomStream(seed: 1))
    let state = try #require(method.networks[1].optimizer).state
    let moment = try #require(state.first { $0.name == "value.first" }).tensor.values(Double.self)
    // The first moment is a tenth of the slope.
    let expected: [Double] = hidden.enumerated().map { contrast, hidden in
      contrast == 2 ? 0 : hidden == 1 ? 0.1 : 0.01
    }
    expectClose(moment, expected, within: 1e-12)
    #expect(method.networks[1].parameters["value"]?.values(Double.self)[2] == 10)
  }

  @Test func aContrastThatASubjectLacksDoesNotCount() {
    func losses(_ filling: Double) -> [Loss] {
      let images = ramps(1)
      let target = Tensor.concatenated(
        [images.narrowed(1, from: 0, length: 2), .full(filling, [1, 1, 4, 6], type: .float64)], axis: 1)
      return constant().step(Batch(sources: images, target: target, present: present([[1, 1, 0]])))
    }
    #expect(losses(0) == losses(100))
  }

  @Test func aSubjectWithOneContrastTeachesNothing() {
    let method = constant()
    let images = ramps(1)
    let losses = method.step(Batch(sources: images, target: images, present: present([[0, 1, 0]])))
    #expect(losses.allSatisfy { $0.value == 0 })
    #expect(method.networks[1].parameters["value"]?.values(Double.self) == [0.25, 0.25, 0.25])
  }

  @Test(arguments: Unified.ImageError.allCases)
  func voxelsWeighWhatTheyAreToldTo(_ kind: Unified.ImageError) {
    // Half of the columns do not count, and between the halves no gradient does.
    let weights = Tensor.range(0, 6, type: .float64).below(
      3, .ones([6], type: .float64), else: .zeros([6], type: .float64)
    )
    .reshaped([1, 1, 1, 6]).expanded([1, 1, 4, 6])
    func losses(_ spoils: Double) -> [Double] {
      let images = ramps(1)
      let spoiled = images + (1 - weights) * spoils
      return constant { $0.error = kind }
        .step(Batch(sources: images, target: spoiled, weights: weights)).map(\.value)
    }
    #expect(losses(0) == losses(1000) && losses(0).allSatisfy { $0 > 0 && $0 < 1 })
  }

  // MARK: - What it makes

  @Test func theAverageMakesTheImages() throws {
    let method = constant()
    let before = 0.25
    let images = ramps(1)
    _ = method.step(Batch(sources: images, target: images))
    let trained = try #require(method.networks[1].parameters["value"]).values(Double.self)
    let made = withoutGradient { method.synthesize(images) }
    #expect(made.shape == [1, 3, 4, 6] && method.outputs == 3)
    let values = made.values(Double.self)
    for contrast in 0..<3 {
      let expected = before * 2 / 11 + trained[contrast] * 9 / 11
      #expect(abs(values[contrast * 24] - expected) < 1e-12 && trained[contrast] != before)
    }
    #expect(method.generator.parameters.entries.allSatisfy { !$0.tensor.requiresGradient })
  }

  /// A network that gives nothing shows what its outputs are added to; of a slab the middle slice.
  @Test(arguments: [1, 3]) func t1AndT1GdAddToEachOther(_ depth: Int) {
    let contrasts: [Modality] = [.t1, .t2, .t1gd]
    let sources = Tensor.uniform([2, 3 * depth, 4, 5], seed: 1, type: .float64)
    func middle(_ contrast: Int, _ sample: Int) -> [Double] {
      sources.narrowed(0, from: sample, length: 1)
        .narrowed(1, from: contrast * depth + depth / 2, length: 1).values()
    }
    let nothing = [Double](repeating: 0, count: 20)
    let there = present([[1, 1, 1], [0, 1, 1]])
    // As everywhere zeros stand for what is missing.
    let given = sources * ones(of: there, depth)
    let method = constant(.zeros, contrasts, depth: depth)
    let made = withoutGradient { method.synthesize(given, present: there) { _, _ in } }.values(Double.self)
    #expect(Array(made[0..<60]) == nothing + nothing + middle(0, 0))
    #expect(Array(made[60...]) == middle(2, 1) + nothing + nothing)
    let plain = constant(.zeros, contrasts, depth: depth) { $0.skips = false }
    #expect(withoutGradient { plain.synthesize(given) }.values(Double.self).allSatisfy { $0 == 0 })
  }

  private func ones(of present: Tensor, _ depth: Int) -> Tensor {
    let (samples, count) = (present.size(0), present.size(1))
    return present.reshaped([samples, count, 1]).expanded([samples, count, depth]).contiguous()
      .reshaped([samples, count * depth, 1, 1])
  }

  @Test func itLearnsWhatIsHidden() {
    var task = SynthesisTask(Scenario(completing: Self.three))
    (task.network.width, task.network.groups, task.network.blocks) = (4, 4, 1)
    task.rate = 3e-3
    let method = Unified.Options().make(task, .agiNet)
    let base = Tensor.uniform([4, 1, 16, 16], seed: 2)
    let images = Tensor.concatenated([base, base * 0.5, 1 - base], axis: 1)
    func losses(_ steps: ClosedRange<Int>) -> Double {
      steps.reduce(0) { sum, step in
        sum + method.step(Batch(sources: images, target: images), random: .init(seed: UInt64(step)))[0].value
      }
    }
    let first = losses(1...10)
    _ = losses(11...80)
    #expect(losses(81...90) < 0.5 * first)
  }

  @Test func optionsThatMakeNoSenseAreNamed() {
    func refusal(_ change: (inout Unified.Options) -> Void) -> String? {
      var options = Unified.Options()
      change(&options)
      return options.refusal
    }
    #expect(refusal { _ in } == nil)
    #expect(refusal { $0.keep[.t1] = 1.5 } == "keep.t1 is 1.5; it must be from 0 to 1")
    #expect(refusal { $0.keep[.flair] = nil }?.hasPrefix("keep.flair is nan") == true)
    #expect(refusal { $0.clip = 0 }?.hasPrefix("clip is 0.0") == true)
    #expect(refusal { $0.averageDecay = 1 }?.hasPrefix("averageDecay is 1.0") == true)
    #expect(refusal { $0.weightKept = -1 }?.hasPrefix("weightKept is -1.0") == true)
  }
}

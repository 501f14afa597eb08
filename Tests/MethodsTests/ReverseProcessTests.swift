import Methods
import TestSupport
import Testing
import Torch

/// The samplers, with predictors whose answers are known.
@Suite struct ReverseProcessTests {
  private static let schedule = NoiseSchedule.cosine(60)
  private let like = Tensor.zeros([2, 1, 5, 6], type: .float64)

  /// Knows the image, and says at every time exactly the noise that is not it.
  private func oracle(_ image: Tensor) -> (Tensor, Tensor) -> NoisePrediction {
    { x, times in
      let steps = times.values(Double.self).map { time in
        Self.schedule.times.firstIndex { abs($0 - time) < 1e-9 } ?? -1
      }
      return NoisePrediction(noise: Self.schedule.noise(in: x, around: image, at: steps))
    }
  }

  @Test(arguments: Sampler.allCases, [1, 2, 7, 60])
  func aPerfectPredictorGivesTheImage(_ sampler: Sampler, _ steps: Int) {
    let image = Tensor.uniform(like.shape, low: -1, high: 1, seed: 2, type: .float64)
    for eta in [0, 0.7] {
      let sampling = SamplingOptions(sampler: sampler, steps: steps, eta: eta)
      let drawn = ReverseProcess(Self.schedule, sampling)(like: like, oracle(image))
      expectClose(drawn, image, within: 1e-9)
    }
  }

  /// A predictor that leaves room: what comes out depends on the noise.
  private func vague(_ x: Tensor, _ times: Tensor) -> NoisePrediction {
    NoisePrediction(noise: x * 0.8, range: x * 0.1)
  }

  @Test func theSameSeedGivesTheSameImages() {
    func draw(_ sampling: SamplingOptions) -> [Double] {
      ReverseProcess(Self.schedule, sampling)(like: like, vague).values()
    }
    for sampler in Sampler.allCases {
      let once = draw(.init(sampler: sampler, steps: 6))
      #expect(draw(.init(sampler: sampler, steps: 6)) == once)
      #expect(draw(.init(sampler: sampler, steps: 6, seed: 2)) != once)
    }
    // Without eta, chance is in the start alone.
    #expect(
      draw(.init(sampler: .ddim, steps: 6, eta: 0)) != draw(.init(sampler: .ddim, steps: 6, eta: 0.5)))
  }

  @Test func allStepsAreAsManyAsThereAre() {
    func draw(_ steps: Int) -> Tensor {
      ReverseProcess(Self.schedule, .init(steps: steps))(like: like, vague)
    }
    expectClose(draw(60), draw(0), within: 1e-11)
  }

  /// DDIM with eta 1 is ancestral sampling with the posterior's variance.
  @Test func etaOneIsAncestral() {
    let implicit = ReverseProcess(Self.schedule, .init(sampler: .ddim, steps: 9, eta: 1))
    let ancestral = ReverseProcess(Self.schedule, .init(steps: 9), variance: .small)
    // An image within its bounds: where it is clamped the two differ in what they take for the noise.
    func gentle(_ x: Tensor, _ times: Tensor) -> NoisePrediction {
      let steps = times.values(Double.self).map { time in
        Self.schedule.times.firstIndex { abs($0 - time) < 1e-9 } ?? -1
      }
      return NoisePrediction(noise: Self.schedule.noise(in: x, around: (x * 0.2).tanh(), at: steps))
    }
    expectClose(implicit(like: like, gentle), ancestral(like: like, gentle), within: 1e-9)
  }

  @Test func theImagesOfABatchShareTheirNoise() {
    let drawn = ReverseProcess(Self.schedule, .init(steps: 5))(like: like, vague)
    let rows = (0..<2).map { drawn.narrowed(0, from: $0, length: 1).values(Double.self) }
    #expect(rows[0] == rows[1])
  }

  @Test func everyEvaluationIsCountedOnce() {
    let process = ReverseProcess(Self.schedule, .init(steps: 4, samples: 3))
    var counted: [Int] = []
    _ = process(
      like: like,
      passed: { done, all in
        counted.append(done)
        #expect(all == 12)
      }, vague)
    #expect(process.evaluations == 12 && counted == Array(1...12))
  }
}

extension ReverseProcess {
  fileprivate func callAsFunction(like image: Tensor, _ predict: (Tensor, Tensor) -> NoisePrediction)
    -> Tensor
  {
    self(like: image, passed: { _, _ in }, predict)
  }
}

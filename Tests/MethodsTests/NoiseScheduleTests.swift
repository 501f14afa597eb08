import Foundation
import Methods
import TestSupport
import Testing
import Torch

/// The tables of a diffusion, and what they say of images.
@Suite struct NoiseScheduleTests {
  /// The golden variances and weights come from Bayes' rule, not from the formulas of the papers.
  @Test(arguments: [
    ("linear", NoiseSchedule.linear(1000)), ("cosine", .cosine(1000)), ("linear100", .linear(100)),
    ("cosine_of_50", .cosine(1000).respaced(50)),
  ])
  func agreesWithPyTorch(_ name: String, _ schedule: NoiseSchedule) throws {
    let golden = try Golden("noise_schedules")
    let weights = schedule.posteriorWeights
    for (key, table) in [
      ("betas", schedule.betas), ("alpha_bars", schedule.alphaBars), ("times", schedule.times),
      ("variances", schedule.posteriorVariances), ("weight_image", weights.image),
      ("weight_noised", weights.noised),
    ] {
      let expected = try golden("\(name)/\(key)").values(Double.self)
      #expect(table.count == expected.count)
      // Each entry by its own size: the first are a ten thousandth of the last.
      let worst = zip(table, expected).map { abs($0 - $1) / max(abs($1), 1e-12) }.max() ?? .nan
      #expect(worst < 1e-9, "\(name)/\(key)")
    }
  }

  @Test func theEndsAreThePapers() {
    let linear = NoiseSchedule.linear(1000)
    #expect(abs(linear.betas[0] - 1e-4) < 1e-18 && abs(linear.betas[999] - 0.02) < 1e-16)
    let cosine = NoiseSchedule.cosine(1000)
    #expect(cosine.alphaBarsBefore[0] == 1 && cosine.betas[999] == 0.999)
    // Until the bound is met, ᾱ is the squared cosine over that at 0.
    for step in [0, 1, 500, 990] {
      func left(_ t: Double) -> Double { pow(cos((t / 1000 + 0.008) / 1.008 * .pi / 2), 2) }
      #expect(abs(cosine.alphaBars[step] - left(Double(step) + 1) / left(0)) < 1e-12)
    }
    for schedule in [linear, cosine, .linear(3), .cosine(2), .linear(1)] {
      #expect(schedule.betas.allSatisfy { $0 > 0 && $0 <= 0.999 })
      #expect(zip(schedule.alphaBars, schedule.alphaBarsBefore).allSatisfy { $0 < $1 })
    }
  }

  @Test func respacingToAllStepsChangesNothing() {
    for schedule in [NoiseSchedule.linear(40), .cosine(40)] {
      let respaced = schedule.respaced(40)
      #expect(respaced.times == schedule.times)
      expectClose(respaced.betas, schedule.betas, within: 1e-13)
    }
  }

  @Test(arguments: [1, 2, 3, 7, 39])
  func aRespacedProcessPassesThroughTheSamePoints(_ steps: Int) throws {
    let schedule = NoiseSchedule.cosine(40)
    let respaced = schedule.respaced(steps)
    #expect(respaced.count == steps && respaced.times.last == 39 * 1000 / 40.0)
    #expect(steps == 1 || respaced.times.first == 0)
    for (time, left) in zip(respaced.times, respaced.alphaBars) {
      let place = try #require(schedule.times.firstIndex(of: time))
      #expect(abs(left / schedule.alphaBars[place] - 1) < 1e-9)
    }
  }

  /// A step is stored once; many pixels show its mean and variance.
  @Test func noisedImagesHaveTheMarginals() {
    let schedule = NoiseSchedule.linear(100)
    let steps = [0, 20, 99]
    let image = Tensor.full(0.8, [3, 1, 200, 200], type: .float64)
    let noise = Tensor.normal(image.shape, seed: 4, type: .float64)
    let noised = schedule.noised(image, with: noise, at: steps)
    for (place, step) in steps.enumerated() {
      let values = noised.narrowed(0, from: place, length: 1).values(Double.self)
      let mean = values.reduce(0, +) / 40_000
      let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 40_000
      let left = schedule.alphaBars[step]
      #expect(abs(mean - 0.8 * left.squareRoot()) < 4 * ((1 - left) / 40_000).squareRoot())
      #expect(abs(variance / (1 - left) - 1) < 0.03)
    }
    expectClose(schedule.image(in: noised, without: noise, at: steps), image, within: 1e-12)
    expectClose(schedule.noise(in: noised, around: image, at: steps), noise, within: 1e-12)
  }

  @Test(arguments: DenoisingTarget.allCases)
  func theNoiseComesBackFromWhateverIsAsked(_ target: DenoisingTarget) {
    let schedule = NoiseSchedule.linear(1000)
    let steps = [0, 1, 500, 999]
    let image = Tensor.uniform([4, 1, 3, 2], seed: 1).to(.float64) * 2 - 1
    let noise = Tensor.normal([4, 1, 3, 2], seed: 2).to(.float64)
    let noised = schedule.noised(image, with: noise, at: steps)
    let answer = schedule.answer(target, image: image, noise: noise, at: steps)
    expectClose(schedule.noise(of: answer, target, in: noised, at: steps), noise, within: 1e-10)
  }

  /// v turns the pair (x₀, ε) by a right angle: with x_t it keeps their length.
  @Test func theVelocityIsAtRightAngles() {
    let schedule = NoiseSchedule.cosine(50)
    let image = Tensor.uniform([2, 1, 3, 2], seed: 1).to(.float64)
    let noise = Tensor.normal([2, 1, 3, 2], seed: 2).to(.float64)
    let noised = schedule.noised(image, with: noise, at: [10, 40])
    let velocity = schedule.answer(.velocity, image: image, noise: noise, at: [10, 40])
    expectClose(noised * noised + velocity * velocity, image * image + noise * noise, within: 1e-12)
  }

  @Test func theLearnedVarianceLiesBetweenItsBounds() {
    let schedule = NoiseSchedule.cosine(40)
    let steps = [0, 1, 20, 39]
    func logVariance(_ range: Double) -> [Double] {
      schedule.logVariance(.full(range, [4, 1, 1, 1], type: .float64), at: steps).values()
    }
    let posterior = steps.map { log(schedule.posteriorVariances[max(1, $0)]) }
    let betas = steps.map { log(schedule.betas[$0]) }
    expectClose(logVariance(-1), posterior, within: 1e-13)
    expectClose(logVariance(1), betas, within: 1e-13)
    expectClose(logVariance(0), zip(posterior, betas).map { ($0 + $1) / 2 }, within: 1e-13)
  }
}

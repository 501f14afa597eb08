import Methods
import TestSupport
import Testing
import Torch

/// The ways back from noise, beside the schedulers of diffusers (Support/golden/schedulers.py, which says what coincides and
/// what does not): at every step, from the same x_t, the same answer and the same noise, the same x_{t-1}.
@Suite struct SchedulerTests {
  static let count = 40, few = 7
  static let schedules = ["linear", "cosine"]

  /// The process with diffusers' own β, which are ours in single precision.
  private func schedule(_ name: String) throws -> NoiseSchedule {
    NoiseSchedule(betas: try Golden("schedulers")("\(name)/betas").values(Double.self))
  }

  @Test(arguments: [("linear", BetaSchedule.linear), ("cosine", .cosine)], [count, 1000])
  func betasAreThoseOfDiffusers(_ trial: (String, BetaSchedule), _ count: Int) throws {
    let name = count == 1000 ? "\(trial.0) 1000" : trial.0
    let expected = try Golden("schedulers")("\(name)/betas").values(Double.self)
    let betas = trial.1(count).betas
    #expect(betas.count == expected.count)
    for (ours, theirs) in zip(betas, expected) { #expect(abs(ours / theirs - 1) < 2e-5) }
  }

  @Test(arguments: schedules) func noisedImagesAndVelocitiesAgree(_ name: String) throws {
    let golden = try Golden("schedulers")
    let (schedule, steps) = (try schedule(name), Array(0..<Self.count))
    let (image, noise) = (known("image", [Self.count, 1, 3, 4]), known("noise", [Self.count, 1, 3, 4]))
    expectClose(schedule.noised(image, with: noise, at: steps), try golden("\(name)/noised"), within: 1e-12)
    expectClose(
      schedule.answer(.velocity, image: image, noise: noise, at: steps), try golden("\(name)/velocity"),
      within: 1e-12)
  }

  /// A way to draw, and what it is called in the file.
  struct Way: Sendable, CustomTestStringConvertible {
    let name: String, sampler: Sampler
    var eta = 0.0, variance = ReverseVariance.large, learns = false
    var testDescription: String { name }
  }
  static let ways = [
    Way(name: "ancestral large", sampler: .ancestral),
    Way(name: "ancestral small", sampler: .ancestral, variance: .small),
    Way(name: "ancestral learned", sampler: .ancestral, learns: true),
    Way(name: "ddim 0", sampler: .ddim),
    Way(name: "ddim 0.5", sampler: .ddim, eta: 0.5),
    Way(name: "ddim 1", sampler: .ddim, eta: 1),
  ]

  @Test(arguments: schedules, ways) func everyStepBackAgrees(_ name: String, _ way: Way) throws {
    let golden = try Golden("schedulers")
    for target in DenoisingTarget.allCases {
      for steps in [Self.count, Self.few] {
        let process = ReverseProcess(
          try schedule(name), SamplingOptions(sampler: way.sampler, steps: steps, eta: way.eta),
          variance: way.variance, target: target)
        var (states, step) = ([Tensor](), steps)
        let image = process(like: .zeros([1, 1, 3, 4], type: .float64)) { x, _ in
          states.append(x)
          step -= 1
          return NoisePrediction(
            noise: x * 0.7 + known("said \(step)", x.shape) * 0.5,
            range: way.learns ? known("range \(step)", x.shape) : nil)
        }
        expectClose(
          .concatenated(states + [image], axis: 0),
          try golden("\(name)/\(target.rawValue)/\(way.name)/\(steps)"), within: 1e-9,
          "\(target), \(steps) steps")
      }
    }
  }

  @Test func theFileHasNoWayBeside() throws {
    let cases = Self.schedules.flatMap { schedule in
      Self.ways.flatMap { way in
        DenoisingTarget.allCases.flatMap { target in
          [Self.count, Self.few].map { "\(schedule)/\(target.rawValue)/\(way.name)/\($0)" }
        }
      }
    }
    let names = try Golden("schedulers").names(under: "").filter { $0.split(separator: "/").count == 4 }
    #expect(names == cases.sorted())
  }
}

import Files
import Foundation
import Torch

/// How an image drowns in noise step by step, and what follows from it in closed form (Ho et al. 2020, §2).
///
/// Step t (from 0 on) is q(x_t | x_{t-1}) = N(√(1-β_t) x_{t-1}, β_t), hence x_t = √ᾱ_t x₀ + √(1-ᾱ_t) ε with ᾱ_t the
/// product of all 1 - β up to t. Tables are computed in double precision.
public struct NoiseSchedule: Sendable, Equatable {
  /// β: the variance that each step adds.
  public let betas: [Double]
  /// ᾱ: how much of the image's variance is left after each step, and before it.
  public let alphaBars: [Double], alphaBarsBefore: [Double]
  /// What the network is told at each step, on the scale of a process of 1000.
  public let times: [Double]

  public init(betas: [Double], times: [Double]? = nil) {
    precondition(!betas.isEmpty && betas.allSatisfy { $0 > 0 && $0 < 1 }, "a beta is not between 0 and 1")
    self.betas = betas
    let count = Double(betas.count)
    self.times = times ?? betas.indices.map { Double($0) * 1000 / count }
    alphaBars = betas.reduce(into: []) { $0.append(($0.last ?? 1) * (1 - $1)) }
    alphaBarsBefore = [1] + alphaBars.dropLast()
  }

  /// T.
  public var count: Int { betas.count }

  /// What no β exceeds, lest the last steps lose all of the image at once.
  static let largestBeta = 0.999

  /// β from 1e-4 to 0.02 in equal steps for T = 1000 (Ho et al.); scaled by 1000/T for another T.
  public static func linear(_ count: Int) -> NoiseSchedule {
    let scale = 1000 / Double(count)
    let stride = count > 1 ? scale * (0.02 - 1e-4) / Double(count - 1) : 0
    return NoiseSchedule(
      betas: (0..<count).map { min(scale * 1e-4 + stride * Double($0), NoiseSchedule.largestBeta) })
  }

  /// ᾱ falls as a squared cosine (Nichol and Dhariwal 2021, Eq. 17): noise comes more slowly at both ends.
  public static func cosine(_ count: Int) -> NoiseSchedule {
    func left(_ step: Int) -> Double {
      let angle = (Double(step) / Double(count) + 0.008) / 1.008 * .pi / 2
      return cos(angle) * cos(angle)
    }
    return NoiseSchedule(
      betas: (0..<count).map { min(1 - left($0 + 1) / left($0), NoiseSchedule.largestBeta) })
  }

  /// A process of fewer steps that passes through the same ᾱ at `steps` of them, evenly spread from the first to the last;
  /// a single step is the last. The network is told the times it knows.
  public func respaced(_ steps: Int) -> NoiseSchedule {
    precondition((1...count).contains(steps), "\(steps) of \(count) steps")
    let stride = steps > 1 ? Double(count - 1) / Double(steps - 1) : 0
    let kept =
      steps > 1 ? (0..<steps).map { Int((Double($0) * stride).rounded(.toNearestOrEven)) } : [count - 1]
    let before = [1] + kept.dropLast().map { alphaBars[$0] }
    // What is left of an image may be too little to be told from nothing.
    return NoiseSchedule(
      betas: zip(kept, before).map { 1 - max(alphaBars[$0] / $1, 1e-12) }, times: kept.map { times[$0] })
  }
}

// MARK: - The posterior q(x_{t-1} | x_t, x₀)

extension NoiseSchedule {
  /// The variance of each step's posterior; 0 at the first, after which nothing is unknown.
  public var posteriorVariances: [Double] {
    betas.indices.map { betas[$0] * (1 - alphaBarsBefore[$0]) / (1 - alphaBars[$0]) }
  }

  /// The same, but where it is 0 that of the step after: what has a logarithm.
  public var positivePosteriorVariances: [Double] {
    let all = posteriorVariances
    return count > 1 ? [all[1]] + all.dropFirst() : betas
  }

  /// The posterior's mean is the first times x₀ plus the second times x_t.
  public var posteriorWeights: (image: [Double], noised: [Double]) {
    (
      betas.indices.map { betas[$0] * alphaBarsBefore[$0].squareRoot() / (1 - alphaBars[$0]) },
      betas.indices.map {
        (1 - alphaBarsBefore[$0]) * (1 - betas[$0]).squareRoot() / (1 - alphaBars[$0])
      }
    )
  }
}

// MARK: - On tensors

extension NoiseSchedule {
  /// Entries of `table` at each sample's step, `[B, 1, …]`, to be multiplied with `x`.
  func column(_ table: [Double], at steps: [Int], like x: Tensor) -> Tensor {
    .perSample(steps.map { table[$0] }, like: x)
  }

  /// `[B]`: what the network is told at each sample's step.
  package func times(at steps: [Int], like x: Tensor) -> Tensor {
    column(times, at: steps, like: x).reshaped([steps.count])
  }

  /// x_t of x₀ and ε, each sample at its own step.
  package func noised(_ image: Tensor, with noise: Tensor, at steps: [Int]) -> Tensor {
    image * column(alphaBars.map { $0.squareRoot() }, at: steps, like: image)
      + noise * column(alphaBars.map { (1 - $0).squareRoot() }, at: steps, like: image)
  }

  /// x₀ of x_t and ε.
  package func image(in noised: Tensor, without noise: Tensor, at steps: [Int]) -> Tensor {
    noised * column(alphaBars.map { 1 / $0.squareRoot() }, at: steps, like: noised)
      - noise * column(alphaBars.map { (1 / $0 - 1).squareRoot() }, at: steps, like: noised)
  }

  /// ε of x_t and x₀.
  package func noise(in noised: Tensor, around image: Tensor, at steps: [Int]) -> Tensor {
    (noised - image * column(alphaBars.map { $0.squareRoot() }, at: steps, like: noised))
      / column(alphaBars.map { (1 - $0).squareRoot() }, at: steps, like: noised)
  }

  /// The mean of q(x_{t-1} | x_t, x₀).
  package func posteriorMean(_ image: Tensor, _ noised: Tensor, at steps: [Int]) -> Tensor {
    let weights = posteriorWeights
    return image * column(weights.image, at: steps, like: image)
      + noised * column(weights.noised, at: steps, like: image)
  }
}

/// The named schedules.
public enum BetaSchedule: String, Choice {
  case linear, cosine

  public func callAsFunction(_ count: Int) -> NoiseSchedule {
    self == .linear ? .linear(count) : .cosine(count)
  }
}

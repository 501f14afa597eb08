import Torch

/// A diffusion bridge from a source image y at step T to a target image x₀ at step 0 (Arslan et al. 2024).
///
/// With s_t² the variance that the steps up to t add and s̄_t = s_{T-t}, the state is the product of both ends' Gaussians,
/// x_t = a_t x₀ + b_t y + σ_t ε with a_t = s̄_t² / (s_t² + s̄_t²), b_t = s_t² / (s_t² + s̄_t²) and
/// σ_t = γ Σβ s_t / (s_t² + s̄_t²). The noise does not vanish at the source's end, so the source is a soft prior.
public struct Bridge: Sendable {
  /// T.
  public let steps: Int
  /// Variance that each step adds, β_0 … β_T: zero at both ends, largest in the middle.
  public let betas: [Double]
  /// a_t, b_t and σ_t for t = 0 … T.
  public let targetShares: [Double], sourceShares: [Double], deviations: [Double]
  /// s_t.
  private let spreads: [Double]

  /// - Parameters:
  ///   - steps: T; at least 2.
  ///   - gamma: γ, the strength of the noise.
  ///   - start: β where the rise to the middle begins.
  ///   - end: T β where the rise would end, were it not turned around in the middle.
  public init(steps: Int = 10, gamma: Double = 1, start: Double = 0.1, end: Double = 3) {
    precondition(steps >= 2, "a bridge has at least 2 steps")
    self.steps = steps
    let (low, high) = (start.squareRoot(), (end / Double(steps)).squareRoot())
    func rising(_ index: Int) -> Double {
      guard index > 0 else { return 0 }
      let root = low + (high - low) * Double(index - 1) / Double(steps)
      return root * root
    }
    betas = (0...steps).map { rising(min($0, steps - $0)) }
    let sums = betas.reduce(into: [Double]()) { $0.append(($0.last ?? 0) + $1) }
    let sum = sums[steps]
    spreads = sums.map { $0.squareRoot() }
    let pairs = zip(sums, sums.reversed())
    targetShares = pairs.map { $1 / ($0 + $1) }
    sourceShares = pairs.map { $0 / ($0 + $1) }
    deviations = pairs.map { gamma * sum * $0.squareRoot() / ($0 + $1) }
  }

  /// How the state at step t - 1 follows from an estimate of x₀, from y and from x_t; the shares add up to 1.
  public struct Transition: Sendable {
    public let target: Double, source: Double, state: Double
    /// Standard deviation of the noise that is added: 0 for the last step, to t = 0.
    public let deviation: Double
  }

  /// The step from `step` to the one before it.
  ///
  /// With v = (s_t² - s_{t-1}² (a_t / a_{t-1})²) s_{t-1}² / s_t², the mean is a_{t-1} x₀ + b_{t-1} y +
  /// √((s_{t-1}² - v) / s_t²) (x_t - a_t x₀ - b_t y), and the variance v.
  public func transition(from step: Int) -> Transition {
    let (now, before) = (spreads[step] * spreads[step], spreads[step - 1] * spreads[step - 1])
    let ratio = targetShares[step] / targetShares[step - 1]
    let variance = (now - before * ratio * ratio) * before / now
    // Where v takes all of s_{t-1}², rounding must not make the rest negative.
    let state = (max(0, before - variance) / now).squareRoot()
    return Transition(
      target: targetShares[step - 1] - state * targetShares[step],
      source: sourceShares[step - 1] - state * sourceShares[step], state: state,
      deviation: variance.squareRoot())
  }
}

extension Bridge {
  /// States at `steps`, one a sample. Images and standard normal `noise` are `[B, 1, spatial…]`.
  func state(at steps: [Int], target: Tensor, source: Tensor, noise: Tensor) -> Tensor {
    func column(_ values: [Double]) -> Tensor { .perSample(steps.map { values[$0] }, like: target) }
    return target * column(targetShares) + source * column(sourceShares) + noise * column(deviations)
  }

  /// States one step before `steps`.
  /// - Parameters:
  ///   - state: at `steps`.
  ///   - target: the estimate of x₀.
  func earlier(than steps: [Int], state: Tensor, target: Tensor, source: Tensor, noise: Tensor) -> Tensor {
    let transitions = steps.map(transition(from:))
    func column(_ part: KeyPath<Transition, Double>) -> Tensor {
      .perSample(transitions.map { $0[keyPath: part] }, like: target)
    }
    return target * column(\.target) + source * column(\.source) + state * column(\.state) + noise
      * column(\.deviation)
  }
}

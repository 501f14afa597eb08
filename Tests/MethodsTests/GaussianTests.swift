import Foundation
import Methods
import TestSupport
import Testing
import Torch

@Suite struct GaussianTests {
  private func gaussian(_ mean: [Double], _ variance: [Double]) -> Gaussian {
    Gaussian(
      mean: Tensor(mean, shape: [mean.count]),
      logVariance: Tensor(variance.map { log($0) }, shape: [variance.count]))
  }

  @Test func theDivergenceIsThatOfNormalDistributions() {
    let learned = gaussian([0, 1, -2], [1, 4, 0.25])
    let truth = gaussian([0, 3, -2], [1, 1, 0.5])
    // ½ (log s²/t² + (t² + d²)/s² - 1), written out.
    expectClose(
      learned.divergence(of: truth), [0, 0.5 * (log(4) + 5 / 4 - 1), 0.5 * (log(0.5) + 2 - 1)], within: 1e-14)
    expectClose(learned.divergence(of: learned), [0, 0, 0], within: 0, orAbsolutely: 1e-15)
  }

  /// The 256 grey values share all of the probability: the bins touch and the outermost reach to infinity.
  @Test(arguments: [(0.3, 0.02), (-1, 0.5), (0.99, 1e-3), (0, 100)])
  func theBinsAddUpToOne(_ mean: Double, _ variance: Double) {
    let greys = Tensor((0...255).map { -1 + 2 * Double($0) / 255 }, shape: [256])
    let all = gaussian(Array(repeating: mean, count: 256), Array(repeating: variance, count: 256))
    let sum = all.logLikelihood(of: greys).exp().sum().item
    #expect(abs(sum - 1) < 1e-9)
  }

  @Test func farOffIsUnlikelyButFinite() {
    let narrow = gaussian([1, 1], [1e-8, 1e-8])
    let costs = narrow.logLikelihood(of: Tensor([-0.5, 1], shape: [2])).values(Double.self)
    #expect(abs(costs[0] - log(1e-12)) < 1e-9 && abs(costs[1]) < 1e-9)
  }
}

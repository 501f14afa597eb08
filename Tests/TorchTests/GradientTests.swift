import CTorch
import Failures
import TestSupport
import Testing
import Torch

@Suite struct GradientTests {
  private func leaf(_ values: [Double]) -> Tensor {
    let tensor = Tensor(values, shape: [values.count])
    tensor.requiresGradient = true
    return tensor
  }

  @Test func gradientsAddUpUntilCleared() throws {
    let x = leaf([1, 2])
    #expect(x.gradient == nil)
    x.squared().sum().backward()
    #expect(try #require(x.gradient).values(Double.self) == [2, 4])
    (x * 3).sum().backward()
    #expect(try #require(x.gradient).values(Double.self) == [5, 7])
    x.clearGradient()
    #expect(x.gradient == nil)
  }

  @Test func gradModeIsRestored() {
    let x = leaf([1])
    #expect(ct_grad_enabled() && (x * 2).requiresGradient)
    let inside = withoutGradient {
      let nested = withoutGradient { (x * 2).requiresGradient }
      return nested || (x * 2).requiresGradient
    }
    #expect(!inside)
    #expect(ct_grad_enabled() && (x * 2).requiresGradient)
  }

  @Test func gradModeIsRestoredAfterAThrow() {
    #expect(throws: Failure.self) { try withoutGradient { throw Failure(.unexpected, "on purpose") } }
    #expect(ct_grad_enabled())
  }

  @Test func aDetachedTensorPassesNothingOn() throws {
    let x = leaf([3])
    (x * x.detached).sum().backward()
    #expect(try #require(x.gradient).values(Double.self) == [3])
    #expect(!x.detached.requiresGradient)
  }

  @Test func assignmentIsNotRecorded() throws {
    let x = leaf([1, 2])
    x.assign(Tensor([5, 6] as [Float], shape: [2]))
    #expect(x.requiresGradient)
    x.squared().sum().backward()
    #expect(try #require(x.gradient).values(Double.self) == [10, 12])
  }

  @Test func inPlaceFormsDifferentiateAsTheOthers() throws {
    let x = leaf([-1, 0.5, 2])
    let y = leaf([1, 1, 1])
    // Both overwrite intermediate results only.
    ((x * 1).reluInPlace() * 2).addingInPlace(y).squared().sum().backward()
    // d/dx (2 relu(x) + 1)^2 = 4 (2x + 1) where x > 0.
    #expect(try #require(x.gradient).values(Double.self) == [0, 8, 20])
    #expect(try #require(y.gradient).values(Double.self) == [2, 4, 10])
  }

  @Test func adamLeavesAloneWhatHasNoGradient() {
    let used = leaf([1])
    let idle = leaf([1])
    func zeros() -> [Tensor] { [.zeros([1], type: .float64), .zeros([1], type: .float64)] }
    let counts = [Tensor.zeros([]), Tensor.zeros([])]
    used.sum().backward()
    Tensor.adamStep(
      [used, idle], moments: (zeros(), zeros(), counts), rate: 0.1, betas: (0.9, 0.999), decay: 0,
      epsilon: 1e-8)
    expectClose(used, [0.9], within: 1e-7)
    #expect(idle.values(Double.self) == [1])
    #expect(counts.map(\.item) == [1, 0])
  }
}

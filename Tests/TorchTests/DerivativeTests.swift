import TestSupport
import Testing
import Torch

/// Derivatives as tensors, and derivatives of those.
@Suite struct DerivativeTests {
  private func leaf(_ values: [Double]) -> Tensor {
    let tensor = Tensor(values, shape: [values.count])
    tensor.requiresGradient = true
    return tensor
  }

  @Test func aDerivativeIsRecorded() throws {
    let x = leaf([1, -2, 3])
    let slope = (x * x * x).sum().derivative(by: x)
    #expect(slope.values(Double.self) == [3, 12, 27] && slope.requiresGradient)
    #expect(x.gradient == nil)
    slope.sum().backward()
    #expect(try #require(x.gradient).values(Double.self) == [6, -12, 18])
  }

  @Test func softplusIsExact() throws {
    let x = leaf([-50, -1, 0, 1, 50])
    let y = x.softplus()
    expectClose(
      y,
      [
        1.928_749_847_963_918e-22, 0.313_261_687_518_222_8, 0.693_147_180_559_945_3,
        1.313_261_687_518_222_8, 50,
      ], within: 1e-15)
    y.sum().backward()
    expectClose(try #require(x.gradient), x.detached.sigmoid(), within: 1e-12)
  }
}

import TestSupport
import Testing
import Torch

// What concerns the whole process is tried in one of its own.
@Suite struct InstructionTests {
  /// Convolutions of single precision that take the loops of this library, in 2-D and 3-D, and a deformable one.
  private static func results() -> [Float] {
    let x = Tensor.normal([1, 32, 28, 28], seed: 1)
    let y = x.convolved(with: .normal([32, 32, 3, 3], seed: 2), padding: 1)
    let volume = Tensor.normal([1, 32, 6, 16, 12], seed: 6)
    let kernels = Tensor.normal([32, 32, 3, 3, 3], seed: 7)
    for tensor in [volume, kernels] { tensor.requiresGradient = true }
    let convolved = volume.convolved(with: kernels, padding: 1)
    convolved.squared().sum().backward()
    let gradients = [volume, kernels].flatMap { $0.gradient?.values(Float.self) ?? [] }
    let z = Tensor.normal([1, 9, 9, 32], seed: 3).deformablySummed(
      offsets: .normal([1, 9, 9, 36], seed: 4), weights: .normal([1, 9, 9, 18], seed: 5), groups: 2)
    // Each scaled to its own size.
    return [y.values(), z.values(), convolved.values(), gradients].flatMap { (part: [Float]) in
      let largest = part.map(abs).max() ?? 1
      return part.map { $0 / largest }
    }
  }

  /// Each way is taken: without fused multiply-adds sums round otherwise, and with them the same in registers of any width.
  @Test func narrowerWaysAreTaken() async {
    await #expect(processExitsWith: .success) {
      let widest = LibTorch.limit(to: .v4)
      let usual = InstructionTests.results()
      #expect(LibTorch.limit(to: .any) == .any)
      let narrow = InstructionTests.results()
      expectClose(narrow.map(Double.init), usual.map(Double.init), within: 2e-5)
      if widest != .any {
        #expect(narrow != usual)
        #expect(LibTorch.limit(to: .v3) == .v3)
        let middle = InstructionTests.results()
        expectClose(middle.map(Double.init), usual.map(Double.init), within: 2e-5)
        #expect(middle != narrow)
      }
      #expect(LibTorch.limit(to: .v4) == widest)
      #expect(InstructionTests.results() == usual)
    }
  }
}

import Foundation
import TestSupport
import Testing
import Torch

/// What makes runs on a GPU alike, as far as a CPU shows it; it is a process's, so each test has one of its own.
@Suite struct DeterminismTests {
  private static var workspace: String? { ProcessInfo.processInfo.environment["CUBLAS_WORKSPACE_CONFIG"] }

  @Test func isAskedForAndTakenBack() async {
    await #expect(processExitsWith: .success) {
      unsetenv("CUBLAS_WORKSPACE_CONFIG")
      LibTorch.isDeterministic = false
      #expect(!LibTorch.isDeterministic && !LibTorch.tunesConvolutions && DeterminismTests.workspace == nil)
      LibTorch.isDeterministic = true
      #expect(LibTorch.isDeterministic && DeterminismTests.workspace == ":4096:8")
      LibTorch.isDeterministic = false
      #expect(!LibTorch.isDeterministic)
    }
  }

  /// Whoever has chosen a smaller workspace keeps it.
  @Test func theEnvironmentsWorkspaceStays() async {
    await #expect(processExitsWith: .success) {
      setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8", 1)
      LibTorch.isDeterministic = true
      #expect(DeterminismTests.workspace == ":16:8")
    }
  }

  /// In whichever order the two are said.
  @Test func noConvolutionIsChosenByTrying() async {
    await #expect(processExitsWith: .success) {
      for precision in [Precision.tf32, .bf16] {
        LibTorch.precision = precision
        #expect(LibTorch.tunesConvolutions)
        LibTorch.isDeterministic = true
        #expect(!LibTorch.tunesConvolutions && LibTorch.precision == precision)
        LibTorch.precision = .float32
        LibTorch.precision = precision
        #expect(!LibTorch.tunesConvolutions)
        LibTorch.isDeterministic = false
        #expect(LibTorch.tunesConvolutions)
        LibTorch.precision = .float32
        #expect(!LibTorch.tunesConvolutions)
      }
    }
  }

  // MARK: - Operators composed of others

  struct Composed: Sendable {
    let name: String
    /// Shapes of what is differentiated by.
    let shapes: [[Int]]
    let compute: @Sendable ([Tensor]) -> Tensor
  }

  /// Of maps in small whole numbers, of which many are equal; windows and margins overlap, so that there is something to add up.
  static let operators: [Composed] = [
    .init(name: "reflected", shapes: [[2, 16, 20, 21]]) { $0[0].padded([3, 2, 0, 5], .reflect) },
    .init(name: "reflected volume", shapes: [[2, 8, 9, 10, 11]]) {
      $0[0].padded([3, 2, 0, 5, 4, 4], .reflect)
    },
    .init(name: "replicated", shapes: [[2, 16, 20, 21]]) { $0[0].padded([3, 2, 0, 5], .replicate) },
    .init(name: "replicated volume", shapes: [[2, 8, 9, 10, 11]]) {
      $0[0].padded([3, 2, 0, 5, 4, 4], .replicate)
    },
    .init(name: "pooled volume", shapes: [[2, 16, 13, 14, 15]]) { $0[0].maxPooled(2, stride: 1) },
    .init(name: "sampled", shapes: [[2, 8, 20, 21], [2, 18, 19, 2]]) { $0[0].sampled(at: $0[1]) },
    .init(name: "sampled volume", shapes: [[2, 8, 9, 10, 11], [2, 8, 9, 10, 3]]) {
      $0[0].sampled(at: $0[1], alignCorners: true)
    },
  ]

  /// The values and the gradients of an operator.
  private static func results(_ test: Composed, _ arrange: (Tensor) -> Tensor) -> [Tensor] {
    let leaves = test.shapes.enumerated().map { index, shape in
      let normal = Tensor.normal(shape, seed: UInt64(60 + index), type: .float64)
      let leaf = index == 0 ? (normal * 2).floor() : normal * 0.4
      leaf.requiresGradient = true
      return leaf
    }
    let y = test.compute(leaves.map { $0.rank == leaves[0].rank ? arrange($0) : $0 })
    (y * .normal(y.shape, seed: 70, type: .float64)).sum().backward()
    return [y.detached] + leaves.compactMap(\.gradient)
  }

  @Test func composedOperatorsAgreeWithLibTorchs() async {
    await #expect(processExitsWith: .success) {
      for arrange in [{ $0 }, { $0.channelsLast() }] as [(Tensor) -> Tensor] {
        for test in DeterminismTests.operators {
          LibTorch.isDeterministic = false
          let expected = DeterminismTests.results(test, arrange)
          LibTorch.isDeterministic = true
          let found = DeterminismTests.results(test, arrange)
          #expect(found.count == 1 + test.shapes.count)
          var isOther = false
          for (one, other) in zip(found, expected) {
            expectClose(one, other, within: 1e-12)
            isOther = isOther || one.values(Double.self) != other.values(Double.self)
          }
          // Sums are rounded otherwise: it is not LibTorch's operator that was taken.
          #expect(isOther, "\(test.name)")
          let again = DeterminismTests.results(test, arrange)
          for (one, other) in zip(found, again) { #expect(one.values(Double.self) == other.values()) }
        }
      }
    }
  }

  /// Images are made as fast as ever: nothing is added up backwards.
  @Test func withoutGradientsTheyAreLibTorchs() async {
    await #expect(processExitsWith: .success) {
      let (image, grid) = (Tensor.normal([1, 8, 20, 21], seed: 1), Tensor.uniform([1, 18, 19, 2], seed: 2))
      image.requiresGradient = true
      let expected = image.sampled(at: grid).values(Float.self)
      LibTorch.isDeterministic = true
      #expect(withoutGradient { image.sampled(at: grid) }.values() == expected)
      #expect(image.detached.sampled(at: grid).values() == expected)
      #expect(image.sampled(at: grid).values() != expected)
    }
  }

  /// A gradient penalty differentiates what it is made of once more.
  @Test func derivativesOfComposedOperatorsCanBeDifferentiated() async {
    await #expect(processExitsWith: .success) {
      LibTorch.isDeterministic = true
      let small: [(shape: [Int], compute: (Tensor) -> Tensor)] = [
        ([1, 2, 4, 5], { $0.padded([1, 2, 0, 3], .reflect) }),
        ([1, 2, 4, 5], { $0.padded([1, 2, 0, 3], .replicate) }),
        ([1, 2, 3, 4, 2], { $0.maxPooled(2) }),
      ]
      for (shape, compute) in small {
        let leaf = Tensor.normal(shape, seed: 3, type: .float64)
        expectGradientIsSlope(of: [("map", leaf)], within: 1e-6, orAbsolutely: 1e-6, isDerivative: true) {
          let y = compute(leaf)
          let loss = (y.squared() * .normal(y.shape, seed: 50, type: .float64)).sum()
          return loss.derivative(by: leaf).squared().sum()
        }
      }
    }
  }
}

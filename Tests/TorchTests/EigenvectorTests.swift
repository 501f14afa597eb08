import Testing
import Torch

@Suite struct EigenvectorTests {
  @Test func knownOnesAreFound() {
    // Of [[2, 1], [1, 2]]: 1 along (1, -1), 3 along (1, 1).
    let (values, vectors) = Tensor([2.0, 1, 1, 2], shape: [2, 2]).eigenvectors
    #expect(zip(values.values(Double.self), [1, 3]).allSatisfy { abs($0 - $1) < 1e-14 })
    let entries = vectors.values(Double.self)
    #expect(entries.allSatisfy { abs(abs($0) - 0.5.squareRoot()) < 1e-14 })
    #expect(entries[0] * entries[2] < 0 && entries[1] * entries[3] > 0)
  }

  @Test func theyAreWhatTheMatrixOnlyScales() {
    let half = Tensor.normal([30, 30], seed: 4, type: .float64)
    let matrix = half + half.permuted([1, 0])
    let (values, vectors) = matrix.eigenvectors
    let rest = matrix.matmul(vectors) - vectors * values.reshaped([1, 30])
    #expect(rest.abs().reshaped([-1]).max(over: 0).item < 1e-12)
    let ascending = values.values(Double.self)
    #expect(ascending == ascending.sorted() && ascending.first != ascending.last)
  }
}

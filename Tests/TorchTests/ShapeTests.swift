import TestSupport
import Testing
import Torch

@Suite struct ShapeTests {
  private let t = Tensor([0.0, 1, 2, 3, 4, 5], shape: [2, 3])

  private func expect(_ result: Tensor, _ shape: [Int], _ values: [Double], line: Int = #line) {
    #expect(result.shape == shape)
    expectClose(result, values, within: 0, line: line)
  }

  @Test func reordering() {
    expect(t.reshaped([3, -1]), [3, 2], [0, 1, 2, 3, 4, 5])
    expect(t.permuted([1, 0]), [3, 2], [0, 3, 1, 4, 2, 5])
    expect(t.permuted([1, 0]).reshaped([6]), [6], [0, 3, 1, 4, 2, 5])
    #expect(t.rank == 2 && t.size(1) == 3 && t.size(-1) == 3)
  }

  @Test func cuttingAndJoining() {
    expect(t.narrowed(1, from: 1, length: 2), [2, 2], [1, 2, 4, 5])
    expect(.concatenated([t, t * 10], axis: 0), [4, 3], [0, 1, 2, 3, 4, 5, 0, 10, 20, 30, 40, 50])
    expect(
      .concatenated([t, t.narrowed(1, from: 0, length: 1)], axis: 1), [2, 4], [0, 1, 2, 0, 3, 4, 5, 3])
    expect(.stacked([t, t + 10], axis: 1), [2, 2, 3], [0, 1, 2, 10, 11, 12, 3, 4, 5, 13, 14, 15])
    expect(t.narrowed(0, from: 1, length: 1).expanded([2, 3]), [2, 3], [3, 4, 5, 3, 4, 5])
  }

  @Test func rollingMovesForward() {
    expect(t.rolled(by: [1], axes: [1]), [2, 3], [2, 0, 1, 5, 3, 4])
    expect(t.rolled(by: [1, -1], axes: [0, 1]), [2, 3], [4, 5, 3, 1, 2, 0])
  }

  @Test func borders() {
    let image = t.reshaped([1, 1, 2, 3])
    // Pairs go from the last axis backwards: one column before, two after; one row after.
    expect(
      image.padded([1, 2, 0, 1]), [1, 1, 3, 6],
      [0, 0, 1, 2, 0, 0, 0, 3, 4, 5, 0, 0, 0, 0, 0, 0, 0, 0])
    expect(
      image.padded([0, 2, 0, 1], .replicate), [1, 1, 3, 5],
      [0, 1, 2, 2, 2, 3, 4, 5, 5, 5, 3, 4, 5, 5, 5])
    expect(
      image.padded([1, 1, 0, 0], .reflect), [1, 1, 2, 5],
      [1, 0, 1, 2, 1, 4, 3, 4, 5, 4])
    expect(
      image.reshaped([1, 1, 1, 2, 3]).padded([0, 1, 0, 0, 0, 1], .replicate), [1, 1, 2, 2, 4],
      [0, 1, 2, 2, 3, 4, 5, 5, 0, 1, 2, 2, 3, 4, 5, 5])
  }

  @Test func choosing() {
    expect(t.selected(1, at: Tensor([Int64(2), 0], shape: [2])), [2, 2], [2, 0, 5, 3])
  }

  @Test func oneNumberASampleBroadcasts() {
    for rank in 2...5 {
      let x = Tensor.ones([2, 3] + Array(repeating: 2, count: rank - 2), type: .float64)
      let factors = Tensor.perSample([2, -1], like: x)
      #expect(factors.shape == [2] + Array(repeating: 1, count: rank - 1) && factors.type == .float64)
      #expect(
        (x * factors).sum(over: Array(1..<rank)).values(Double.self)
          == [2, -1].map { $0 * Double(x.count) / 2 })
    }
    #expect(Tensor.ones([2, 3]).aligned(with: .ones([2, 3, 4, 5])).shape == [2, 3, 1, 1])
  }
}

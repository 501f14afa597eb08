import CTorch
import Testing
import Torch

/// Sums of gradients where a backward fails, seen from below: in Swift that ends the program.
@Suite struct AveragingTests {
  private func parameter() throws -> OpaquePointer {
    let parameter = try #require(ct_full(2, Int32(CT_FLOAT32), [3], 1, Int32(CT_CPU)))
    #expect(ct_requires_grad(parameter, true) == 0)
    return parameter
  }

  /// A group of one, and what a failed backward over two parameters leaves of it: the second's gradient is there, the first's is not.
  private func afterFailure(_ body: (_ group: OpaquePointer, _ averaging: OpaquePointer) throws -> Void)
    throws
  {
    let table = try #require(ct_store_make("127.0.0.1", 0, true, 10))
    let group = try #require(ct_group_make(table, 0, 1, "127.0.0.1", "", 10))
    let parameters: [OpaquePointer?] = try [parameter(), parameter()]
    let averaging = try #require(ct_averaging_make(group, parameters, 2, 4))
    let first = try #require(ct_sigmoid(parameters[0]))
    let square = try #require(ct_square(parameters[1]))
    let sum = try #require(ct_add(first, square))
    let loss = try #require(ct_sum(sum))
    // A number that its derivative needs.
    #expect(ct_fill(first, 0) == 0)
    #expect(ct_backward(loss) == -1 && LibTorch.lastError.contains("modified by an inplace operation"))
    try body(group, averaging)
    for tensor in [first, square, sum, loss] + parameters { ct_free(tensor) }
    ct_group_free(group)
    ct_store_free(table)
  }

  private func sum(_ group: OpaquePointer) -> Int32 {
    let ones = [ct_full(1, Int32(CT_FLOAT32), [3], 1, Int32(CT_CPU))]
    defer { ct_free(ones[0]) }
    return ct_group_sum(group, ones, 1, 1, 1 << 20)
  }

  @Test func whatIsThereCanStillBeWaitedFor() throws {
    try afterFailure { group, averaging in
      #expect(sum(group) == -1 && LibTorch.lastError.contains("gradients are under way"))
      #expect(ct_averaging_finish(averaging, 1) == 0)
      #expect(ct_averaging_early(averaging) == 1)
      #expect(sum(group) == 0)
      ct_averaging_free(averaging)
      #expect(sum(group) == 0)
    }
  }

  @Test func whatNobodyWaitsForIsTheGroupsEnd() throws {
    try afterFailure { group, averaging in
      ct_averaging_free(averaging)
      #expect(sum(group) == -1 && LibTorch.lastError.contains("lost one another"))
    }
  }
}

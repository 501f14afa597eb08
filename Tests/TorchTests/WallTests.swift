import CTorch
import Failures
import Testing
import Torch

/// Nothing that LibTorch throws passes the wall; a sentence does.
@Suite struct WallTests {
  private func full(_ shape: [Int64], type: Int = CT_FLOAT32) -> OpaquePointer? {
    ct_full(1, Int32(type), shape, Int32(shape.count), Int32(CT_CPU))
  }

  /// The sentence left by an entry that gives a tensor, or "" where it succeeded.
  private func sentence(_ body: () -> OpaquePointer?) -> String {
    if let result = body() {
      ct_free(result)
      return ""
    }
    return LibTorch.lastError
  }

  @Test func shapesThatDoNotFit() throws {
    let a = try #require(full([2, 3]))
    let b = try #require(full([4, 5]))
    defer {
      ct_free(a)
      ct_free(b)
    }
    #expect(sentence { ct_add(a, b) }.contains("must match the size of tensor"))
    #expect(sentence { ct_matmul(a, b) }.contains("cannot be multiplied"))
    #expect(sentence { ct_reshape(a, [7], 1) }.contains("invalid for input of size 6"))
    #expect(sentence { ct_narrow(a, 1, 2, 4) }.contains("exceeds dimension size"))
    #expect(sentence { ct_convolution(a, b, nil, 1, 0, 1, 1) } != "")
    #expect(sentence { ct_softmax(a, 5) }.contains("Dimension out of range"))
    #expect(ct_size(a, 9) == -1 && LibTorch.lastError.contains("Dimension out of range"))
  }

  @Test func typesThatDoNotFit() throws {
    let a = try #require(full([2]))
    let whole = try #require(full([2], type: CT_INT64))
    defer {
      ct_free(a)
      ct_free(whole)
    }
    #expect(ct_requires_grad(whole, true) == -1)
    #expect(LibTorch.lastError.contains("floating point"))
    #expect(sentence { ct_index_select(a, 0, a) } != "")
    #expect(sentence { full([1], type: 99) }.contains("unknown element type 99"))
    #expect(sentence { ct_einsum("ij,jk", [a, whole], 2) } != "")
  }

  @Test func indicesOutOfRange() throws {
    let a = try #require(full([2]))
    defer { ct_free(a) }
    let index = try #require(ct_from([Int64(2)], Int32(CT_INT64), [1], 1, Int32(CT_CPU)))
    defer { ct_free(index) }
    #expect(sentence { ct_index_select(a, 0, index) }.contains("out of range"))
  }

  @Test func memoryThatIsNotThere() {
    #expect(sentence { full([1 << 40, 1 << 12]) } != "")
    #expect(sentence { full([-1]) }.contains("negative dimension"))
  }

  @Test func gradientsThatAreNotThere() throws {
    let a = try #require(full([2]))
    defer { ct_free(a) }
    #expect(ct_backward(a) == -1)
    #expect(LibTorch.lastError.contains("does not require grad"))
    // No gradient yet is no error.
    #expect(ct_grad(a) == nil && LibTorch.lastError.isEmpty)
  }

  @Test func readingTheWrongCount() throws {
    let a = try #require(full([2]))
    defer { ct_free(a) }
    var room = [Float](repeating: 0, count: 3)
    #expect(ct_read(a, &room, Int32(CT_FLOAT32), 3) == -1)
    #expect(LibTorch.lastError == "read 3 elements of 2")
    #expect(room == [0, 0, 0])
    #expect(ct_item(a).isNaN && !LibTorch.lastError.isEmpty)
  }

  @Test func theSentenceIsForgottenBySuccess() throws {
    let a = try #require(full([2]))
    defer { ct_free(a) }
    #expect(ct_size(a, 9) == -1)
    #expect(ct_size(a, 0) == 2)
    #expect(LibTorch.lastError.isEmpty)
  }

  @Test func aLibraryThatIsNotThereIsNamed() {
    let failure = #expect(throws: Failure.self) { try LibTorch.load(library: "/nowhere/libnothing.so") }
    #expect(failure?.kind == .notFound)
    #expect(failure?.message.contains("/nowhere/libnothing.so cannot be loaded") == true)
  }
}

@Suite struct DeviceTests {
  @Test func names() throws {
    #expect(try Device(named: "cpu") == .cpu)
    #expect(Device.cuda(1).description == "cuda:1" && Device.cpu.description == "cpu")
  }

  @Test(arguments: ["", "gpu", "CPU", "cuda:", "cuda:x", "cuda:-1", "cuda:0:1", "cpu:0"])
  func wordsThatAreNone(_ name: String) {
    let failure = #expect(throws: Failure.self) { try Device(named: name) }
    #expect(failure?.kind == .usage)
  }

  @Test func aDeviceThatIsNotThere() {
    let failure = #expect(throws: Failure.self) { try Device(named: "cuda:4096") }
    #expect(failure?.kind == .notFound)
    #expect(failure?.message.contains("device cpu") == true)
  }
}

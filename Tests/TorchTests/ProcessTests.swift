import Testing
import Torch

// What concerns the whole process is tried in one of its own, where no other test makes tensors meanwhile.
@Suite struct ProcessTests {
  @Test func everyTensorIsGivenBack() async {
    await #expect(processExitsWith: .success) {
      let before = LibTorch.liveTensors
      do {
        let x = Tensor.ones([4, 4])
        x.requiresGradient = true
        let parts = [x * 2, x + 1]
        #expect(LibTorch.liveTensors == before + 3)
        let joined = Tensor.concatenated(parts, axis: 0)
        joined.squared().sum().backward()
        #expect(x.gradient != nil)
        #expect(x.narrowed(0, from: 0, length: 1).values(Float.self) == [1, 1, 1, 1])
      }
      #expect(LibTorch.liveTensors == before)
    }
  }

  @Test func shapesThatDoNotFitStopTheProgramWithASentence() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Tensor.ones([2, 3]) + Tensor.ones([4, 5])
    }
    let said = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(said.contains("must match the size of tensor"))
  }

  @Test func valuesThatDoNotFillTheShapeStopTheProgram() async {
    await #expect(processExitsWith: .failure) { _ = Tensor([1, 2, 3] as [Float], shape: [2, 2]) }
  }

  @Test func theCommonStreamFollowsItsSeed() async {
    await #expect(processExitsWith: .success) {
      let x = Tensor.ones([64])
      LibTorch.seed(5)
      let first = x.dropout(0.5, active: true).values(Float.self)
      let second = x.dropout(0.5, active: true).values(Float.self)
      LibTorch.seed(5)
      #expect(x.dropout(0.5, active: true).values(Float.self) == first)
      #expect(first != second)
      #expect(Set(first) == [0, 2])
      #expect(x.dropout(0.5, active: false).values(Float.self) == Array(repeating: 1, count: 64))
    }
  }

  /// LibTorch's own default for convolutions is on.
  @Test func reducedPrecisionIsOffFromTheStart() async {
    await #expect(processExitsWith: .success) {
      #expect(!LibTorch.allowsTF32)
      LibTorch.allowTF32(true)
      #expect(LibTorch.allowsTF32)
      LibTorch.allowTF32(false)
      #expect(!LibTorch.allowsTF32)
      _ = try? Device(named: "cuda")
      #expect(!LibTorch.allowsTF32)
    }
  }

  @Test func threadsAreThoseAsked() async {
    await #expect(processExitsWith: .success) {
      LibTorch.threads = 1
      #expect(LibTorch.threads == 1)
      #expect(LibTorch.threadsOfLoops == 1)
      LibTorch.threads = 3
      #expect(LibTorch.threads == 3)
      // LibTorch's own loop template is silently serial outside LibTorch.
      #expect(LibTorch.threadsOfLoops == 3)
    }
  }
}

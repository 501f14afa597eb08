import Foundation
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
    #expect(said(result).contains("must match the size of tensor"))
  }

  @Test func valuesThatDoNotFillTheShapeStopTheProgram() async {
    await #expect(processExitsWith: .failure) { _ = Tensor([1, 2, 3] as [Float], shape: [2, 2]) }
  }

  /// Below a command line nothing ends the program in silence, and a program says how it ends.
  @Test func memoryThatIsNotThereIsToldToTheProgram() async {
    let unprepared = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Tensor.zeros([1 << 50])
    }
    #expect(said(unprepared).contains("memory"))
    let prepared = await #expect(processExitsWith: .exitCode(8), observing: [\.standardErrorContent]) {
      LibTorch.onLackOfMemory = { sentence in
        FileHandle.standardError.write(Data("told: \(sentence)".utf8))
        exit(8)
      }
      _ = Tensor.zeros([1 << 50])
    }
    #expect(said(prepared).hasPrefix("told: ") && said(prepared).contains("memory"))
  }

  private func said(_ result: ExitTest.Result?) -> String {
    String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
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

import Foundation
import TestSupport
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
      #expect(!LibTorch.allowsTF32 && LibTorch.precision == .float32)
      LibTorch.precision = .tf32
      #expect(LibTorch.allowsTF32)
      // What bfloat16 leaves in float32 is to be so in full.
      LibTorch.precision = .bf16
      #expect(!LibTorch.allowsTF32)
      LibTorch.precision = .float32
      #expect(!LibTorch.allowsTF32)
      _ = try? Device(named: "cuda")
      #expect(!LibTorch.allowsTF32)
    }
  }

  @Test(.enabled(if: triesBfloat16)) func bfloat16IsInsideNetworksAlone() async {
    await #expect(processExitsWith: .success) {
      func image(_ dimensions: Int) -> Tensor {
        .uniform([2, 32] + Array(repeating: 16, count: dimensions), seed: 1)
      }
      func kernel(_ side: Int, _ dimensions: Int) -> Tensor {
        .uniform([32, 32] + Array(repeating: side, count: dimensions), low: -0.1, high: 0.1, seed: 2)
      }
      let networks: [() -> Tensor] = [
        { image(2).convolved(with: kernel(3, 2), padding: 1) },
        { image(3).convolved(with: kernel(3, 3), padding: 1) },
        { image(2).convolvedTransposed(with: kernel(2, 2), stride: 2) },
        { image(3).convolvedTransposed(with: kernel(2, 3), stride: 2) },
        { image(2).channelsLast().permuted([0, 2, 3, 1]).linear(kernel(1, 2).reshaped([32, 32])) },
      ]
      LibTorch.precision = .bf16
      for network in networks {
        var inside: ElementType?
        let expected = network()
        let made = LibTorch.autocasting(on: .cpu) {
          let y = network()
          inside = y.type
          #expect(LibTorch.inFullPrecision(on: .cpu) { network().type } == .float32)
          return y
        }
        #expect(expected.type == .float32 && inside == .bfloat16 && made.type == .float32)
        let distance = (made - expected).abs().mean().item
        #expect(distance > 0 && distance < 0.02 * expected.abs().mean().item)
      }
      LibTorch.precision = .float32
      #expect(LibTorch.autocasting(on: .cpu) { networks[0]() }.values(Float.self) == networks[0]().values())
    }
  }

  /// Of a map that bfloat16 holds, in either layout: sums of as many numbers in bfloat16 would be far off.
  @Test(.enabled(if: triesBfloat16)) func normsOfBfloat16TakeTheirStatisticsInFloat32() async {
    await #expect(processExitsWith: .success) {
      LibTorch.precision = .bf16
      let (weight, bias) = (Tensor.uniform([32], seed: 3), Tensor.uniform([32], seed: 4))
      let norms: [(Tensor) -> Tensor] = [
        { $0.instanceNormalized(weight: weight, bias: bias) },
        { $0.groupNormalized(groups: 8, weight: weight, bias: bias) },
        { $0.permuted([0, 2, 3, 1]).layerNormalized(weight: weight, bias: bias) },
      ]
      let map = (Tensor.uniform([2, 32, 128, 128], seed: 5) + 3).to(.bfloat16)
      for (map, norm) in [map, map.channelsLast()].flatMap({ map in norms.map { (map, $0) } }) {
        let made = LibTorch.autocasting(on: .cpu) { norm(map) }
        let expected = norm(map.widened)
        // What is left is the rounding of the result, of at most 3 or so.
        #expect((made - expected).abs().reshaped([-1]).max(over: 0).item < 0.02)
      }
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

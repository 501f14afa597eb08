import TestSupport
import Testing
import Torch

@Suite struct TensorTests {
  @Test func valuesComeBackInEveryType() {
    let doubles = [0.1, -2.5, 1e300, .infinity]
    #expect(Tensor(doubles, shape: [2, 2]).values(Double.self) == doubles)
    let floats: [Float] = [0.1, -2.5, 1e30, .leastNonzeroMagnitude]
    #expect(Tensor(floats, shape: [4]).values(Float.self) == floats)
    let whole: [Int64] = [.min, -1, 0, .max]
    #expect(Tensor(whole, shape: [4, 1]).values(Int64.self) == whole)
    let bytes: [UInt8] = [0, 1, 255]
    #expect(Tensor(bytes, shape: [3]).values(UInt8.self) == bytes)
    #expect(Tensor([Float](), shape: [0, 3]).values(Float.self).isEmpty)
    #expect(Tensor([Float(7)], shape: []).item == 7)
  }

  @Test func readingConverts() {
    let floats = Tensor([1.5, -2.5] as [Float], shape: [2])
    #expect(floats.values(Double.self) == [1.5, -2.5])
    #expect(floats.values(Int64.self) == [1, -2])
    #expect(Tensor([Int64(3)], shape: [1]).values(Float.self) == [3])
  }

  @Test(
    arguments: [
      (.float32, Double(0.1 as Float)), (.float64, 0.1), (.int64, 0), (.uint8, 0), (.bfloat16, 0.10009765625),
    ] as [(ElementType, Double)])
  func everyTypeHolds(_ type: ElementType, _ expected: Double) {
    let tensor = Tensor.full(0.1, [2, 3], type: .float64).to(type)
    #expect(tensor.type == type && tensor.shape == [2, 3] && tensor.count == 6)
    #expect(tensor.values(Double.self) == Array(repeating: expected, count: 6))
  }

  /// Each is a wait for the device.
  @Test func readsAreCounted() {
    func reads(_ body: (Tensor) -> Void) -> Int {
      let x = Tensor.uniform([2, 3], seed: 1)
      return LibTorch.countingReads { body(x) }.count
    }
    #expect(reads { _ = $0.values(Float.self) } == 1)
    #expect(reads { _ = $0.sum().item } == 1)
    #expect(reads { _ = $0.isFinite } == 1)
    #expect(reads { _ = Tensor.firstNotFinite(of: [$0, $0 * 2, $0.sum()]) } == 1)
    #expect(reads { _ = ($0 * $0 + 1).mean(over: [0]).shape } == 0)
    // Drawn on the CPU, for whatever device.
    let random = RandomStream(seed: 1)
    #expect(reads { _ in _ = random.integers(below: 10, count: 5) } == 0)
  }

  @Test func theFirstThatIsNotFiniteIsFound() {
    let good = Tensor.ones([3])
    let bad = Tensor([1, .nan] as [Double], shape: [2])
    #expect(Tensor.firstNotFinite(of: []) == nil)
    #expect(Tensor.firstNotFinite(of: [good, Tensor.zeros([2, 0]), good * 2]) == nil)
    #expect(Tensor.firstNotFinite(of: [good, good, bad, bad]) == 2)
    #expect(Tensor.firstNotFinite(of: [good / 0]) == 0)
  }

  @Test func theArrayIsCopied() {
    var values: [Float] = [1, 2]
    let tensor = Tensor(values, shape: [2])
    values[0] = 9
    #expect(tensor.values(Float.self) == [1, 2])
    let lent = values.withUnsafeBufferPointer { Tensor($0, shape: [2]) }
    values[1] = 9
    #expect(lent.values(Float.self) == [9, 2])
  }

  @Test func rowMajorOrderSurvivesEveryLayout() {
    let values = (0..<48).map(Float.init)
    for shape in [[2, 3, 2, 4], [2, 2, 3, 2, 2]] {
      let tensor = Tensor(values, shape: shape)
      #expect(!tensor.isChannelsLast)
      let last = tensor.channelsLast()
      #expect(last.isChannelsLast && last.shape == shape)
      #expect(last.values(Float.self) == values)
      #expect(last.to(.float64).isChannelsLast && last.copied().isChannelsLast)
      #expect(!last.contiguous().isChannelsLast)
      #expect(last.contiguous().values(Float.self) == values)
    }
    #expect(Tensor(values, shape: [6, 8]).permuted([1, 0]).values(Float.self)[1] == 8)
  }

  @Test func convolutionsKeepChannelsLast() {
    let x = Tensor.normal([2, 4, 6, 6], seed: 1).channelsLast()
    let weight = Tensor.normal([8, 4, 3, 3], seed: 2).channelsLast()
    #expect(x.convolved(with: weight, padding: 1).isChannelsLast)
    #expect(x.relu().isChannelsLast && (x + x).isChannelsLast)
  }

  @Test func ranges() {
    #expect(Tensor.range(2, 5).values(Double.self) == [2, 3, 4])
    #expect(Tensor.zeros([2], type: .float64).values(Double.self) == [0, 0])
    #expect(Tensor.ones([2]).values(Double.self) == [1, 1])
    #expect(Tensor.range(0, 3).description == "[3] [0.0, 1.0, 2.0]")
    #expect(Tensor.zeros([5, 5]).description == "[5, 5] float32 on cpu")
  }

  @Test func whatIsNotANumberIsSeen() {
    #expect(Tensor([1, 2] as [Float], shape: [2]).isFinite)
    #expect(!Tensor([1, .nan] as [Float], shape: [2]).isFinite)
    #expect(!Tensor([1, -.infinity] as [Float], shape: [2]).isFinite)
  }

  @Test func writingInPlaceIsSeenThroughEveryReference() {
    let tensor = Tensor.zeros([2, 2])
    let row = tensor.narrowed(0, from: 1, length: 1)
    let copy = tensor.copied()
    row.fill(3)
    #expect(tensor.values(Double.self) == [0, 0, 3, 3])
    tensor.assign(Tensor([1, 2, 3, 4] as [Double], shape: [2, 2]))
    #expect(row.values(Double.self) == [3, 4])
    tensor.move(towards: .zeros([2, 2]), by: 0.25)
    #expect(tensor.values(Double.self) == [0.75, 1.5, 2.25, 3])
    #expect(copy.values(Double.self) == [0, 0, 0, 0])
  }
}

import Failures
import Files
import Imaging
import Inference
import Layers
import Methods
import PipelineSupport
import Testing
import Torch

private func grid(_ dimensions: SIMD3<Int>, spacing: Double = 1) -> Grid {
  Grid(
    dimensions: dimensions, affine: Affine([-spacing, 0, 0, 30], [0, -spacing, 0, 30], [0, 0, 3, 0]))
}

/// What is told before a volume goes through a network.
@Suite(.serialized) struct EstimateTests {
  @Test(arguments: [
    // Slices of their own size, of the training slices', slabs, and patches half of themselves apart.
    (Extent(32, 32), nil as Int?, 4, "slices", [4, 2, 50, 60], 12),
    (Extent(64, 64), nil, 100, "slices", [45, 2, 64, 64], 1),
    (Extent(32, 32), 3, 4, "slabs", [4, 6, 50, 60], 12),
    (Extent(16, 32, 32), nil, 5, "patches", [5, 2, 16, 32, 32], 9),
    (Extent(64, 64, 64), nil, 5, "patches", [1, 2, 64, 64, 64], 1),
  ])
  func batchesAreCounted(
    extent: Extent, depth: Int?, batchSize: Int, samples: String, shape: [Int], batches: Int
  ) throws {
    let method = Known.channel(0)
    var card = card()
    (card.extent, card.depth) = (extent, depth)
    let told = try synthesizer(method, card).estimate(of: grid([60, 50, 45]), batchSize: batchSize)
    // Of more than two, one and two are tried first.
    var tried: [Int] = []
    for count in method.shapes.map({ $0[0] }) where tried.last != count { tried.append(count) }
    #expect(tried == (shape[0] > 2 ? [1, 2] : []) + [shape[0]])
    #expect(method.shapes.allSatisfy { $0.dropFirst() == shape.dropFirst() })
    #expect(told.samples == samples && told.batchSize == shape[0] && told.batches == batches)
    // Two sources, the image and one volume more, four bytes each.
    #expect(told.images == 60 * 50 * 45 * 4 * 4)
    #expect(told.seconds == told.batchSeconds * Double(batches))
    let (memory, program) = (try #require(told.memory), try #require(told.program))
    #expect(memory >= program + told.images)
  }

  /// Of a batch that memory cannot hold no more is made than tells so.
  @Test func aBatchThatIsTooLargeIsNotMade() throws {
    let method = Known.channel(0)
    let predictor = Predictor(method, for: scenario, device: .cpu)
    // Less than any process holds: tests beside this one take and give memory.
    let limit = try #require(MemoryLimit.of(root: "/nowhere", limits: [1 << 20]))
    struct Lacks: Error { var bytes: Double }
    let lacks = try #require(throws: Lacks.self) {
      _ = try predictor.trial(of: [64, 2, 32, 32], limit: limit) { bytes, _ in Lacks(bytes: bytes) }
    }
    #expect(lacks.bytes > Double(limit.bytes))
    #expect(Set(method.shapes.map { $0[0] }) == [1, 2])
    // Where nothing tells what there is, it is made.
    _ = try predictor.trial(of: [64, 2, 32, 32], limit: nil) { bytes, _ in Lacks(bytes: bytes) }
    #expect(method.shapes.last == [64, 2, 32, 32])
  }

  /// Of an image that is drawn in many steps, one tells of all.
  @Test func oneStepOfManyIsEnough() throws {
    var made = 0
    let slow = Stepwise(steps: 250) { made += 1 }
    let told = try synthesizer(slow).estimate(of: grid([28, 30, 6]), batchSize: 2)
    #expect(made <= 2 && told.batches == 3 && told.verifying == 0)
  }

  /// Planes of 2 mm go through a model of heads at 1 mm, and each of several scans is hidden in turn first.
  @Test func allThatAModelOfHeadsDoesIsCounted() throws {
    let method = Known.channel(0)
    var card = card()
    (card.scenario, card.rule) = (Scenario(completing: [.t1, .t2, .flair]), .foreground)
    let coarse = grid([64, 72, 24], spacing: 2)
    func told(_ given: Set<Modality>, _ targets: [Modality]? = nil, on grid: Grid, verifies: Bool = true)
      throws
      -> Estimate
    {
      var maker = synthesizer(method, card)
      maker.verifies = verifies
      return try maker.estimate(of: grid, given: given, targets: targets, batchSize: 4)
    }
    let both = try told([.t1, .t2], on: coarse)
    #expect(method.shapes.last == [4, 3, 144, 128])
    // Twelve planes of each are predicted, then all.
    #expect(both.verifying == 2 * 3 && both.batches == 6 + 6)
    // One pair of names may be tried the other way round, and one scan turned over, each hidden in turn again.
    #expect(both.exchanging == 2 * 6 && both.seconds == both.batchSeconds * 12)
    // Two sources, the image and one volume more.
    #expect(both.images == 128 * 144 * 24 * 4 * 4)
    #expect(try told([.t1, .t2], on: coarse, verifies: false).batches == 6)
    let one = try told([.t1], on: coarse)
    #expect(one.verifying == 0 && one.exchanging == 0)
    // Two are made of one.
    #expect(try told([.t1], on: coarse).images == 128 * 144 * 24 * 4 * 4)
    #expect(try told([.t1], [.t2], on: coarse).images == 128 * 144 * 24 * 4 * 3)
    let fine = try told([.t1, .t2], on: grid([64, 72, 24], spacing: 1))
    #expect(method.shapes.last == [4, 3, 72, 64] && fine.batches == both.batches)
    #expect(fine.images * 4 == both.images)
    #expect(try failure { _ = try told([.t1, .t2], [.t1], on: coarse) }.kind == .usage)
    // Three scans make three pairs, and each may be turned over.
    card.scenario = Scenario(completing: [.t1, .t2, .pd, .flair])
    let three = try told([.t1, .t2, .pd], on: coarse)
    #expect(three.verifying == 3 * 3 && three.exchanging == 6 * 9 && three.batches == 9 + 6)
  }
}

/// A method that takes many passes for an image.
private final class Stepwise: Method {
  let generator = TrainedNetwork("generator", Parameters())
  var networks: [TrainedNetwork] { [generator] }
  let losses: [String] = []
  private let steps: Int, made: () -> Void

  init(steps: Int, made: @escaping () -> Void) { (self.steps, self.made) = (steps, made) }

  func train(on batch: Batch, random: RandomStream) -> [PendingLoss] { [] }

  func synthesize(_ sources: Tensor, present: Tensor?, passed: (Int, Int) throws -> Void) rethrows -> Tensor {
    for step in 1...steps {
      made()
      try passed(step, steps)
    }
    return sources.narrowed(1, from: 0, length: 1)
  }
}

import Cohorts
import Failures
import Imaging
import Inference
import Layers
import Methods
import PipelineSupport
import Testing
import Torch

@Suite struct PredictorTests {
  /// Half of the sum of both sources.
  private let half = Known { $0.mean(over: [1], keeping: true) }

  /// Patches that overlap are blended to what the whole volume gives at once.
  @Test(arguments: [[4, 16, 12], [6, 30, 28], [3, 7, 9], [8, 32, 32]])
  func blendedPatchesAreTheWhole(sizes: [Int]) throws {
    var whole = card()
    whole.extent = Extent(6, 30, 28)
    var tiled = card()
    tiled.extent = Extent(sizes: sizes)
    let expected = try synthesizer(half, whole)(patient()).volume
    let made = try synthesizer(half, tiled)(patient()).volume
    let farthest = zip(made.voxels, expected.voxels).map { abs($0 - $1) }.max() ?? .nan
    #expect(farthest < 1e-5)
    // The same as slice by slice, for a network that looks at one voxel at a time.
    let slices = try synthesizer(half)(patient()).volume
    #expect(zip(made.voxels, slices.voxels).allSatisfy { abs($0 - $1) < 1e-5 })
    #expect(made.voxels.contains { $0 > 0.5 })
  }

  @Test func patchesHaveThreeAxes() throws {
    let method = Known.channel(0)
    var card = card()
    card.extent = Extent(4, 32, 16)
    var shown: [[Int]] = []
    _ = try synthesizer(method, card)(patient(), batchSize: 4) { shown.append([$0, $1]) }
    // Columns 0, 8 and 12 of 28; rows in a margin of 1; planes 0 and 2 of 6.
    #expect(method.shapes == [[4, 2, 4, 32, 16], [2, 2, 4, 32, 16]])
    #expect(shown == [[4, 6], [6, 6]])
  }

  @Test func testModeIsSetAndTakenBack() throws {
    var seen: [Bool] = []
    let weight = Parameters().root.parameter("weight", [1], .ones)
    let method = Known { x in
      seen.append((x * weight).requiresGradient)
      return x.narrowed(1, from: 0, length: 1)
    }
    let scratch = try Scratch()
    let batch = try makeCohort(scratch).batches(in: .test, scenario: scenario, batchSize: 2)[0]
    let before = method.generator.parameters.isTraining
    let values = try Predictor(method, for: scenario, device: .cpu)(batch)
    #expect(values == batch.stacked([.t1]))
    #expect(method.generator.parameters.isTraining == before && seen == [false])
    #expect(method.shapes == [[2, 2, 32, 32]])
  }

  /// A sample without one of the contrasts passes through, and the method is told.
  @Test func whatIsMissingIsTold() throws {
    let scratch = try Scratch()
    var batch = try makeCohort(scratch).batches(in: .test, scenario: scenario, batchSize: 2)[0]
    let method = Known.channel(1)
    let predictor = Predictor(method, for: scenario, device: .cpu)
    _ = try predictor(batch)
    #expect(method.presence == [nil])
    batch.present[1].remove(.t2)
    #expect(try predictor(batch) == batch.stacked([.t2]))
    #expect(method.presence == [nil, [1, 1, 1, 0]])
  }

  @Test func valuesThatAreNotFiniteAreRefusedByName() throws {
    let scratch = try Scratch()
    let batch = try makeCohort(scratch).batches(in: .test, scenario: scenario, batchSize: 2)[0]
    for value in [Double.nan, .infinity] {
      let method = Known { $0.narrowed(1, from: 0, length: 1) * 0 + value }
      let failure = try failure { _ = try Predictor(method, for: scenario, device: .cpu)(batch) }
      #expect(failure.kind == .numerical && failure.message.contains("sub-05 slice 1"))
    }
  }

  @Test func progressCountsAndMayEndTheWork() throws {
    struct Enough: Error {}
    let scratch = try Scratch()
    let batches = try makeCohort(scratch).batches(in: .test, scenario: scenario, batchSize: 2)
    let predictor = Predictor(Known.channel(0), for: scenario, device: .cpu)
    var shown: [[Int]] = []
    var seen = 0
    try batches.predicted(by: predictor.callAsFunction(_:passed:)) {
      shown.append([$0, $1])
    } each: { batch, values in
      seen += values.count / batch.extent.count
    }
    #expect(shown == [[2, 5], [4, 5], [5, 5]] && seen == 5)
    #expect(throws: Enough.self) {
      try batches.predicted(by: predictor.callAsFunction(_:passed:)) { _, _ in
        throw Enough()
      } each: { _, _ in
      }
    }
  }

  /// Cards of version 0.1.0 say height, width and a PSNR.
  @Test func anEarlierCardReads() throws {
    var expected = card(height: 48, width: 40)
    expected.score = Score(earlier: 31.5)
    let extent = #""extent":[48,40]"#
    let score = #""score":{"name":"psnr","value":31.5}"#
    let json = try expected.json
    #expect(json.contains(extent) && json.contains(score))
    let earlier = json.replacing(extent, with: #""height":48"#)
      .replacing(score, with: #""validationPSNR":31.5,"width":40"#)
    #expect(try ModelCard(json: earlier, file: "m") == expected)
  }
}

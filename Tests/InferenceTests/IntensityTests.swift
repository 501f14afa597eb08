import Failures
import Imaging
import Inference
import PipelineSupport
import Testing
import Torch

@Test func whatIsClippedIsCounted() throws {
  // Twice the input less a half: below 0 where the input is below 0.25, above 1 where it is above 0.75.
  let method = Known { $0.narrowed(1, from: 0, length: 1) * 2 - 0.5 }
  let result = try synthesizer(method)(patient())
  let image = try scaled(scan(.t1, subject: 1))
  // The empty slice does not go through the network.
  let seen = image[(28 * 30)...]
  #expect(result.clippedBelow == Double(seen.count { $0 < 0.25 }) / Double(image.count))
  #expect(result.clippedAbove == Double(seen.count { $0 > 0.75 }) / Double(image.count))
  #expect(result.volume.voxels.allSatisfy { (0...1).contains($0) })
  #expect(result.emptySlices == 1)
}

@Test func theReferenceScaleIsThatOfTheTrainingCohort() throws {
  let unit = try synthesizer(Known.channel(0))(patient())
  let reference = try synthesizer(Known.channel(0))(patient(), intensity: .reference)
  #expect((unit.scale, reference.scale) == (1, 250))
  #expect(reference.volume.voxels == unit.volume.voxels.map { $0 * 250 })
}

@Test func theScaleOfEverySourceIsTold() throws {
  let result = try synthesizer(Known.channel(0))(patient())
  #expect(result.sources.map(\.modality) == [.t1, .t2])
  let expected = try IntensityScale(of: scan(.t2, subject: 1).voxels)
  #expect(result.sources[1].scale == expected)
}

@Test func otherVoxelSizesAreNoted() throws {
  #expect(try synthesizer(Known.channel(0))(patient()).notes.isEmpty)
  let notes = try synthesizer(Known.channel(0), card(spacing: [2, 1, 3]))(patient()).notes
  #expect(notes.count == 1 && notes[0].contains("1.00 x 1.00 mm") && notes[0].contains("2.00 x 1.00 mm"))
}

@Test func progressEndsAtTheLastSlice() throws {
  var shown: [[Int]] = []
  _ = try synthesizer(Known.channel(0))(patient(), batchSize: 2) { shown.append([$0, $1]) }
  #expect(shown == [[2, 5], [4, 5], [5, 5]])
}

@Test func theCardSurvivesItsJSON() throws {
  #expect(try ModelCard(json: card().json, file: "m") == card())
}

@Test(arguments: ["{}", "", #"{"scenario": 3}"#])
func aCardThatDoesNotReadIsRefused(json: String) throws {
  #expect(try failure { _ = try ModelCard(json: json, file: "m") }.kind == .invalidModel)
}

@Test func aCardWithImpossibleSizesIsRefused() throws {
  var vast = card()
  vast.extent = Extent(16384, 16384, 16384)
  for card in [card(height: 0), card(width: 1 << 40), card(spacing: [0, 1, 1]), vast] {
    let failure = try failure { _ = try ModelCard(json: card.json, file: "m.safetensors") }
    #expect(failure.kind == .invalidModel && failure.message.contains("m.safetensors"))
  }
}

import Failures
import Imaging
import Inference
import PipelineSupport
import Testing
import Torch

/// What is given to a model of heads and is no scan that it can take, and slices that are put right before it sees them.
@Suite struct UnfitScanTests {
  private func maker(accepts: Bool = false) -> Synthesizer {
    var maker = completer(sums())
    (maker.acceptsDoubts, maker.verifies) = (accepts, false)
    return maker
  }

  /// Regions of one number each, as a parcellation has them.
  private func parcellation() -> Volume {
    var map = head(.t1)
    let size = map.dimensions
    for voxel in map.voxels.indices where map.voxels[voxel] > 0 {
      let (i, j, k) = (voxel % size.x, voxel / size.x % size.y, voxel / (size.x * size.y))
      map.voxels[voxel] = Float(200 + 7 * (i / 8 + 8 * (j / 8) + 72 * (k / 4) % 61))
    }
    return map
  }

  @Test func whatIsNoScanIsRefusedAndTold() throws {
    var noisy = head(.t1)
    var random = RandomSource(seed: 6, stream: 0)
    let most = noisy.voxels.max() ?? 0
    for voxel in noisy.voxels.indices where noisy.voxels[voxel] < 0.05 * most {
      noisy.voxels[voxel] = most * Float(random.uniform())
    }
    for (volume, words) in [
      (parcellation(), "as a label map does"), (noisy, "as in the uniform image (UNI) of an MP2RAGE"),
    ] {
      #expect(throws: Failure.self, "\(words)") { _ = try maker()([.t1: ("a", volume)], targets: [.flair]) }
      let refusal = try failure { _ = try maker()([.t1: ("dir/a.nii.gz", volume)], targets: [.flair]) }
      #expect(refusal.kind == .refused, "\(refusal)")
      #expect(refusal.message.hasPrefix("the patient's volume a.nii.gz: "), "\(refusal)")
      #expect(refusal.message.contains(words), "\(refusal)")
      let result = try maker(accepts: true)([.t1: ("dir/a.nii.gz", volume)], targets: [.flair])
      #expect(result.overruled.contains { $0.contains(words) })
    }
    #expect(throws: Never.self) { try maker()([.t1: ("a", head(.t1))], targets: [.flair]) }
  }

  /// A model of one target has its own cohort's scans, whatever they are.
  @Test func otherModelsTakeThem() throws {
    let map = parcellation()
    let result = try synthesizer(Known.channel(0), card(height: 72, width: 64))(
      [.t1: ("a", map), .t2: ("b", head(.t2))])
    #expect(result.notes.contains { $0.contains("as a label map does") })
  }

  @Test func slicesThatAlternateAreMadeEven() throws {
    let plain = head(.t1)
    var uneven = plain
    let area = plain.dimensions.x * plain.dimensions.y
    for voxel in uneven.voxels.indices { uneven.voxels[voxel] *= voxel / area % 2 == 0 ? 1.2 : 0.8 }
    let (even, made) = try (
      maker()([.t1: ("a", plain)], targets: [.flair]), maker()([.t1: ("a", uneven)], targets: [.flair])
    )
    #expect(made.notes.contains { $0.contains("every other slice is brighter than those beside it, by 5") })
    #expect(!even.notes.contains { $0.contains("every other slice") })
    for (a, b) in zip(even.volume.voxels, made.volume.voxels) { #expect(abs(a - b) < 0.03 * max(a, 0.1)) }
  }
}

/// What a segmentation says of its own map.
@Suite struct SegmenterNoteTests {
  private func segment(_ method: Known, _ patient: Patient, _ card: ModelCard) throws -> Segmenter.Result {
    var card = card
    card.scenario = Scenario(labelling: [.t1, .t2])
    return try Segmenter(
      method, regions: [LabelRegion("lesion", labels: [1])], card: card, device: .cpu)(patient)
  }

  @Test func whatLiesInAirIsTold() throws {
    let everywhere = Known { x in x.narrowed(1, from: 0, length: 1) * 0 + 1 }
    let inHead = Known { x in x.narrowed(1, from: 0, length: 1) * 100 }
    let patient = given(.t1, .t2)
    let card = card(height: 72, width: 64)
    let told = try segment(everywhere, patient, card)
    #expect(told.notes.contains { $0.contains("% of what is marked lies in air") }, "\(told.notes)")
    #expect(try !segment(inHead, patient, card).notes.contains { $0.contains("in air") })
  }

  /// Who is moved in one of the scans is told, and where the scans were registered it is not looked.
  @Test func scansThatShowTheHeadElsewhereAreTold() throws {
    // Of less than three tenths of a litre it is not looked.
    let size: SIMD3<Int> = [96, 108, 40]
    var moved = scan(.t2, subject: 3, size: size)
    let t2 = moved.voxels
    moved.voxels = t2.indices.map { voxel in
      let (i, rest) = (voxel % size.x, voxel - voxel % size.x)
      return i >= 6 ? t2[rest + i - 6] : 0
    }
    let notes = try segment(
      Known.channel(0), [.t1: ("a", scan(.t1, subject: 3, size: size)), .t2: ("b", moved)],
      card(height: 108, width: 96)
    ).notes
    #expect(notes.contains { $0.contains("T2 seems to lie up to") }, "\(notes)")
  }

  @Test func slicesThatLieFurtherApartAreTold() throws {
    var deep = card(height: 72, width: 64, spacing: [1, 1, 1])
    let patient = given(.t1, .t2)
    #expect(try !segment(Known.channel(0), patient, deep).notes.contains { $0.contains("mm apart") })
    deep.depth = 3
    let slab = Known { $0.narrowed(1, from: 1, length: 1) }
    let notes = try segment(slab, patient, deep).notes
    #expect(
      notes.contains { $0.contains("slices lie 3.00 mm apart, the model was trained at 1.00 mm") }, "\(notes)"
    )
  }
}

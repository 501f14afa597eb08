import Foundation
import Imaging
import Inference
import PipelineSupport
import Testing

/// Scans that show less of a head than others do.
@Suite struct GapTests {
  /// A contrast that is half as bright as T1, and shows nothing in some planes.
  private func part(without planes: Range<Int>) -> Volume {
    var volume = head(.t1)
    let area = headSize.x * headSize.y
    for voxel in volume.voxels.indices {
      volume.voxels[voxel] = planes.contains(voxel / area) ? 0 : 0.5 * volume.voxels[voxel]
    }
    return volume
  }

  /// What is said of gaps.
  private func notes(_ t1: Volume, _ t2: Volume) throws -> [String] {
    let patient: Patient = [.t1: ("t1", t1), .t2: ("t2", t2)]
    var maker = completer(sums())
    (maker.verifies, maker.acceptsDoubts) = (false, true)
    return try maker(patient, targets: [.flair]).notes.filter { $0.contains("shows nothing in") }
  }

  /// What is made of a scan that ends early is what would be made of all of it.
  @Test(arguments: [0..<9, 16..<24]) func whatAScanLacksIsComputedBefore(planes: Range<Int>) throws {
    let patient: Patient = [.t1: ("t1", head(.t1)), .t2: ("t2", part(without: planes))]
    let result = try completer(sums())(patient, targets: [.flair])
    let note = try #require(result.notes.first { $0.contains("shows nothing in") })
    #expect(note.hasPrefix("T2 shows nothing in 3") && note.hasSuffix("was computed of the others before"))
    // Of the network's sum of both: as much more than T1 everywhere.
    let own = try #require(ForegroundScale.of(head(.t1).voxels))
    for (made, t1) in zip(result.volume.voxels, head(.t1).voxels) where t1 > Float(0.4 * own) {
      #expect(abs(made / (t1 / Float(own)) - 1) < 0.02)
    }
    // Where nothing was acquired nothing is verified, and elsewhere each tells all of the other.
    #expect(try #require(result.verification).hidden.allSatisfy { $0.decibels > 20 })
  }

  @Test func whatEndsWithTheOthersHasNoGaps() throws {
    #expect(try notes(head(.t1), part(without: 0..<1)).isEmpty)
    // A mask that is drawn a little tighter, and one that cuts off six voxels more.
    func tight(_ radii: SIMD2<Double>) -> Volume {
      var tight = head(.t2)
      for voxel in tight.voxels.indices {
        let (x, y) = (voxel % headSize.x, voxel / headSize.x % headSize.y)
        let place = SIMD2(Double(x) - 31.5, Double(y) - 35.5) / radii
        if (place * place).sum() > 1 { tight.voxels[voxel] = 0 }
      }
      return tight
    }
    #expect(try notes(head(.t1), tight([28.5, 32.5])).isEmpty)
    #expect(try notes(head(.t1), tight([22.5, 26.5])).count == 1)
    // Noise where nothing is acquired is no gap: there was a scanner.
    var noisy = part(without: 0..<9)
    var random = RandomSource(seed: 1)
    for voxel in noisy.voxels.indices where noisy.voxels[voxel] == 0 {
      noisy.voxels[voxel] = Float(random.uniform(0.1, 3))
    }
    #expect(try notes(head(.t1), noisy).isEmpty)
  }

  /// Where each lacks something, the fullest tells what the others lack.
  @Test func oneTellsOfTheOthers() throws {
    var t1 = head(.t1)
    let area = headSize.x * headSize.y
    for voxel in (20 * area)..<(24 * area) { t1.voxels[voxel] = 0 }
    // 4 of 23 planes against 8 of 23.
    let found = try notes(t1, part(without: 0..<9))
    #expect(found.count == 1 && found[0].hasPrefix("T2 shows nothing in 35 % of the head"), "\(found)")
  }
}

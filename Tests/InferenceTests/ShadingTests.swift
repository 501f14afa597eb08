import Foundation
import Imaging
import Inference
import PipelineSupport
import Testing
import Torch

/// Scans that are brighter on one side than on the other, as a coil at that side makes them.
@Suite struct ShadingTests {
  /// From 1 at the front to a fraction of it at the back.
  private func shaded(_ volume: Volume, to fraction: Float) -> Volume {
    var shaded = volume
    let size = volume.dimensions
    for voxel in shaded.voxels.indices {
      shaded.voxels[voxel] *= pow(fraction, Float(voxel / size.x % size.y) / Float(size.y - 1))
    }
    return shaded
  }

  /// How much the logarithm of what is made of a shaded scan deviates from that of what is made of the scan as it was.
  private func deviation(_ rule: BiasFieldRule, fraction: Float = 0.25) throws -> (Double, Synthesizer.Result)
  {
    var maker = completer(sums())
    (maker.biasField, maker.acceptsDoubts) = (rule, true)
    let plain = head(.t1)
    func made(_ volume: Volume) throws -> Synthesizer.Result {
      try maker([.t1: ("t1", volume)], targets: [.flair])
    }
    let (reference, result) = try (made(plain), made(shaded(plain, to: fraction)))
    let ratios = zip(reference.volume.voxels, result.volume.voxels).compactMap { a, b in
      min(a, b) > 0.1 ? Double(log(b / a)) : nil
    }
    let mean = ratios.reduce(0, +) / Double(ratios.count)
    let squares = ratios.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    return ((squares / Double(ratios.count)).squareRoot(), result)
  }

  @Test func whatIsStrongIsTakenOut() throws {
    let (kept, untouched) = try deviation(.keep)
    #expect(kept > 0.2 && untouched.shading.isEmpty && !untouched.notes.contains { $0.contains("shaded") })
    let (left, result) = try deviation(.automatic)
    #expect(left < kept / 3, "\(left) of \(kept)")
    #expect(try #require(result.shading[.t1]) > 2)
    #expect(result.notes.contains { $0.contains("is shaded by its coil, by a factor of") })
  }

  /// What seems to shade one scan and not the others, as a tumour may, is left in all.
  @Test func scansAreCorrectedTogetherOrNotAtAll() throws {
    func shading(_ fractions: [Modality: Float]) throws -> Set<Modality> {
      var maker = completer(sums())
      (maker.acceptsDoubts, maker.verifies) = (true, false)
      var patient: Patient = [:]
      for (modality, fraction) in fractions {
        patient[modality] = (modality.rawValue, shaded(head(modality), to: fraction))
      }
      return Set(try maker(patient, targets: [.flair]).shading.keys)
    }
    #expect(try shading([.t1: 0.25, .t2: 0.25]) == [.t1, .t2])
    #expect(try shading([.t1: 0.5, .t2: 1]).isEmpty)
  }

  @Test func whatIsWeakIsLeft() throws {
    let (automatic, corrected) = try (
      deviation(.automatic, fraction: 0.9), deviation(.correct, fraction: 0.9)
    )
    #expect(automatic.1.shading.isEmpty && corrected.1.shading[.t1] != nil)
    #expect(automatic.1.volume.voxels != corrected.1.volume.voxels)
  }
}

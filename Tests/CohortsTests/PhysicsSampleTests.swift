import Cohorts
import Foundation
import Imaging
import Testing

/// Samples as they come out, of balls that stand for heads.
@Suite struct PhysicsSampleTests {
  private let scratch: Scratch
  private let anatomies: Anatomies
  private let modalities: [Modality] = [.t1, .t2, .pd, .flair, .t1gd]

  init() throws {
    scratch = try Scratch()
    try writeAnatomies(scratch.path)
    anatomies = try Anatomies(folder: scratch.path)
  }

  /// Nothing is drawn but the anatomy.
  private func still(_ change: (inout PhysicsOptions) -> Void = { _ in }) -> PhysicsOptions {
    var options = PhysicsOptions()
    options.anatomy = plainHeads()
    (options.commonRelaxation, options.t1, options.t2, options.density) = (0, 0, 0, 0)
    (options.lesionT1, options.lesionT2, options.fluidT2, options.jitter) = (0, 0, 0, 0)
    (options.sequences, options.inflow, options.bent, options.gain) = (0, 0, 0, 0)
    (options.textureT1, options.textureT2, options.textureDensity) = ([0, 0], [0, 0], [0, 0])
    (options.bias, options.unevenBias, options.signalToNoise) = ([0, 0], [0, 0], [1e6, 1e6])
    (options.shift, options.largeShift, options.rotation) = (0, 0, 0)
    (options.sharp, options.thickAxial, options.thickOther, options.sharpTargets) = (1, 0, 0, 1)
    (options.ghosts, options.clipped, options.coarse) = (0, 0, 0)
    (options.alike, options.mixture, options.looseFat, options.faded) = (0, [0, 0], [0, 0], 0)
    change(&options)
    return options
  }

  private func batch(_ options: PhysicsOptions, size: Int = 128, count: Int = 4) throws -> SampleBatch {
    try PhysicsSampler(
      anatomies, options, modalities: modalities, extent: Extent(size, size), batchSize: count, seed: 3
    ).batch(0)
  }

  private func difference(_ a: [Float], _ b: [Float]) -> Float {
    zip(a, b).reduce(0) { $0 + abs($1.0 - $1.1) } / a.reduce(0, +)
  }

  /// Without anything that a scanner does, images and targets differ only in how fine they are.
  @Test func targetsAreWhatIsGivenWithoutItsFaults() throws {
    let clean = try batch(still())
    for modality in modalities {
      let answers = try #require(clean.answers?[modality])
      #expect(difference(answers, clean.target(modality)) < 0.04)
    }
    let faults: [(inout PhysicsOptions) -> Void] = [
      { $0.signalToNoise = [12, 12] },
      { ($0.displaced, $0.largeShift) = (1, 2) }, { ($0.bent, $0.gamma) = (1, 0.3) },
      { ($0.sharp, $0.thickAxial) = (0, 1) }, { $0.gain = 0.3 }, { $0.ghosts = 1 },
    ]
    for (number, fault) in faults.enumerated() {
      let faulty = try batch(still(fault))
      var most: Float = 0
      for modality in modalities {
        // The targets stay as they are.
        #expect(faulty.answers?[modality] == clean.answers?[modality], "fault \(number)")
        most = max(most, difference(clean.target(modality), faulty.target(modality)))
      }
      #expect(most > 0.02, "fault \(number)")
    }
  }

  /// The unevenness that a session's images have in common is in the targets too, as one field; their own is not.
  @Test func targetsHaveTheUnevennessOfTheSession() throws {
    let clean = try batch(still())
    let uneven = try batch(still { ($0.uneven, $0.unevenBias) = (1, [0.3, 0.3]) })
    func factors(_ modality: Modality, _ images: (SampleBatch, Modality) throws -> [Float]) throws -> [Float]
    {
      try zip(images(clean, modality), images(uneven, modality)).map { $0 > 0.2 ? $1 / $0 : 0 }
    }
    let answers: (SampleBatch, Modality) throws -> [Float] = { try #require($0.answers?[$1]) }
    let (first, second) = (try factors(.t1, answers), try factors(.pd, answers))
    let shared = first.indices.filter { first[$0] > 0 && second[$0] > 0 }
    #expect(shared.count > 10_000)
    // Where large voxels are blurred, an edge takes a little of the field beside it.
    #expect(shared.count { abs(first[$0] - second[$0]) < 2e-3 } > shared.count * 9 / 10)
    #expect(shared.allSatisfy { abs(first[$0] - second[$0]) < 0.1 })
    let (least, most) = (shared.map { first[$0] }.min() ?? 1, shared.map { first[$0] }.max() ?? 1)
    #expect(least < 0.9 || most > 1.1)
    let given = try factors(.t2) { $0.target($1) }
    let own = shared.filter { given[$0] > 0 }.map { abs(given[$0] - first[$0]) }
    #expect((own.max() ?? 0) > 0.02)
  }

  /// The mean absolute difference of noise of a fiftieth of grey matter in white matter, where nothing else varies.
  @Test func noiseIsAsStrongAsAsked() throws {
    let clean = try batch(still())
    let noisy = try batch(still { $0.signalToNoise = [50, 50] })
    for modality in [Modality.t1, .pd] {
      let inside = zip(clean.target(modality), noisy.target(modality)).filter { $0.0 > 0.3 }
      let mean = inside.reduce(Float(0)) { $0 + abs($1.0 - $1.1) } / Float(inside.count)
      // Grey matter lies between 0.2 and 0.7; interpolation and blur take some of the noise.
      #expect(mean > 0.2 / 50 * 0.8 * 0.4 && mean < 0.7 / 50 * 0.8 * 1.1)
    }
  }

  /// Where all of a person's slices are as thick, so are the targets': they are what would have been acquired.
  @Test func oneProtocolHasSlicesOfOneThickness() throws {
    let thick: (inout PhysicsOptions) -> Void = { ($0.sharp, $0.thickAxial) = (0, 1) }
    let (alike, own) = (
      try batch(
        still {
          thick(&$0)
          $0.alike = 1
        }), try batch(still { thick(&$0) })
    )
    for modality in modalities {
      let (same, sharp) = (try #require(alike.answers?[modality]), try #require(own.answers?[modality]))
      let (near, far) = (
        difference(same, alike.target(modality)), difference(sharp, own.target(modality))
      )
      #expect(near < 0.6 * far, "\(modality) \(near) \(far)")
      #expect(difference(sharp, same) > 0.02)
    }
  }

  /// Fat in muscle and muscle in fat change what lies outside the brain, and nothing within it.
  @Test func tissuesOutsideTheBrainAreMixed() throws {
    let whole: (inout PhysicsOptions) -> Void = {
      $0.anatomy = plainHeads { ($0.wholeHeads, $0.faces) = (1, 1) }
    }
    let pure = try batch(still(whole), size: 192)
    let mixed = try batch(
      still {
        whole(&$0)
        $0.mixture = [0.5, 0.5]
      }, size: 192)
    let loose = try batch(
      still {
        whole(&$0)
        $0.looseFat = [0.8, 0.8]
      }, size: 192)
    let weights = try #require(pure.weights)
    let outside = weights.indices.filter { weights[$0] == Float(PhysicsOptions().outerWeight) }
    let fat = try #require(pure.answers?[.t1])
    let muscle = try #require(loose.answers?[.t1])
    let patches = try #require(mixed.answers?[.t1])
    #expect(outside.count > 1000)
    #expect(outside.count { abs(patches[$0] - fat[$0]) > 0.02 } > outside.count / 5)
    // But for edges, which are blurred.
    let brain = weights.indices.filter { weights[$0] == 1 }
    #expect(brain.count > 1000)
    for other in [patches, muscle] {
      #expect(brain.count { abs(other[$0] - fat[$0]) > 1e-3 } < brain.count / 10)
    }
    let bright = outside.filter { fat[$0] > 0.8 }
    #expect(bright.count > 200)
    // Four fifths of the way to muscle.
    func mean(_ values: [Float]) -> Float {
      bright.reduce(0) { $0 + values[$1] } / Float(bright.count)
    }
    #expect(mean(muscle) < 0.6 * mean(fat) && mean(muscle) > 0.15 * mean(fat))
  }

  @Test func nothingIsLeftOutsideAStrippedBrain() throws {
    var options = PhysicsOptions()
    options.anatomy = plainHeads()
    let batch = try batch(options)
    let weights = try #require(batch.weights)
    let outside = weights.indices.filter { weights[$0] == Float(options.backgroundWeight) }
    #expect(outside.count > 1000)
    for modality in modalities {
      let (image, answers) = (batch.target(modality), try #require(batch.answers?[modality]))
      #expect(outside.allSatisfy { image[$0] == 0 && answers[$0] == 0 })
      #expect(image.contains { $0 > 0.2 })
    }
  }

  @Test func airOfAWholeHeadIsNoisyAndItsTargetIsNot() throws {
    var options = PhysicsOptions()
    options.anatomy = plainHeads { $0.wholeHeads = 1 }
    options.signalToNoise = [12, 12]
    let batch = try batch(options, size: 192, count: 6)
    let weights = try #require(batch.weights)
    var (air, scalp) = (0, 0)
    for sample in 0..<batch.count where batch.references[sample].subject == "one" {
      let range = sample * batch.extent.count..<(sample + 1) * batch.extent.count
      let empty = range.filter { weights[$0] == Float(options.backgroundWeight) }
      air += empty.count
      scalp += range.count { weights[$0] == Float(options.outerWeight) }
      let (image, answers) = (batch.target(.t1), try #require(batch.answers?[.t1]))
      #expect(empty.count { image[$0] > 0 } > empty.count / 2)
      #expect(empty.count { answers[$0] == 0 } > empty.count * 9 / 10)
    }
    #expect(air > 1000 && scalp > 1000)
  }

  /// Axial slices that are thick blur coronal and sagittal planes along their rows' direction, from head to foot, and not across.
  @Test func thickSlicesAreThickInOtherPlanes() throws {
    func steps(_ change: (inout PhysicsOptions) -> Void) throws -> (down: Float, across: Float) {
      let batch = try batch(
        still {
          $0.anatomy.otherPlanes = 1
          change(&$0)
        }, count: 16)
      let image = batch.target(.t1)
      var (down, across): (Float, Float) = (0, 0)
      // Within the head: where it is stripped no slices blur its edge.
      for voxel in image.indices where voxel % 128 > 0 && voxel / 128 % 128 > 0 {
        guard min(image[voxel], image[voxel - 128], image[voxel - 1]) > 0.15 else { continue }
        down += (image[voxel] - image[voxel - 128]) * (image[voxel] - image[voxel - 128])
        across += (image[voxel] - image[voxel - 1]) * (image[voxel] - image[voxel - 1])
      }
      return (down, across)
    }
    let sharp = try steps { _ in }
    let axial = try steps { ($0.sharp, $0.thickAxial) = (0, 1) }
    #expect(axial.down < 0.5 * sharp.down && axial.across > 1.4 * axial.down, "\(axial) \(sharp)")
    // Of coronal and sagittal ones half lie in the plane that is seen, and the others are thick along its columns' direction.
    let other = try steps { ($0.sharp, $0.thickOther) = (0, 1) }
    #expect(other.down > axial.down && other.across < axial.across, "\(other) \(axial)")
  }

  @Test func errorsCountByPlace() throws {
    let options = still {
      $0.anatomy = plainHeads { $0.whiteMatterLesions = 1 }
    }
    let weights = try #require(try batch(options, count: 8).weights)
    for expected in [options.backgroundWeight, options.rimWeight, 1, options.lesionWeight] {
      #expect(weights.contains(Float(expected)), "\(expected)")
    }
    let all = Float(options.backgroundWeight)...Float(options.lesionWeight)
    #expect(weights.allSatisfy(all.contains))
  }

  /// Foot, middle and head: what differs between contrasts' orders on scanners.
  @Test func contrastsAreOrderedAsOnScanners() throws {
    let batch = try batch(still())
    let answers = try modalities.map { try #require(batch.answers?[$0]) }
    let (t1, t2, flair) = (answers[0], answers[1], answers[3])
    // White matter is what is bright in T1 and not in T2, fluid what is darkest in T1 and bright in T2.
    let white = t1.indices.filter { t1[$0] > 0.4 && t2[$0] < 0.4 }
    let fluid = t1.indices.filter { t1[$0] < 0.3 && t2[$0] > 0.6 }
    #expect(white.count > 2000 && fluid.count > 100)
    func mean(_ values: [Float], _ at: [Int]) -> Float {
      at.reduce(0) { $0 + values[$1] } / Float(at.count)
    }
    #expect(mean(t1, white) > 2 * mean(t1, fluid))
    #expect(mean(t2, fluid) > 1.8 * mean(t2, white))
    #expect(mean(flair, fluid) < 0.5 * mean(flair, white))
  }
}

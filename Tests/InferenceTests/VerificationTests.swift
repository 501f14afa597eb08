import Failures
import Foundation
import Imaging
import Inference
import PipelineSupport
import Testing
import Torch

/// One plane over and over, so that it does not matter which are looked at.
private func repeated(_ modality: Modality) -> Volume {
  var volume = head(modality)
  let plane = volume.slice(5)
  volume.voxels = (0..<headSize.z).flatMap { _ in plane }
  return volume
}

@Test func hiddenContrastsAreComparedWithWhatIsMadeOfTheRest() throws {
  let (t1, t2) = (repeated(.t1), repeated(.t2))
  let result = try completer(sums())([.t1: ("a", t1), .t2: ("b", t2)], targets: [.flair])
  let verification = try #require(result.verification)
  #expect(verification.hidden.map(\.modality) == [.t1, .t2])

  // By hand: T2 stands for T1, each by the scale of the voxels that are foreground of either.
  let scales = [t1, t2].map { ForegroundScale.of($0.voxels) ?? 0 }
  let (a, b) = (t1.slice(0), t2.slice(0))
  let seen = a.indices.filter {
    Double(a[$0]) > ForegroundScale.floor * scales[0] || Double(b[$0]) > ForegroundScale.floor * scales[1]
  }
  func values(_ image: [Float]) -> [Double] {
    let scale = ForegroundScale.of(seen.map { image[$0] }) ?? 0
    return seen.map { Double(image[$0]) / scale }
  }
  let (x, y) = (values(a), values(b))
  let mean = x.reduce(0, +) / Double(x.count)
  let variance = x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
  let error = zip(x, y).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
  #expect(abs(verification.hidden[0].decibels - 10 * log10(variance / error)) < 1e-3)
  #expect(verification.hidden[0].correlation > 0.9)
  let mean2 = verification.hidden.map(\.decibels).reduce(0, +) / 2
  #expect(abs(verification.reliability - mean2) < 1e-9)
}

/// Of what a percentile is set by, bright fluid or fat, all else is dark, and is a head all the same.
@Test func whatIsVerifiedDoesNotHangOnTheRuleOfTheScale() throws {
  var card = completing()
  card.rule = nil
  let maker = Synthesizer(sums(), card: card, device: .cpu)
  func verified(_ factor: Float) throws -> (Verification, notes: [String]) {
    var patient: Patient = [:]
    for modality in [Modality.t1, .t2] {
      var volume = repeated(modality)
      // A hundredth of the voxels, of the brightest.
      let limit = try #require(Percentile.of(volume.voxels, 99))
      for index in volume.voxels.indices where Double(volume.voxels[index]) > limit {
        volume.voxels[index] *= factor
      }
      patient[modality] = (modality.rawValue, volume)
    }
    let result = try maker(patient, targets: [.flair])
    return (try #require(result.verification), result.overruled)
  }
  let (usual, bright) = (try verified(1), try verified(6))
  for (a, b) in zip(usual.0.hidden, bright.0.hidden) {
    // The same tissue is looked at, and the two scans are as alike in it.
    #expect(
      a.modality == b.modality && b.decibels > 2 && abs(a.correlation - b.correlation) < 0.02, "\(a), \(b)")
  }
  #expect(bright.notes.isEmpty)
}

@Test func anUnreliableModelIsRefusedUnlessItIsAcceptedOrNotAsked() throws {
  // Nothing but ones, whatever is given.
  let constant = Known { x in
    .concatenated((0..<3).map { _ in x.mean(over: [1], keeping: true) * 0 + 1 }, axis: 1)
  }
  var maker = completer(constant)
  let failure = try failure { _ = try maker(given(.t1, .t2)) }
  #expect(failure.kind == .refused && failure.exitCode == 11 && failure.message.contains("dB"))
  maker.acceptsDoubts = true
  let result = try maker(given(.t1, .t2))
  #expect(result.notes.contains { $0.contains("unreliable") })
  #expect(result.verification?.doubt?.contains("unreliable") == true)
  #expect(result.overruled == [result.verification?.doubt])
  maker.acceptsDoubts = false
  maker.verifies = false
  let unasked = try maker(given(.t1, .t2))
  #expect(unasked.verification == nil && unasked.overruled.isEmpty)
}

/// What is not verified looks like what was found well; of models that cannot be asked nothing is said.
@Test func thatOneScanCannotBeVerifiedIsSaid() throws {
  func isSaid(_ maker: Synthesizer, _ patient: Patient) throws -> Bool {
    let result = try maker(patient)
    let isSaid = result.notes.contains { $0.hasPrefix("one scan alone cannot be verified") }
    #expect(!isSaid || result.verification == nil)
    return isSaid
  }
  var maker = completer(sums())
  #expect(try isSaid(maker, given(.t2)))
  #expect(try !isSaid(maker, given(.t1, .t2)))
  maker.verifies = false
  #expect(try !isSaid(maker, given(.t2)))
  var card = card()
  card.scenario = Scenario(sources: [.t1], target: .pd)
  #expect(try !isSaid(synthesizer(Known.channel(0), card), [.t1: ("t1", head(.t1))]))
}

@Test func aScanThatLooksLikeAnotherContrastIsSaid() throws {
  // Whatever the first channel makes is dark where the scan is bright; the last is right.
  let method = Known { x in
    let sum = x.mean(over: [1], keeping: true) * 3
    return .concatenated([1 - sum, sum, sum], axis: 1)
  }
  var maker = completer(method)
  maker.acceptsDoubts = true
  var patient: Patient = [.t1: ("a", repeated(.t1))]
  var double = repeated(.t1)
  for index in double.voxels.indices { double.voxels[index] *= 2 }
  double.voxels[0] = 1
  patient[.t2] = ("b", double)
  let hidden = try #require(try maker(patient).verification).hidden
  #expect(hidden[0].decibels < 0 && hidden[0].looksLike != nil && hidden[1].looksLike == nil)
}

/// Each work is told of before any progress of it, and its progress is its own.
@Test func whatBeginsIsNamed() throws {
  var works: [(name: String, shown: [[Int]])] = []
  func show(_ done: Int, _ total: Int) {
    if !works.isEmpty { works[works.count - 1].shown.append([done, total]) }
  }
  // T1 and T2 are alike, so that both are predicted well; then so badly that their names are tried the other way round.
  _ = try completer(sums())(
    [.t1: ("a", repeated(.t1)), .t2: ("b", repeated(.t1))], batchSize: 5, progress: show, verifying: show
  ) { works.append(($0, [])) }
  #expect(works.map(\.name) == ["verifying T1", "verifying T2", "synthesising"])
  for work in works { #expect(work.shown.first?[0] == 5 && work.shown.last?[0] == work.shown.last?[1]) }
  #expect(works[0].shown == [[5, 12], [10, 12], [12, 12]])

  works = []
  let wrong = Known { x in
    let sum = x.mean(over: [1], keeping: true) * 3
    return .concatenated([1 - sum, 1 - sum, sum], axis: 1)
  }
  var maker = completer(wrong)
  maker.acceptsDoubts = true
  _ = try maker(
    [.t1: ("a", repeated(.t1)), .t2: ("b", repeated(.t1))], batchSize: 5, progress: show, verifying: show
  ) { works.append(($0, [])) }
  #expect(
    works.map(\.name) == [
      "verifying T1", "verifying T2", "trying T1 and T2 exchanged", "trying T2 mirrored", "synthesising",
    ])
  #expect(works[3].shown == works[2].shown)
  #expect(
    works[2].shown.map { $0[0] } == [5, 10, 12, 17, 22, 24] && works[2].shown.allSatisfy { $0[1] == 24 })
}

/// Three tissues that T2 shows in another order than T1: what is right is refused only under exchanged names.
@Test func exchangedNamesAreRefused() throws {
  func shade(_ levels: [Float]) -> Volume {
    var volume = head(.t1)
    for k in 0..<headSize.z {
      for j in 0..<headSize.y {
        for i in 0..<headSize.x {
          let at = i + headSize.x * (j + headSize.y * k)
          volume.voxels[at] = volume.voxels[at] > 0 ? levels[(i + j + k) % 3] : 0
        }
      }
    }
    return volume
  }
  /// What the levels 1, 2 and 3 of a contrast, as networks see them, are in the other.
  func turned(_ x: Tensor, _ levels: [Double]) -> Tensor {
    let unit = ForegroundScale.level / (14.0 / 3).squareRoot()
    func of(_ level: Double) -> Tensor { x * 0 + level * unit }
    let bright = x.below(2.5 * unit, of(levels[1]), else: of(levels[2]))
    return x.below(0.3 * unit, x * 0, else: x.below(1.5 * unit, of(levels[0]), else: bright))
  }
  let method = Known { x in
    let (t1, t2) = (x.narrowed(1, from: 0, length: 1), x.narrowed(1, from: 1, length: 1))
    return .concatenated([turned(t2, [3, 1, 2]), turned(t1, [2, 3, 1]), t1 + t2], axis: 1)
  }
  let (t1, t2) = (shade([1, 2, 3]), shade([2, 3, 1]))
  let right = try completer(method)([.t1: ("a", t1), .t2: ("b", t2)], targets: [.flair])
  let verification = try #require(right.verification)
  #expect(verification.reliability > 20 && verification.exchange == nil && verification.doubt == nil)

  var maker = completer(method)
  let failure = try failure { _ = try maker([.t1: ("a", t2), .t2: ("b", t1)], targets: [.flair]) }
  #expect(failure.kind == .refused && failure.message.contains("T1 and T2 look exchanged"), "\(failure)")
  maker.acceptsDoubts = true
  let other = try maker([.t1: ("a", t2), .t2: ("b", t1)], targets: [.flair]).verification
  #expect(other?.exchange?.modalities == [.t1, .t2] && (other?.exchange?.reliability ?? 0) > 20)
}

/// A head that is not the same on both sides, of which one scan is turned over, left to right: its header says that it lies where the
/// others do, or it was brought to where it seemed to.
@Test(arguments: [false, true]) func whatIsMirroredIsRefused(isRegistered: Bool) throws {
  // Fine and alike everywhere, or such that it is found where it lies.
  func pattern(_ x: Int, _ y: Int, _ z: Int) -> Int {
    isRegistered ? x / 9 + y / 11 + z / 7 : x / 5 + y / 3 + z
  }
  func shade(_ levels: [Float], isTurned: Bool = false) -> Volume {
    let whole = head(.t1)
    var volume = whole
    for k in 0..<headSize.z {
      for j in 0..<headSize.y {
        for i in 0..<headSize.x {
          let (x, at) = (isTurned ? headSize.x - 1 - i : i, i + headSize.x * (j + headSize.y * k))
          let own = x + headSize.x * (j + headSize.y * k)
          volume.voxels[at] = whole.voxels[own] > 0 ? levels[pattern(x, j, k) % 2] : 0
        }
      }
    }
    guard isTurned && isRegistered else { return volume }
    return volume.brought(
      to: volume.grid,
      by: RigidMotion(
        rotation: SIMD3(0, 0, 0.05), translation: SIMD3(7, 5, 0), about: volume.affine(SIMD3(32, 36, 12))))
  }
  let unit = try ForegroundScale.level / #require(ForegroundScale.of(shade([1, 2]).voxels))
  func turned(_ x: Tensor) -> Tensor {
    x.below(0.5 * unit, x * 0, else: x.below(1.5 * unit, x * 0 + 2 * unit, else: x * 0 + unit))
  }
  var maker = completer(
    Known { x in
      let (t1, t2) = (x.narrowed(1, from: 0, length: 1), x.narrowed(1, from: 1, length: 1))
      return .concatenated([turned(t2), turned(t1), t1 + t2], axis: 1)
    })
  (maker.areRegistered, maker.looksForMotion) = (isRegistered, !isRegistered)
  func made(_ t2: Volume) throws -> Synthesizer.Result {
    try maker([.t1: ("a", shade([1, 2])), .t2: ("b", t2)], targets: [.flair])
  }
  #expect(try #require(made(shade([2, 1])).verification).mirror == nil)
  let failure = try failure { _ = try made(shade([2, 1], isTurned: true)) }
  #expect(
    failure.kind == .refused && failure.message.contains("T1 and T2 look mirrored to each other"),
    "\(failure)")
}

/// What is accepted and yet hardly predicted is told of.
@Test func aWeakReliabilityIsToldOf() {
  func warnings(_ decibels: Double...) -> [String] {
    Verification(
      hidden: zip([Modality.t1, .t2, .flair], decibels).map {
        .init(modality: $0, decibels: $1, correlation: 0.5, looksLike: nil)
      }
    ).warnings
  }
  #expect(warnings(3, 2, 4).isEmpty && warnings(-3, 1, 1).isEmpty)
  #expect(
    warnings(3, 4, -2).allSatisfy { $0.hasPrefix("FLAIR would be worse predicted") }
      && warnings(3, 4, -2).count == 1)
  #expect(
    warnings(0.5, 0.9).allSatisfy { $0.hasPrefix("the given scans hardly predict") }
      && warnings(0.5, 0.9).count == 1)
}

/// T1 and T1Gd predict each other however they are called; what contrast medium brightens tells.
@Test func scansBeforeAndAfterContrastMediumAreRefusedUnderEachOthersNames() throws {
  let before = head(.t1)
  var after = before
  for index in after.voxels.indices where index % 23 < 2 { after.voxels[index] *= 2 }
  var card = completing()
  card.scenario = Scenario(completing: [.t1, .flair, .t1gd])
  var maker = synthesizer(sums(), card)
  let right: Patient = [.t1: ("a.nii.gz", before), .t1gd: ("b.nii.gz", after)]
  let result = try maker(right, targets: [.flair])
  #expect(!result.notes.contains { $0.contains("exchanged") } && result.overruled.isEmpty)
  let wrong: Patient = [.t1: ("b.nii.gz", after), .t1gd: ("a.nii.gz", before)]
  maker.verifies = false
  let failure = try failure { _ = try maker(wrong, targets: [.flair]) }
  #expect(failure.kind == .refused && failure.exitCode == 11, "\(failure)")
  #expect(failure.message.hasPrefix("a.nii.gz: looks as before contrast medium and b.nii.gz as after it"))
  maker.acceptsDoubts = true
  let forced = try maker(wrong, targets: [.flair])
  #expect(
    forced.overruled.count == 1 && forced.notes.contains { $0.contains("see whether they are exchanged") })
}

/// A whole head counts where its brain is, whatever its air: neither its scalp nor what lies far below, however badly that is made. Of a
/// stripped one everything counts.
@Test(arguments: ["stripped", "in noise", "air put to 0"]) func ofAWholeHeadTheBrainCounts(_ kind: String)
  throws
{
  let dimensions: SIMD3<Int> = [144, 168, 60]
  // A head 180 mm high, 160 mm wide and 190 mm long; a brain 135 mm wide and 165 mm long.
  let isStripped = kind == "stripped"
  let radii = isStripped ? SIMD2(54.0, 66) : SIMD2(64, 76)
  let affine = Affine([1.25, 0, 0, 0], [0, 1.25, 0, 0], [0, 0, 3, 0])
  func shade(_ levels: [Float], isBad: (_ distance: Double, _ plane: Int) -> Bool) -> Volume {
    var volume = Volume(
      dimensions: dimensions, affine: affine,
      voxels: [Float](repeating: 0, count: dimensions.x * dimensions.y * dimensions.z))
    for index in volume.voxels.indices {
      let (line, i) = index.quotientAndRemainder(dividingBy: dimensions.x)
      let (k, j) = line.quotientAndRemainder(dividingBy: dimensions.y)
      let (x, y) = (Double(i - 72) / radii.x, Double(j - 84) / radii.y)
      let distance = (x * x + y * y).squareRoot()
      if distance > 1 {
        volume.voxels[index] = kind == "in noise" ? 0.02 + 0.01 * Float((i + j) % 3) : 0
      } else {
        volume.voxels[index] = isBad(distance, k) ? levels[2] : levels[(i / 2 + j / 2 + k) % 2]
      }
    }
    return volume
  }
  func reliability(_ isBad: @escaping (Double, Int) -> Bool) throws -> Double {
    let (t1, t2) = (shade([1, 2, 3], isBad: isBad), shade([2, 1, 3], isBad: isBad))
    let unit = try ForegroundScale.level / #require(ForegroundScale.of(t1.voxels))
    // The network knows that 1 and 2 are 2 and 1, and takes 3 for nothing where it is 3 too.
    func turned(_ x: Tensor) -> Tensor {
      let bright = x.below(2.5 * unit, x * 0 + unit, else: x * 0)
      return x.below(0.5 * unit, x * 0, else: x.below(1.5 * unit, x * 0 + 2 * unit, else: bright))
    }
    var maker = completer(
      Known { x in
        let (t1, t2) = (x.narrowed(1, from: 0, length: 1), x.narrowed(1, from: 1, length: 1))
        return .concatenated([turned(t2), turned(t1), t1 + t2], axis: 1)
      })
    maker.acceptsDoubts = true
    let patient: Patient = [.t1: ("a", t1), .t2: ("b", t2)]
    return try #require(try maker(patient, targets: [.flair]).verification).reliability
  }
  // Scalp where there is one, and everything more than 110 mm below the top.
  let outer = try reliability { distance, plane in (distance > 0.9 && !isStripped) || plane < 22 }
  let inner = try reliability { distance, plane in distance < 0.5 && plane > 40 }
  #expect(isStripped ? outer < 5 : outer > 10, "\(outer) dB")
  #expect(inner < 5, "\(inner) dB")
}

/// Masks of brains that were drawn for each scan differ by their rims, of which nothing can be predicted.
@Test func whatOneMaskCutOffIsNotVerified() throws {
  func cut(_ volume: Volume, by depth: Int) -> Volume {
    var cut = volume
    let size = volume.dimensions
    func isNear(_ voxel: Int) -> Bool {
      let (i, j) = (voxel % size.x, voxel / size.x % size.y)
      let plane = voxel / (size.x * size.y) * size.x * size.y
      return [(depth, 0), (-depth, 0), (0, depth), (0, -depth)].contains { x, y in
        let (x, y) = (i + x, j + y)
        return !(0..<size.x).contains(x) || !(0..<size.y).contains(y)
          || volume.voxels[plane + y * size.x + x] == 0
      }
    }
    for voxel in cut.voxels.indices where isNear(voxel) { cut.voxels[voxel] = 0 }
    return cut
  }
  func verified(_ t1: Volume, _ t2: Volume) throws -> Verification {
    var maker = completer(sums())
    maker.acceptsDoubts = true
    return try #require(maker([.t1: ("a", t1), .t2: ("b", t2)], targets: [.flair]).verification)
  }
  let (t1, t2) = (repeated(.t1), repeated(.t2))
  // Thinner than what is filled.
  let (alike, apart) = try (verified(cut(t1, by: 3), cut(t2, by: 3)), verified(cut(t1, by: 3), t2))
  #expect(alike.reliability > 3)
  for (a, b) in zip(alike.hidden, apart.hidden) { #expect(b.decibels > a.decibels - 1, "\(a), \(b)") }
}

import Failures
import Foundation
import Imaging
import Inference
import PipelineSupport
import Testing
import Torch

/// A model of whatever is missing of T1, T2 and FLAIR.
private func completing(side: Int = 32) -> ModelCard {
  ModelCard(
    scenario: Scenario(completing: [.t1, .t2, .flair]), extent: Extent(side, side), intensity: "foreground",
    rule: .foreground,
    scales: [.t2: 150], spacing: [1, 1, 3], sliceRule: "all", trainedOn: "test", iterations: 1, score: nil,
    parameters: 0, versions: [:])
}

private func completer(_ method: Known, side: Int = 32) -> Synthesizer {
  Synthesizer(method, card: completing(side: side), device: .cpu)
}

/// Every channel is the sum of what is given.
private func sums(_ factors: [Double] = [1, 1, 1]) -> Known {
  Known { x in
    let sum = x.mean(over: [1], keeping: true) * 3
    return .concatenated(factors.map { sum * $0 }, axis: 1)
  }
}

/// A head of 0.25 litres.
private let size: SIMD3<Int> = [64, 72, 24]
private func head(_ modality: Modality) -> Volume { scan(modality, subject: 3, size: size) }
private func given(_ modalities: Modality...) -> Patient {
  Dictionary(uniqueKeysWithValues: modalities.map { ($0, ("\($0.rawValue).nii.gz", head($0))) })
}

/// Whether an image is another one, but for zeros in what is too faint to be of a head; both on the foreground's scale.
private func isMade(_ image: [Float], of source: [Float], within tolerance: Float) -> Bool {
  zip(image, source).allSatisfy {
    abs($0 - $1) < tolerance || $0 == 0 && $1 <= Float(ForegroundScale.floor) + tolerance
  } && image.count { $0 > 0 } > image.count / 8
}

private func largest(_ a: [Float], _ b: [Float]) -> Float {
  zip(a, b).map { abs($0 - $1) }.max() ?? .infinity
}

@Test(arguments: [Orientation.lps, .ras, Orientation("SPL") ?? .lps, Orientation("PIR") ?? .lps])
func anySubsetServesAndEveryVoxelComesBack(orientation: Orientation) throws {
  for modality in [Modality.t1, .t2] {
    let source = head(modality).reoriented(to: orientation)
    let method = sums()
    let result = try completer(method)([modality: ("a.nii.gz", source)], targets: [.flair])
    #expect(result.images.map(\.modality) == [.flair] && result.verification == nil)
    #expect(result.volume.grid == source.grid)
    // What was made is the source itself, with the foreground's scale at 1.
    let scale = try #require(ForegroundScale.of(source.voxels))
    #expect(isMade(result.volume.voxels, of: source.voxels.map { $0 / Float(scale) }, within: 1e-4))
    let flags: [Float] = modality == .t1 ? [1, 0, 0] : [0, 1, 0]
    #expect(method.presence.allSatisfy { $0 == flags + flags || $0 == flags })
  }
}

@Test func allThatIsMissingIsMadeInTheModelsOrder() throws {
  let result = try completer(sums([1, 2, 3]))(given(.t2))
  #expect(result.images.map(\.modality) == [.t1, .flair])
  #expect(result.sources.map(\.modality) == [.t2])
}

@Test func theScaleIsTheOneThatIsAskedFor() throws {
  let maker = completer(sums())
  let scale = try #require(ForegroundScale.of(head(.t1).voxels))
  let like = try maker(given(.t1), targets: [.flair], intensity: .like(name: "f.nii", scale: 321)).volume
  #expect(abs(try #require(ForegroundScale.of(like.voxels)) - 321) < 0.1)
  let reference = try maker(given(.t1), targets: [.t2], intensity: .reference)
  let factor = Float(150 * ForegroundScale.level / scale)
  #expect(largest(reference.volume.voxels, head(.t1).voxels.map { $0 * factor }) < 0.01)
  let failure = try failure {
    _ = try maker(given(.t1), targets: [.flair], intensity: .reference)
  }
  #expect(failure.kind == .usage && failure.message.contains("FLAIR"))
}

@Test func targetsThatCannotBeAreUsageErrors() throws {
  let maker = completer(sums())
  #expect(try failure { _ = try maker(given(.t1), targets: [.pd]) }.message.contains("T1, T2, FLAIR"))
  #expect(try failure { _ = try maker(given(.t1, .t2), targets: [.t2]) }.message.contains("T2"))
  #expect(try failure { _ = try maker(given(.t1, .t2, .flair)) }.kind == .usage)
  #expect(try failure { _ = try maker([:]) }.kind == .inconsistent)
  let other = try failure { _ = try synthesizer(Known.channel(0))(patient(), targets: [.flair]) }
  #expect(other.kind == .usage && other.message.contains("PD"))
}

/// The network sees the head alone, and what it makes lies where the head does.
@Test func whatLiesAroundTheHeadIsLeftAway() throws {
  var wide = Volume(
    dimensions: [160, 150, 24], affine: head(.t1).affine, voxels: Array(repeating: 0, count: 160 * 150 * 24))
  let small = head(.t1)
  for k in 0..<24 {
    for j in 0..<72 {
      for i in 0..<64 { wide.voxels[i + 90 + 160 * (j + 3 + 150 * k)] = small.voxels[i + 64 * (j + 72 * k)] }
    }
  }
  let method = sums()
  let result = try completer(method)([.t1: ("a", wide)], targets: [.t2])
  #expect(method.shapes.allSatisfy { $0[2] == 96 && $0[3] == 80 })
  let scale = Float(try #require(ForegroundScale.of(wide.voxels)))
  #expect(largest(result.volume.voxels, wide.voxels.map { $0 / scale }) < 1e-4)
}

/// Voxels of 2 mm go through the network at 1 mm, and what is smooth comes back as it was.
@Test func largeVoxelsAreResampledAndComeBack() throws {
  let (columns, rows, planes) = (48, 56, 12)
  var voxels: [Float] = []
  for _ in 0..<planes {
    for j in 0..<rows {
      for i in 0..<columns {
        let (x, y) = ((Double(i) - 20) / 14, (Double(j) - 30) / 16)
        voxels.append(Float(max(0, 500 * exp(-x * x - y * y) - 20)))
      }
    }
  }
  let volume = Volume(
    dimensions: [columns, rows, planes], affine: Affine([-2, 0, 0, 50], [0, -2, 0, 60], [0, 0, 4, 0]),
    voxels: voxels)
  let method = sums()
  let result = try completer(method)([.t1: ("a", volume)], targets: [.t2])
  #expect(method.shapes.allSatisfy { $0[2] > 64 && $0[3] > 56 })
  #expect(result.volume.grid == volume.grid)
  #expect(result.notes.contains { $0.contains("2.00 x 2.00 mm") })
  let scale = Float(try #require(ForegroundScale.of(result.volume.voxels)))
  let own = Float(try #require(ForegroundScale.of(voxels)))
  // A third of a voxel beyond what is kept, resampling mixes in zeros.
  let made = result.volume.voxels.map { $0 / scale }
  #expect(zip(made, voxels).allSatisfy { abs($0 - $1 / own) < 0.03 || $1 / own < 0.35 })
  #expect(made.count { $0 > 0.35 } > 200)
}

/// A model that learned from planes of 2 mm sees those as they are, and others at 2 mm.
@Test func voxelsAreThoseOfTraining() throws {
  var card = completing()
  card.spacing = [2, 2, 3]
  var large = head(.t1)
  large = Volume(
    dimensions: large.dimensions, affine: Affine([-2, 0, 0, 50], [0, -2, 0, 60], [0, 0, 3, 0]),
    voxels: large.voxels)
  for (volume, isSeenAsItIs) in [(large, true), (head(.t1), false)] {
    let method = sums()
    let result = try Synthesizer(method, card: card, device: .cpu)([.t1: ("a", volume)], targets: [.t2])
    // The ellipse has 62 x 70 pixels, or half as many.
    #expect(method.shapes.allSatisfy { ($0[2] > 64) == isSeenAsItIs })
    #expect(result.volume.grid == volume.grid)
    #expect(result.notes.contains { $0.contains("resampled to about 2.00 x 2.00 mm") } == !isSeenAsItIs)
  }
}

// MARK: - Verification

/// One plane over and over, so that it does not matter which are looked at.
private func repeated(_ modality: Modality) -> Volume {
  var volume = head(modality)
  let plane = volume.slice(5)
  volume.voxels = (0..<size.z).flatMap { _ in plane }
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
  maker.acceptsDoubts = false
  maker.verifies = false
  #expect(try maker(given(.t1, .t2)).verification == nil)
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

/// Three tissues that T2 shows in another order than T1: what is right is refused only under exchanged names.
@Test func exchangedNamesAreRefused() throws {
  func shade(_ levels: [Float]) -> Volume {
    var volume = head(.t1)
    for k in 0..<size.z {
      for j in 0..<size.y {
        for i in 0..<size.x {
          let at = i + size.x * (j + size.y * k)
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

@Test func whatIsNoHeadIsRefused() throws {
  let mouse = scan(.t1, subject: 1)
  var maker = completer(sums())
  let failure = try failure { _ = try maker([.t1: ("a", mouse)]) }
  #expect(failure.kind == .refused && failure.message.contains("litres"))
  maker.acceptsDoubts = true
  #expect(try maker([.t1: ("a", mouse)]).notes.contains { $0.contains("litres") })
}

/// Whatever a network makes of the air around a head, and of where nothing was acquired, is left away.
@Test func nothingIsMadeOfTheAir() throws {
  let (columns, rows, planes) = (96, 96, 60)
  var voxels = [Float](repeating: 0, count: columns * rows * planes)
  for (index, _) in voxels.enumerated() {
    let (i, j) = (index % columns, index / columns % rows)
    let isHead = (i - 48) * (i - 48) + (j - 48) * (j - 48) <= 40 * 40
    // Faint noise, but for a corner of zeros.
    voxels[index] = isHead ? 100 : i < 40 && j < 40 ? 0 : Float(2 + (i * 7 + j * 3) % 3)
  }
  let volume = Volume(
    dimensions: [columns, rows, planes], affine: head(.t1).affine, voxels: voxels)
  let one = Known { x in .ones([x.size(0), 3, x.size(2), x.size(3)], type: x.type, device: x.device) }
  let made = try completer(one)([.t1: ("a", volume)], targets: [.t2]).volume
  for index in voxels.indices {
    let (i, j) = (index % columns, index / columns % rows)
    let distance = Double((i - 48) * (i - 48) + (j - 48) * (j - 48)).squareRoot()
    if distance <= 40 { #expect(made.voxels[index] > 0) }
    if distance > 43 { #expect(made.voxels[index] == 0) }
    if index > columns * rows { break }
  }
}

/// The faint fluid around a stripped brain, which T1 hardly shows, is part of it however wide it is.
@Test func theRimOfAStrippedBrainIsKept() throws {
  let (columns, rows, planes) = (96, 96, 60)
  let voxels = (0..<columns * rows * planes).map { index -> Float in
    let (i, j) = (index % columns, index / columns % rows)
    let distance = Double((i - 48) * (i - 48) + (j - 48) * (j - 48)).squareRoot()
    return distance <= 36 ? 100 : distance <= 41 ? 10 : 0
  }
  let volume = Volume(dimensions: [columns, rows, planes], affine: head(.t1).affine, voxels: voxels)
  let one = Known { x in .ones([x.size(0), 3, x.size(2), x.size(3)], type: x.type, device: x.device) }
  let made = try completer(one)([.t1: ("a", volume)], targets: [.t2]).volume
  #expect(zip(made.voxels, voxels).allSatisfy { ($0 > 0) == ($1 > 0) })
}

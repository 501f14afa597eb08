import Failures
import Foundation
import Imaging
import Inference
import PipelineSupport
import Testing
import Torch

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
  #expect(failure.message.contains("intensity like FILE"))
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

@Test func whatIsNoHeadIsRefused() throws {
  let mouse = scan(.t1, subject: 1)
  var maker = completer(sums())
  let failure = try failure { _ = try maker([.t1: ("a", mouse)]) }
  #expect(failure.kind == .refused && failure.message.contains("litres"))
  maker.acceptsDoubts = true
  let result = try maker([.t1: ("a", mouse)])
  #expect(result.overruled.count == 1 && result.overruled.allSatisfy { $0.contains("litres") })
  #expect(result.notes.contains(result.overruled[0]))
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

/// What is made of the air is left away, and not counted as clipped.
@Test func whatIsClippedIsCountedInTheHead() throws {
  func made(_ limit: Double) throws -> Synthesizer.Result {
    let method = Known { x in
      let sum = x.mean(over: [1], keeping: true) * 3
      let image = sum.below(limit, sum * 0 - 1, else: sum)
      return .concatenated([image, image, image], axis: 1)
    }
    return try completer(method)(given(.t1), targets: [.t2])
  }
  let (air, all) = try (made(1e-6), made(1e6))
  #expect(air.clippedBelow == 0 && air.clippedAbove == 0)
  #expect(all.clippedBelow == 1 && all.clippedAbove == 0)
  #expect(air.volume.voxels.contains(0) && all.volume.voxels.allSatisfy { $0 == 0 })
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

/// What a model is better not shown for one contrast it is shown for another, and it says so.
@Test func whatIsWithheldIsNotShown() throws {
  let method = sums([1, 2, 3])
  var maker = completer(method)
  maker.verifies = false
  maker.withholdings = [Withholding(.t2, makingOf: .flair, beside: .t1, because: "of the test")]
  let both = given(.t1, .t2)
  let made = try maker(both, targets: [.flair])
  #expect(made.images[0].withheld == [.t2] && made.sources.map(\.modality) == [.t1, .t2])
  #expect(made.notes.contains("FLAIR is made without T2, which is given: of the test"))
  #expect(method.presence.allSatisfy { $0?.prefix(3) == [1, 0, 0] })
  // As from T1 alone, and where T1 is not there T2 is shown.
  let alone = try maker(given(.t1), targets: [.flair])
  #expect(made.volume.voxels == alone.volume.voxels && alone.images[0].withheld.isEmpty)
  #expect(try maker(given(.t2), targets: [.flair]).images[0].withheld.isEmpty)
  #expect(!alone.notes.contains { $0.contains("of the test") })
}

/// Contrasts of which one is made of fewer scans: each is what it is by itself, and progress is told over all.
@Test func contrastsOfSeveralRoundsAreThoseOfOne() throws {
  var card = completing()
  card.scenario = Scenario(completing: [.t1, .t2, .pd, .flair])
  let method = Known { x in
    let sum = x.mean(over: [1], keeping: true) * 4
    return .concatenated([1, 2, 3, 4].map { sum * $0 }, axis: 1)
  }
  func maker(_ rules: [Withholding]) -> Synthesizer {
    var maker = Synthesizer(method, card: card, device: .cpu)
    (maker.verifies, maker.withholdings) = (false, rules)
    return maker
  }
  let rule = Withholding(.t2, makingOf: .pd, beside: .t1, because: "of the test")
  var steps: [(Int, Int)] = []
  let all = try maker([rule])(given(.t1, .t2), targets: [.pd, .flair]) { steps.append(($0, $1)) }
  #expect(all.images.map(\.modality) == [.pd, .flair] && all.images.map(\.withheld) == [[.t2], []])
  #expect(all.images[0].volume.voxels == (try maker([])(given(.t1), targets: [.pd]).volume.voxels))
  #expect(all.images[1].volume.voxels == (try maker([])(given(.t1, .t2), targets: [.flair]).volume.voxels))
  #expect(zip(steps, steps.dropFirst()).allSatisfy { $0.0 <= $1.0 })
  let last = try #require(steps.last)
  #expect(last.0 == last.1)
}

import Layers
import Networks
import TestSupport
import Testing
import Torch

/// The least size at which each discriminator works: what it says depends on the image, and the image learns from it.
@Suite struct DiscriminatorSizeTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let name: String, channels: Int, least: Int
    var dimensions = 2
    let build: @Sendable (Scope) -> (Tensor) -> Tensor
    var testDescription: String { "\(name) of \(least), \(dimensions)-D" }
  }

  private static func patches(
    _ variant: PatchGANVariant, _ name: String, channels: Int, outputs: Int, dimensions: Int = 2
  ) -> Case {
    Case(name: name, channels: channels, least: variant.smallestSide, dimensions: dimensions) { scope in
      let network = PatchGAN(
        scope, channels: channels, outputs: outputs, width: 8, variant: variant, dimensions: dimensions)
      return { network($0) }
    }
  }

  private static func medSynths(_ side: Int, dimensions: Int = 2) -> Case {
    Case(name: "MedSynth's", channels: 1, least: side, dimensions: dimensions) { scope in
      let network = MedSynthDiscriminator(scope, side: side, dimensions: dimensions)
      return { network($0) }
    }
  }

  static let patchGANs = [2, 3].flatMap { dimensions in
    [
      patches(.isola, "isola", channels: 3, outputs: 1, dimensions: dimensions),
      patches(.codebrain, "codebrain", channels: 3, outputs: 1, dimensions: dimensions),
      patches(.codebrain, "mmGAN's", channels: 6, outputs: 3, dimensions: dimensions),
    ]
  }

  static let cases =
    patchGANs + [
      medSynths(MedSynthDiscriminator.sides.lowerBound), medSynths(51), medSynths(64),
      medSynths(MedSynthDiscriminator.sides.lowerBound, dimensions: 3),
      Case(name: "SelfRDB's", channels: 2, least: TimedDiscriminator.Architecture().multiple) { scope in
        var architecture = TimedDiscriminator.Architecture()
        architecture.width = 8
        let network = TimedDiscriminator(scope, architecture)
        return { x in
          network(
            x.narrowed(1, from: 0, length: 1), x.narrowed(1, from: 1, length: 1),
            at: Tensor([3.0], shape: [1]).to(x.type))
        }
      },
    ]

  @Test func theyAreDerivedFromTheLayers() {
    #expect(Self.cases.map(\.least) == [24, 32, 32, 24, 32, 32, 40, 51, 64, 40, 64])
    var architecture = TimedDiscriminator.Architecture()
    architecture.multipliers = [2, 2]
    #expect(architecture.multiple == 4)
  }

  /// How much the scores of two images differ, and the gradient by the first times its pixels; scores are about 1.
  /// - Parameter last: the length of the last side, where it is another.
  private func effect(_ test: Case, side: Int, last: Int? = nil) throws -> (
    difference: Double, gradient: Double
  ) {
    let store = Parameters(type: .float64)
    let network = test.build(store.root)
    store.start(asKnown: test.name)
    let shape = [1, test.channels] + Array(repeating: side, count: test.dimensions - 1) + [last ?? side]
    let (first, second) = (knownImage("first", shape), knownImage("second", shape))
    first.requiresGradient = true
    let scores = network(first)
    #expect(scores.isFinite)
    (scores * known("probe", scores.shape)).sum().backward()
    let difference = (scores.detached - withoutGradient { network(second) }).squared().mean().sqrt().item
    let gradient = try #require(first.gradient).squared().mean().sqrt().item
    return (difference, gradient * Double(first.count))
  }

  @Test(arguments: cases) func atTheLeastSizeTheyJudge(_ test: Case) throws {
    let found = try effect(test, side: test.least)
    #expect(found.difference > 1e-3, "the scores do not depend on the image")
    #expect(found.gradient > 1e-2, "the image learns nothing from the scores")
  }

  /// Long slices and volumes too.
  @Test(arguments: patchGANs) func oneSideMayBeLonger(_ test: Case) throws {
    let found = try effect(test, side: test.least, last: (5 - test.dimensions) * test.least)
    #expect(found.difference > 1e-3 && found.gradient > 1e-2)
  }

  /// One below, instance norm stands over one pixel: the scores are the same for all images.
  @Test func belowTheyAreBlind() throws {
    for side in [16, 24, 31] {
      let found = try effect(Self.patchGANs[1], side: side)
      #expect(found.difference < 1e-9 && found.gradient < 1e-9, "\(side)")
    }
  }
}

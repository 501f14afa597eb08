import Foundation
import Imaging
import Metrics
import Testing

@Test func agreementIsWhatItSays() {
  // Mean 4 and variance 5 of the target; errors 1, 0, -1, 0.
  let agreement = Agreement([2, 3, 4, 7, 100], [1, 3, 5, 7, 0], inside: [true, true, true, true, false])
  #expect(agreement.count == 4 && agreement.targetMean == 4 && agreement.predictedMean == 4)
  #expect(agreement.targetVariance == 5 && agreement.mse == 0.5)
  #expect(abs(agreement.decibels - 10) < 1e-12)
  // Products of deviations: 6, 1, 0, 9 over 4; variance of the prediction 3.5.
  #expect(agreement.covariance == 4 && agreement.predictedVariance == 3.5)
  #expect(abs(agreement.correlation - 4 / 17.5.squareRoot()) < 1e-12)
  #expect(abs(agreement.line.gain - 8.0 / 7) < 1e-12)
  #expect(abs(agreement.line.offset - (4 - 32.0 / 7)) < 1e-12)
  #expect(Agreement([1, 2], [1, 2], inside: [true, true]).decibels == .infinity)
}

/// A block of 20 x 20 x 20 mm in air, with a lesion of 4 x 4 x 4 in its middle.
private struct Block {
  static let side = 24
  let grid = VoxelGrid(Extent(side, side, side), spacing: [1, 1, 1])
  private func make<Value>(_ value: (SIMD3<Int>) -> Value) -> [Value] {
    (0..<Block.side).flatMap { z in
      (0..<Block.side).flatMap { y in (0..<Block.side).map { x in value([x, y, z]) } }
    }
  }
  private static func inside(_ place: SIMD3<Int>, _ range: Range<Int>) -> Bool {
    (0..<3).allSatisfy { range.contains(place[$0]) }
  }
  var brain: [Bool] { make { Block.inside($0, 2..<22) } }
  var lesion: [Bool] { make { Block.inside($0, 10..<14) } }
  /// Stripes of 10 and 30 along columns; the lesion has an intensity of its own.
  func image(lesion value: Float, stripes: (Float, Float) = (10, 30)) -> [Float] {
    make { place in
      Block.inside(place, 10..<14)
        ? value : Block.inside(place, 2..<22) ? place.x % 2 == 0 ? stripes.0 : stripes.1 : 0
    }
  }
  var regions: PersonRegions { PersonRegions(grid: grid, brain: brain, lesion: lesion) }
}

@Test func regionsOfAPersonAreThoseOfTheirDistances() {
  let block = Block()
  let regions = block.regions
  // Of 20 voxels those at 3 mm or more from the air, whose first voxel is 1 mm from the outermost.
  #expect(regions.core.count { $0 } == 16 * 16 * 16)
  #expect(regions.lesion?.count { $0 } == 64)
  let shell = regions.shell ?? []
  #expect(zip(shell, block.lesion).allSatisfy { !($0 && $1) })
  // Of the planes beside the lesion's, 10 mm reaches beyond the block on both sides: but for corners all of it.
  #expect(shell.count { $0 } > 5000 && shell.count { $0 } < 20 * 20 * 20 - 64)
  #expect(regions.whiteMatter == nil)
}

@Test func aPredictionInAnotherUnitIsTheSame() throws {
  let block = Block()
  let target = block.image(lesion: 60)
  let scorer = PersonScorer(block.regions)
  let values = try #require(scorer(target.map { $0 * 7 }, target))
  #expect(try #require(values[.brain]) > 100)
  #expect(abs(try #require(values[.sharpness]) - 1) < 1e-5)
  #expect(abs(try #require(values[.gradientCorrelation]) - 1) < 1e-6)
  #expect(abs(try #require(values[.lesionContrast]) - 1) < 1e-5)
  #expect(abs(try #require(values[.correlation]) - 1) < 1e-9)
}

@Test func figuresOfAPersonAreThoseOfTheImagesOnTheirScale() throws {
  let block = Block()
  let (target, prediction) = (block.image(lesion: 60), block.image(lesion: 40, stripes: (15, 25)))
  let values = try #require(PersonScorer(block.regions)(prediction, target))

  // Each image by its own scale over the block.
  func scaled(_ image: [Float]) -> [Double] {
    let inside = zip(image, block.brain).filter(\.1).map { Double($0.0) }
    let scale = ForegroundScale.of(inside.map { Float($0) }) ?? 0
    return inside.map { $0 / scale }
  }
  let (t, p) = (scaled(target), scaled(prediction))
  let mean = t.reduce(0, +) / 8000
  let variance = t.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 8000
  let mse = zip(t, p).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / 8000
  #expect(abs(try #require(values[.brain]) - 10 * log10(variance / mse)) < 1e-4)
  // The brightest in the brain, but for the lesion, which is less than one voxel in a hundred.
  let peak = try #require(t.filter { $0 < (t.max() ?? 0) }.max())
  let lesionShare = 64.0 / 8000
  #expect(lesionShare > 0.005)
  #expect(try #require(values[.psnr]) > 10 * log10(peak * peak / mse))
  // Steps of 10 instead of 20 in the stripes.
  #expect(try #require(values[.sharpness]) < 0.6)
  // The shell's mean is 20 in both, so that the lesion stands out by 20 instead of 40, each in its own unit.
  let scales = [target, prediction].map { image -> Double in
    ForegroundScale.of(zip(image, block.brain).filter(\.1).map(\.0)) ?? 0
  }
  #expect(abs(try #require(values[.lesionContrast]) - 0.5 * scales[0] / scales[1]) < 1e-4)
}

/// Where an image's edges are those of another with noise between them, the correlation is what the noise leaves, whatever the
/// image's contrast, and sharpness is its square where the image is the one that is nearest to the other.
@Test func edgesAreKnownAsFarAsTheyAgree() throws {
  let side = 160
  let grid = VoxelGrid(Extent(1, side, side), spacing: [1, 1, 1])
  let brain = (0..<side * side).map { index in
    let (row, column) = index.quotientAndRemainder(dividingBy: side)
    return (1..<side - 1).contains(row) && (1..<side - 1).contains(column)
  }
  var random = RandomSource(seed: 3)
  let known = brain.map { $0 ? Float(random.normal()) : 0 }
  // As much again that is not known: of the target's edges one half.
  let target = zip(known, brain).map { $1 ? 20 + $0 + Float(random.normal()) : 0 }
  func gradients(_ contrast: Float) -> Gradients {
    let image = zip(known, brain).map { $1 ? 20 + contrast * $0 : 0 }
    return Gradients(image, target, PersonRegions(grid: grid, brain: brain))
  }
  for contrast: Float in [0.5, 1, 2] {
    #expect(abs(try #require(gradients(contrast).correlation) - 0.5.squareRoot()) < 0.05)
  }
  let (sharpness, correlation) = (
    try #require(gradients(1).sharpness), try #require(gradients(1).correlation)
  )
  #expect(abs(sharpness - correlation * correlation) < 0.05)
  #expect(gradients(0).sharpness == 0 && gradients(0).correlation == nil)
}

/// What was fitted to the target has its scale, and is not given another.
@Test func aCeilingKeepsTheTargetsScale() throws {
  let block = Block()
  let target = block.image(lesion: 60)
  let scorer = PersonScorer(block.regions)
  let half = target.map { $0 / 2 }
  #expect(try #require(scorer(half, target)?[.brain]) > 100)
  #expect(try #require(scorer(half, target, isFitted: true)?[.brain]) < 10)
}

@Test func whiteMatterThatIsMadeBrightIsCounted() throws {
  let side = 24
  let grid = VoxelGrid(Extent(side, side, side), spacing: [1, 1, 1])
  let brain = [Bool](repeating: true, count: grid.extent.count)
  var random = RandomSource(seed: 4)
  // White matter is half of it.
  let t1 = brain.indices.map { ($0 / side) % 2 == 0 ? Float(100 + random.uniform()) : 50 }
  let flair = brain.indices.map { _ in Float(70 + random.uniform()) }
  let regions = PersonRegions(grid: grid, brain: brain, t1: t1)
  let white = try #require(regions.whiteMatter)
  #expect(white.count { $0 } == side * side * side / 2)
  var made = flair
  let changed = white.indices.filter { white[$0] }.prefix(69)
  for voxel in changed { made[voxel] = 140 }
  let scorer = PersonScorer(regions)
  #expect(scorer(flair, flair)?[.falseBright] == 0)
  #expect(abs(try #require(scorer(made, flair)?[.falseBright]) - 69 / Double(side * side * side / 2)) < 1e-3)
}

/// By least squares, whatever factor and constant the prediction has.
@Test func whatIsFittedIsTheBestLine() throws {
  let block = Block()
  var random = RandomSource(seed: 8)
  let target = block.image(lesion: 60)
  let image = target.map { 300 - 2 * $0 + Float(20 * random.normal()) }
  let inside = block.brain.indices.filter { block.brain[$0] }
  let (t, p) = (inside.map { Double(target[$0]) }, inside.map { Double(image[$0]) })
  let count = Double(inside.count)
  let (mean, centre) = (t.reduce(0, +) / count, p.reduce(0, +) / count)
  let slope =
    zip(t, p).reduce(0) { $0 + ($1.0 - mean) * ($1.1 - centre) }
    / p.reduce(0) { $0 + ($1 - centre) * ($1 - centre) }
  let left = zip(t, p).reduce(0) { sum, pair in
    let error = pair.0 - mean - slope * (pair.1 - centre)
    return sum + error * error
  }
  let variance = t.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
  let fitted = try #require(PersonScorer(block.regions)(image, target)?[.fitted])
  #expect(fitted > 0.5 && abs(fitted - 10 * log10(variance / left)) < 1e-3, "\(fitted)")
}

/// A voxel that says nothing, however bright, ends nothing.
@Test func whiteMatterIsFoundBesideABrokenVoxel() throws {
  let grid = VoxelGrid(Extent(24, 24, 24), spacing: [1, 1, 1])
  let brain = [Bool](repeating: true, count: grid.extent.count)
  var random = RandomSource(seed: 4)
  var t1 = brain.map { _ in Float(100 + random.uniform()) }
  let place = 12 * 24 * 24 + 12 * 24 + 12
  t1[place] = 3e38
  let white = try #require(PersonRegions(grid: grid, brain: brain, t1: t1).whiteMatter)
  #expect(!white[place] && white.count { $0 } == brain.count - 1)
}

/// A ventricle within the brain is none of its borders.
@Test func holesAreInside() {
  let block = Block()
  var brain = block.brain
  for (voxel, isLesion) in block.lesion.enumerated() where isLesion { brain[voxel] = false }
  let regions = PersonRegions(grid: block.grid, brain: brain)
  #expect(regions.core.count { $0 } == 16 * 16 * 16 - 64)
}

/// Two visits of one person are no two people.
@Test func aPersonCountsWithTheMeanOfTheirVisits() {
  let visits: [(String, String, Double)] = [
    ("a_ses-1", "a", 1), ("a_ses-2", "a", 3), ("b", "b", 5), ("c", "c", .infinity),
  ]
  let figures = ModelFigures<PersonMeasure>(
    name: "m",
    subjects: visits.map { id, person, value in
      var values = MeasuredValues<PersonMeasure>()
      values[.brain] = value
      return SubjectFigures(subject: id, patient: person, values: values)
    })
  let spread = figures.overPeople(.brain)
  #expect(spread.count == 2 && spread.mean == 3.5)
}

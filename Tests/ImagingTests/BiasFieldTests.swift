import Foundation
import Imaging
import Testing

@Suite struct BiasFieldTests {
  /// The logarithm of a field at each voxel, as correcting shows it.
  private func logs(_ field: BiasField, count: Int, threads: Int = 1) -> [Double] {
    var ones = [Float](repeating: 1, count: count)
    field.correct(&ones, threads: threads)
    return ones.map { -log(Double($0)) }
  }

  private func deviation(_ values: [Double]) -> Double {
    let mean = values.reduce(0, +) / Double(values.count)
    return (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)).squareRoot()
  }

  private func correlation(_ a: [Double], _ b: [Double]) -> Double {
    let (da, db) = (deviation(a), deviation(b))
    let sum = deviation(zip(a, b).map { $0 / da + $1 / db })
    return sum * sum / 2 - 1
  }

  private func masked<Value>(_ values: [Value], _ mask: [Bool]) -> [Value] {
    zip(values, mask).filter { $0.1 }.map(\.0)
  }

  /// A volume of voxels of 4 mm.
  private func volume(_ size: SIMD3<Int>, _ value: (Int) -> Float) -> Volume {
    Volume(
      dimensions: size, affine: Affine(spacing: [4, 4, 4]),
      voxels: (0..<size.x * size.y * size.z).map(value))
  }

  @Test(arguments: goldenBiasFields.split(separator: "\n").map(String.init))
  func itIsSimpleITKs(line: String) throws {
    let numbers = line.split(separator: " ").compactMap { Double($0) }
    let head = ShadedHead(seed: UInt64(numbers[0]))
    let (size, mask) = (ShadedHead.size, head.mask)
    let field = try #require(BiasField(of: head.volume, in: mask))
    let all = logs(field, count: mask.count)
    let found = all.indices.filter { voxel in
      let index = SIMD3(voxel % size.x, voxel / size.x % size.y, voxel / size.x / size.y)
      return mask[voxel] && index.x % 6 == 0 && index.y % 6 == 0 && index.z % 6 == 0
    }.map { all[$0] }
    let expected = Array(numbers[2...])
    try #require(found.count == expected.count)
    let apart = deviation(zip(found, expected).map { $0 - $1 })
    #expect(apart < 0.0002, "\(apart)")
    #expect(correlation(found, expected) > 0.9999)
    #expect(abs(field.deviation - numbers[1]) < 0.0002, "\(field.deviation) against \(numbers[1])")
  }

  @Test(arguments: [3, 4, 5] as [UInt64]) func aKnownFieldIsFound(seed: UInt64) throws {
    let head = ShadedHead(seed: seed)
    // A bright scalp about the brain passes for shading in part, with SimpleITK as well.
    for (mask, most) in [(head.brain, 0.05), (head.mask, 0.45)] {
      let field = try #require(BiasField(of: head.volume, in: mask))
      let truth = masked(head.logs, mask)
      let found = masked(logs(field, count: mask.count), mask)
      let left = deviation(zip(found, truth).map { $0 - $1 }) / deviation(truth)
      #expect(left < most, "\(left)")
      #expect(abs(field.deviation / deviation(found) - 1) < 1e-3)
      let sorted = found.sorted()
      let range = exp(sorted[sorted.count * 99 / 100] - sorted[sorted.count / 100])
      #expect(abs(field.range / range - 1) < 0.01)
    }
  }

  @Test func whereThereIsNoneNoneIsFound() throws {
    let head = ShadedHead(seed: 3, isShaded: false)
    let field = try #require(BiasField(of: head.volume, in: head.mask))
    #expect(field.deviation < 0.02, "\(field.deviation)")
  }

  @Test(arguments: [0.001, 7, 4000] as [Float]) func itIsTheSameInAnyUnit(factor: Float) throws {
    let head = ShadedHead(seed: 4)
    let scaled = Volume(grid: head.volume.grid, voxels: head.volume.voxels.map { $0 * factor })
    let fields = try [head.volume, scaled].map {
      logs(try #require(BiasField(of: $0, in: head.mask)), count: head.mask.count)
    }
    #expect(zip(fields[0], fields[1]).allSatisfy { abs($0 - $1) < 1e-4 })
  }

  @Test func itIsTheSameForAnyThreads() throws {
    let head = ShadedHead(seed: 4)
    let field = try #require(BiasField(of: head.volume, in: head.mask))
    let corrected = [1, 2, 5].map { threads in
      var values = head.volume.voxels
      field.correct(&values, threads: threads)
      return values
    }
    #expect(corrected[1] == corrected[0] && corrected[2] == corrected[0])
    #expect(BiasField(of: head.volume, in: head.mask)?.deviation == field.deviation)
  }

  /// A head in one corner of much air, under a steep field: none of the air is made brighter or darker than the head is.
  @Test func airIsLeftInReason() throws {
    let head = ShadedHead(seed: 5)
    let size = 2 &* ShadedHead.size
    var wide = volume(size) { _ in 0 }
    for (voxel, value) in head.volume.voxels.enumerated() {
      let (i, j) = (voxel % ShadedHead.size.x, voxel / ShadedHead.size.x % ShadedHead.size.y)
      wide.voxels[i + size.x * (j + size.y * (voxel / ShadedHead.size.x / ShadedHead.size.y))] = value
    }
    let mask = wide.voxels.map { $0 > 0.15 }
    let all = logs(try #require(BiasField(of: wide, in: mask)), count: mask.count)
    let inside = masked(all, mask)
    let (lowest, highest) = (inside.min() ?? 0, inside.max() ?? 0)
    #expect(all.allSatisfy { $0 > lowest - 1e-3 && $0 < highest + 1e-3 })
    #expect(highest - lowest < 3 && abs(inside.reduce(0, +) / Double(inside.count)) < 0.01)
  }

  @Test func nothingHasNoField() {
    let values = volume([8, 9, 7]) { Float($0) }
    let none = [Bool](repeating: false, count: 8 * 9 * 7)
    #expect(BiasField(of: values, in: none) == nil)
    #expect(BiasField(of: volume([0, 9, 7]) { _ in 1 }, in: []) == nil)
    for value in [0, -1, .nan, .infinity] as [Float] {
      #expect(BiasField(of: volume([8, 9, 7]) { _ in value }, in: none.map { !$0 }) == nil)
    }
  }

  @Test func oneIntensityHasAFlatField() throws {
    let size = SIMD3(8, 9, 7)
    let count = size.x * size.y * size.z
    for mask in [(0..<count).map { $0 == 200 }, [Bool](repeating: true, count: count)] {
      let field = try #require(BiasField(of: volume(size) { _ in 70 }, in: mask))
      #expect(field.deviation == 0 && field.range == 1)
      #expect(logs(field, count: count).allSatisfy { $0 == 0 })
    }
  }

  /// Single planes, lines and columns, few voxels, two intensities, a wide range of them.
  @Test func smallVolumesHaveFiniteFields() {
    var random = RandomSource(seed: 6)
    for round in 0..<300 {
      let size = SIMD3((0..<3).map { _ in random.integer(below: 3) == 0 ? 1 : 1 + random.integer(below: 40) })
      let low = SIMD3((0..<3).map { random.integer(below: size[$0]) })
      let high = SIMD3((0..<3).map { low[$0] + random.integer(below: size[$0] - low[$0]) })
      let scan = volume(size) { _ in
        round % 3 == 0 ? Float(1 + random.integer(below: 2)) : Float(exp(3 * random.normal()))
      }
      let mask = scan.voxels.indices.map { voxel in
        let index = SIMD3(voxel % size.x, voxel / size.x % size.y, voxel / size.x / size.y)
        return all(index .>= low) && all(index .<= high)
      }
      guard let field = BiasField(of: scan, in: mask) else { continue }
      #expect(field.deviation.isFinite && field.range.isFinite)
      #expect(logs(field, count: mask.count).allSatisfy { $0.isFinite })
    }
  }

  /// A mask whose corner lies a hundredth of an element within one: single precision holds no spline's squares there.
  @Test func aCornerBarelyWithinAnElementIsNoHarm() throws {
    let (size, part) = (SIMD3(90, 90, 90), 60...78)
    var random = RandomSource(seed: 7)
    let scan = volume(size) { _ in Float(exp(0.3 * random.normal())) }
    let mask = scan.voxels.indices.map { voxel in
      [voxel % 90, voxel / 90 % 90, voxel / 8100].allSatisfy { part.contains($0) }
    }
    let field = try #require(BiasField(of: scan, in: mask))
    #expect(field.deviation < 0.2 && logs(field, count: mask.count).allSatisfy { $0.isFinite })
  }
}

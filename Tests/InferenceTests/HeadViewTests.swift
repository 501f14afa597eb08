import Failures
import Imaging
import Inference
import PipelineSupport
import Testing
import Torch

/// A model that knows heads in every plane sees them in each, and the mean is what was made.
@Suite struct HeadViewTests {
  /// In LPS order.
  private func grid(_ spacing: SIMD3<Double>) -> Grid {
    let affine = Affine([-spacing.x, 0, 0, 50], [0, -spacing.y, 0, 60], [0, 0, spacing.z, 0])
    return Grid(dimensions: headSize, affine: affine)
  }

  private func completer(
    _ method: Known, spacing: Double = 2, planes: [HeadPlane]? = HeadPlane.allCases
  ) -> Synthesizer {
    var card = completing()
    card.spacing = [spacing, spacing, spacing]
    card.planes = planes
    var synthesizer = Synthesizer(method, card: card, device: .cpu)
    synthesizer.verifies = false
    return synthesizer
  }

  private func flair(_ maker: Synthesizer, of volume: Volume, batchSize: Int = 2) throws -> Synthesizer.Result
  {
    try maker([.t1: ("a.nii.gz", volume)], targets: [.flair], batchSize: batchSize)
  }

  /// Rows and columns that the network was shown, one of each.
  private func sizes(_ method: Known) -> [SIMD2<Int>] {
    var sizes: [SIMD2<Int>] = []
    for shape in method.shapes where sizes.last != SIMD2(shape[3], shape[2]) {
      sizes.append(SIMD2(shape[3], shape[2]))
    }
    return sizes
  }

  /// What is larger towards the foot of each image tells how rows run.
  private func ramp() -> Known {
    Known { x in
      let (rows, columns) = (x.shape[2], x.shape[3])
      let values = (0..<rows).flatMap { row in
        [Float](repeating: Float(row) / Float(rows), count: columns)
      }
      let sum = x.mean(over: [1], keeping: true) * 3
      let made = sum * Tensor(values, shape: [1, 1, rows, columns], device: .cpu)
      return .concatenated([made, made, made], axis: 1)
    }
  }

  @Test(arguments: [Orientation.lps, .ras, Orientation("SPL") ?? .lps, Orientation("PIR") ?? .lps])
  func everyPlaneIsSeenTheRightWayUp(orientation: Orientation) throws {
    let volume = Volume(grid: grid([2, 2, 2]), voxels: head(.t1).voxels)
    let method = ramp()
    let result = try flair(completer(method), of: volume.reoriented(to: orientation))
    #expect(result.planes == HeadPlane.allCases)
    #expect(sizes(method) == [[64, 72], [64, 32], [72, 32]])
    let made = result.volume.reoriented(to: .lps)
    #expect(made.grid.matches(volume.grid))
    // Slices of 24 rows lie in the middle of 32, those that training had.
    var expected: [Float] = []
    for k in 0..<24 {
      for j in 0..<72 {
        let (down, upright) = (Float(j) / 72, Float(23 - k + 4) / 32)
        for i in 0..<64 {
          expected.append(volume.voxels[i + 64 * (j + 72 * k)] * (down + 2 * upright) / 3)
        }
      }
    }
    let scale = Float(try #require(ForegroundScale.of(expected)))
    let own = Float(try #require(ForegroundScale.of(made.voxels)))
    let errors = zip(made.voxels, expected).map { abs($0 / own - $1 / scale) }
    #expect(errors.max() ?? .infinity < 1e-3)
  }

  /// Columns of sagittal planes run from front to back, and planes come back to where they were.
  @Test func nothingIsDisplaced() throws {
    let volume = Volume(grid: grid([2, 2, 2]), voxels: head(.t1).voxels)
    let result = try flair(completer(sums()), of: volume)
    let scale = Float(try #require(ForegroundScale.of(volume.voxels)))
    #expect(zip(result.volume.voxels, volume.voxels).allSatisfy { abs($0 - $1 / scale) < 1e-4 })
    #expect(result.emptySlices == 1)
  }

  /// Whatever is thick; but what is further apart than any slices of training makes no rows.
  @Test func thickSlicesAreSeenInEveryPlane() throws {
    let all = HeadPlane.allCases
    let cases: [(spacing: SIMD3<Double>, planes: [HeadPlane])] = [
      ([2, 2, 3], all), ([4, 2, 2], all), ([2, 4, 2], all), ([3, 3, 3], all), ([2, 2, 8.5], [.axial]),
    ]
    for (spacing, planes) in cases {
      let method = sums()
      var maker = completer(method)
      maker.acceptsDoubts = true
      let result = try flair(maker, of: Volume(grid: grid(spacing), voxels: head(.t1).voxels))
      #expect(result.planes == planes, "\(spacing)")
      #expect(sizes(method).count == planes.count)
    }
  }

  /// Who sees all planes needs one of them whose voxels are no larger than those of training.
  @Test func theFinestPlaneSaysWhetherVoxelsAreTooLarge() throws {
    let cases: [(spacing: SIMD3<Double>, isTaken: Bool, isTakenInAxialOnes: Bool)] = [
      ([2, 2, 5], true, true), ([5, 2, 2], true, false), ([2, 5, 2], true, false), ([3, 3, 2], false, false),
      ([2, 3, 3], false, false),
    ]
    for (spacing, isTaken, isTakenInAxialOnes) in cases {
      let volume = Volume(grid: grid(spacing), voxels: head(.t1).voxels)
      for (isAxialAlone, isTaken) in [(false, isTaken), (true, isTakenInAxialOnes)] {
        var maker = completer(sums())
        maker.isAxialAlone = isAxialAlone
        if isTaken {
          _ = try flair(maker, of: volume)
        } else {
          let failure = try failure { _ = try flair(maker, of: volume) }
          #expect(failure.kind == .refused && failure.message.contains("has voxels of"), "\(spacing)")
        }
      }
    }
  }

  /// Thick slices count as much as both other views, of which what is broad counts: inside what is alike everywhere the mean is
  /// weighted so, and an edge that the axial view shows stays as sharp as there.
  @Test func thickSlicesCountTwice() throws {
    var voxels = [Float](repeating: 0, count: 64 * 72 * 24)
    for k in 2..<22 {
      for j in 4..<68 {
        for i in 4..<60 { voxels[i + 64 * (j + 72 * k)] = 100 }
      }
    }
    let volume = Volume(grid: grid([2, 2, 8]), voxels: voxels)
    let method = ramp()
    let result = try flair(completer(method), of: volume)
    #expect(sizes(method) == [[64, 72], [64, 96], [72, 96]])
    let made = result.volume.reoriented(to: .lps)
    func at(_ i: Int, _ j: Int, _ k: Int) -> Float { made.voxels[i + 64 * (j + 72 * k)] }
    func expected(_ j: Int, _ k: Int) -> Float {
      let upright = (Float(23 - k) * 4 + 1.5) / 96
      return 0.5 * Float(j) / 72 + 0.5 * upright
    }
    let scale = at(32, 36, 12) / expected(36, 12)
    for (i, j, k) in [(20, 20, 6), (32, 50, 6), (40, 30, 18), (32, 50, 18), (20, 36, 8)] {
      #expect(abs(at(i, j, k) / scale - expected(j, k)) < 2e-3, "\(i) \(j) \(k)")
    }
    // Beside the edge, where the other views make nothing that is as broad as their change.
    let inside = at(4, 60, 12) / scale
    let outside = at(2, 60, 12) / scale
    #expect(inside > 0.5 * 60 / 72 && outside < 0.05)
  }

  /// Planes of 2 mm are rows of 1 mm where the model was trained on those, and come back as planes.
  @Test func rowsBecomeAsFineAsThoseOfTraining() throws {
    let method = sums()
    let volume = Volume(grid: grid([1, 1, 2]), voxels: head(.t1).voxels)
    let result = try flair(completer(method, spacing: 1), of: volume)
    #expect(sizes(method) == [[64, 72], [64, 48], [72, 48]])
    #expect(result.volume.grid.matches(volume.grid))
    let axial = try flair(completer(sums(), spacing: 1, planes: nil), of: volume)
    let both = zip(result.volume.voxels, axial.volume.voxels)
    // Noise of one voxel is smoothed by going there and back; that is all.
    #expect(both.reduce(0) { $0 + abs($1.0 - $1.1) } < 0.3 * axial.volume.voxels.reduce(0, +))
  }

  /// What is resampled to finer rows and columns is seen in as many planes as were acquired.
  @Test func noMorePlanesAreSeenThanThereAre() throws {
    // Beside thick slices every second plane will do.
    let cases: [(spacing: SIMD3<Double>, planes: Int)] = [
      ([2, 2, 2], 160), ([4, 2, 2], 160), ([1, 1, 4], 92),
    ]
    for (spacing, planes) in cases {
      let method = sums()
      let volume = Volume(grid: grid(spacing), voxels: head(.t1).voxels)
      var maker = completer(method, spacing: 1)
      maker.acceptsDoubts = true
      let result = try flair(maker, of: volume)
      #expect(result.planes == HeadPlane.allCases && result.volume.grid.matches(volume.grid))
      // The lowest plane of the head is empty.
      let seen = method.shapes.reduce(0) { $0 + $1[0] }
      #expect((planes - 8...planes).contains(seen), "\(seen)")
      #expect((0...1).contains(result.clippedBelow) && (0...1).contains(result.clippedAbove))
    }
  }

  @Test func axialPlanesAloneWhereThatIsAsked() throws {
    let volume = Volume(grid: grid([2, 2, 2]), voxels: head(.t1).voxels)
    for planes in [nil, HeadPlane.allCases] {
      let method = ramp()
      var maker = completer(method, planes: planes)
      maker.isAxialAlone = true
      #expect(try flair(maker, of: volume).planes == [.axial])
      #expect(sizes(method) == [[64, 72]])
    }
  }

  /// Progress never goes back, and ends at its end.
  @Test func progressIsOfAllPlanes() throws {
    var shares: [Double] = []
    let maker = completer(sums())
    let volume = Volume(grid: grid([2, 2, 2]), voxels: head(.t1).voxels)
    _ = try maker(
      [.t1: ("a.nii.gz", volume)], targets: [.flair],
      progress: { shares.append(Double($0) / Double($1)) })
    #expect(shares.last == 1 && zip(shares, shares.dropFirst()).allSatisfy { $0 < $1 })
  }

  @Test func estimatesCountEveryPlane() throws {
    let grid = grid([2, 2, 2])
    let told = try completer(sums()).estimate(of: grid, given: [.t1], targets: [.flair], batchSize: 4)
    #expect(told.batches == (24 + 72 + 64) / 4 && told.verifying == 0)
    // The image that is given and what is made, as they are and turned, and one volume more.
    #expect(told.images == 5 * 4 * 64 * 72 * 24)
    var one = completer(sums())
    one.isAxialAlone = true
    let less = try one.estimate(of: grid, given: [.t1], targets: [.flair], batchSize: 4)
    #expect(less.batches == 24 / 4 && less.images == 3 * 4 * 64 * 72 * 24)
  }

  @Test func cardsSayWhichPlanesAModelKnows() throws {
    var card = completing()
    #expect(try ModelCard(json: card.json, file: "a").planes == nil)
    card.planes = HeadPlane.allCases
    #expect(try ModelCard(json: card.json, file: "a").planes == HeadPlane.allCases)
  }
}

import Imaging

/// Turns a person into scans, slice by slice.
///
/// A voxel's signal is the mean over sub-voxels (2 along each axis, 1 for voxels below 1.1 mm, 3 above 2.2 mm), which
/// also shares a voxel between its tissues, taken where the displaced anatomy is: a shift is computed, not interpolated.
struct Scanner: Sendable {
  let person: Person
  let atlas: Atlas
  let grid: Grid
  let options: PhantomOptions
  let subject: Int

  /// Sub-voxels along each axis.
  private var fineness: Int { min(3, max(1, Int((options.voxelSize / 1.1).rounded(.up)))) }

  /// Positions (mm) of the sub-voxels along an axis, for a scan displaced by `shift`.
  private func positions(_ axis: Int, _ range: Range<Int>, shift: Double) -> [Float] {
    let edge = options.voxelSize
    let start = grid.affine.rows[axis].w
    return range.flatMap { voxel in
      (0..<fineness).map { sub in
        let within = (Double(sub) + 0.5) / Double(fineness) - 0.5
        return Float(start + (Double(voxel) + within) * edge - shift)
      }
    }
  }

  /// A slice without noise: per voxel the mean signal, the mean shares of the tissues, and the share of stripped brain.
  struct Slice {
    var signal: [Float]
    var tissue: [SIMD8<Float>]
    var brain: [Float]
  }

  /// Slice k of a scan.
  func slice(_ k: Int, of modality: Modality) -> Slice {
    let nx = grid.dimensions.x
    let ny = grid.dimensions.y
    let n = fineness
    let shift = person.shifts[Modality.allCases.firstIndex(of: modality) ?? 0]
    let xs = positions(0, 0..<nx, shift: shift.x)
    let ys = positions(1, 0..<ny, shift: shift.y)
    let zs = positions(2, k..<(k + 1), shift: shift.z)
    let contrast = Contrast(modality, person)
    var slice = Slice(
      signal: [Float](repeating: 0, count: nx * ny), tissue: [SIMD8<Float>](repeating: .zero, count: nx * ny),
      brain: [Float](repeating: 0, count: nx * ny))
    var rows = person.fields.map { SplineRows($0, x: xs) }
    var fields = [[SIMD4<Float>]](
      repeating: [SIMD4<Float>](repeating: .zero, count: xs.count), count: rows.count)
    var places = [Place](repeating: Place(), count: xs.count)
    let share = 1 / Float(n * n * n)
    atlas.voxels.withUnsafeBufferPointer { voxels in
      guard let voxels = voxels.baseAddress else { return }
      for z in zs {
        for index in rows.indices { rows[index].move(toZ: z) }
        for (row, y) in ys.enumerated() {
          for index in 0..<2 { rows[index].evaluate(y: y, in: xs.indices, into: &fields[index]) }
          var brain = xs.count..<xs.count
          for i in xs.indices {
            let u = fields[0][i] + fields[1][i]
            places[i] = place(
              voxels, of: SIMD3<Float>(xs[i], y, z), displacement: SIMD3<Float>(u.x, u.y, u.z))
            if places[i].map.x > 0.02 { brain = min(i, brain.lowerBound)..<(i + 1) }
          }
          for index in 2..<rows.count { rows[index].evaluate(y: y, in: brain, into: &fields[index]) }
          let base = row / n * nx
          for i in brain where places[i].map.x > 0.02 {
            let here = (fields[0][i], fields[1][i], fields[2][i], fields[3][i], fields[4][i])
            let found = anatomy(at: places[i], here)
            let voxel = base + i / n
            let signals = contrast.signal(person.tissue.textured(found.texture), active: found.active)
            slice.signal[voxel] += share * (found.tissue * signals).sum()
            slice.tissue[voxel] += share * found.tissue
            slice.brain[voxel] += share * max(0, 2 * places[i].map.x - 1)
          }
        }
      }
    }
    return slice
  }

  /// A position in the atlas (mm) without and with a tumour's mass effect, and the atlas's maps there.
  private struct Place {
    var unpushed = SIMD3<Float>.zero
    var position = SIMD3<Float>.zero
    var map = SIMD4<Float>.zero
  }

  @inline(__always)
  private func place(
    _ voxels: UnsafePointer<SIMD4<Float>>, of position: SIMD3<Float>, displacement: SIMD3<Float>
  ) -> Place {
    let (unpushed, place) = person.deformation(position, displacement: displacement)
    let index = (place - atlas.origin) / atlas.spacing
    let map = Atlas.sample(voxels, atlas.dimensions, index)
    return Place(unpushed: unpushed, position: place, map: map)
  }

  /// The tissue shares and texture at a place in the brain with the five fields' values there. `active` is how much
  /// of the plaque takes up contrast medium.
  @inline(__always)
  private func anatomy(
    at place: Place, _ field: (SIMD4<Float>, SIMD4<Float>, SIMD4<Float>, SIMD4<Float>, SIMD4<Float>)
  ) -> (tissue: SIMD8<Float>, texture: Texture, active: Float) {
    let map = place.map
    let present = min(1, 2 * map.x)
    // The average of 152 brains is blurred: each share is raised to a power, which steepens its borders, with weights
    // that move those borders from place to place, so that every person has folds and ventricles of their own.
    let shares = SIMD4<Float>(max(0, 1 - map.y - map.z), map.y, map.z, 0)
    let wider = person.atrophy + field.1.w
    let weights = exponential(SIMD8<Float>(wider, 0, field.2.x, 0, 0, 0, 0, 0)).lowHalf
    var steep = shares * shares * (0.4 + 0.6 * shares) * weights
    steep *= present / max(steep.sum(), 1e-6)
    // Vessels: threads where a random field passes through zero in the fluid about cortex, and the choroid plexus.
    let thread = max(0, 1 - abs(field.3.z) * 4) * min(0.4, 2 * steep.y)
    let blood = steep.x * max(thread, Nuclei.choroid(place.position))
    var tissue = SIMD8<Float>(steep.x - blood, steep.y, steep.z, 0, 0, 0, blood, 0)
    var active: Float = 0
    switch person.lesions {
    case .none: break
    case .tumour(let tumour):
      tumour.place(in: &tissue, at: place.unpushed, bumps: SIMD2<Float>(field.3.x, field.3.y))
    case .plaques(let plaques):
      active = Plaque.place(plaques, in: &tissue, at: place.position, bump: field.3.x)
    }
    let texture = Texture(
      myelin: field.2.y + field.4.w + 7 * map.w, water: field.2.z + field.3.w,
      iron: field.0.w + field.2.w + Nuclei.iron(place.position),
      own: SIMD3<Float>(field.4.x, field.4.y, field.4.z))
    return (tissue, texture, active)
  }

  /// A finished slice of a scan: bias, noise, gain, whole numbers 0 ... 32767. All scans of a subject are stripped with
  /// one mask, as registered scans are: `stripped` says which voxels are brain; nil takes those that are so by half.
  func acquired(_ k: Int, of modality: Modality, stripped: ArraySlice<Bool>?) -> (slice: Slice, mask: [Bool])
  {
    let number = Modality.allCases.firstIndex(of: modality) ?? 0
    let nx = grid.dimensions.x
    var slice = slice(k, of: modality)
    let mask = stripped.map { Array($0) } ?? slice.brain.map { $0 >= 0.5 }
    let gain = Float(person.gains[number])
    let grey = SignalEquation(PulseSequence(modality, fieldStrength: person.fieldStrength))(person.tissue)[
      Tissue.grey.rawValue]
    let deviation = Float(options.noise) * grey * gain
    let start = grid.affine.rows
    let edge = options.voxelSize
    let xs = (0..<nx).map { Float(start[0].w + Double($0) * edge) }
    var bias = Artefacts.Rows(person.artefacts, modality: modality, x: xs)
    bias.move(toZ: Float(start[2].w + Double(k) * edge))
    var row = [Float](repeating: 1, count: nx)
    let part = number << 16 | k
    var random = Person.Stream.noise.source(options.seed, subject: subject, part: part)
    for j in 0..<grid.dimensions.y {
      bias.evaluate(y: Float(start[1].w + Double(j) * edge), into: &row)
      for i in 0..<nx {
        let at = i + nx * j
        guard mask[at] else {
          slice.signal[at] = 0
          continue
        }
        let noisy = Artefacts.rician(slice.signal[at] * row[i] * gain, deviation: deviation, random: &random)
        slice.signal[at] = min(noisy.rounded(), 32767)
      }
    }
    return (slice, mask)
  }

  /// The whole scan with its mask, and the label map of its own anatomy.
  func scan(
    _ modality: Modality, stripped: [Bool]?, threads: Int
  ) -> (scan: Volume, mask: [Bool], labels: Volume) {
    let count = grid.dimensions.x * grid.dimensions.y
    var voxels = [Float](repeating: 0, count: grid.voxelCount)
    var labels = voxels
    var mask = [Bool](repeating: false, count: grid.voxelCount)
    voxels.withUnsafeMutableBufferPointer { voxels in
      labels.withUnsafeMutableBufferPointer { labels in
        mask.withUnsafeMutableBufferPointer { mask in
          // Every slice is written by one thread only.
          nonisolated(unsafe) let (voxels, labels, mask) = (voxels, labels, mask)
          Parallel.forEach(count: grid.dimensions.z, threads: threads) { k in
            let range = (k * count)..<((k + 1) * count)
            let (slice, brain) = acquired(k, of: modality, stripped: stripped?[range])
            for n in 0..<count {
              voxels[k * count + n] = slice.signal[n]
              mask[k * count + n] = brain[n]
              labels[k * count + n] = brain[n] ? person.lesions.label(of: slice.tissue[n]) : 0
            }
          }
        }
      }
    }
    return (Volume(grid: grid, voxels: voxels), mask, Volume(grid: grid, voxels: labels))
  }
}

/// A sequence applied to a person, with contrast medium where it has any.
private struct Contrast {
  let equation: SignalEquation
  /// Rates that contrast medium adds in each tissue, 1/s, and in active plaque.
  let added: (r1: SIMD8<Float>, r2: SIMD8<Float>)
  let activeAdded: (r1: Float, r2: Float)

  init(_ modality: Modality, _ person: Person) {
    let sequence = PulseSequence(modality, fieldStrength: person.fieldStrength)
    equation = SignalEquation(sequence)
    let dose = Float(sequence.gadolinium)
    let (r1, r2) = PulseSequence.relaxivity(fieldStrength: person.fieldStrength)
    //                          fluid grey  white oedema necrosis enhancing blood plaque
    let uptake: SIMD8<Float> = [0, 0.03, 0.012, 0.02, 0.08, 0.8, 1, 0]
    added = (uptake * dose * r1, uptake * dose * r2)
    activeAdded = (0.6 * dose * r1, 0.6 * dose * r2)
  }

  @inline(__always)
  func signal(_ tissue: TissueParameters, active: Float) -> SIMD8<Float> {
    var enhanced = tissue
    enhanced.r1 += added.r1
    enhanced.r2 += added.r2
    enhanced.r1[Tissue.plaque.rawValue] += active * activeAdded.r1
    enhanced.r2[Tissue.plaque.rawValue] += active * activeAdded.r2
    return equation(enhanced)
  }
}

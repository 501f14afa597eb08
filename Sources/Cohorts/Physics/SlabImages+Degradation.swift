import Foundation
import Imaging

/// What a scanner and what comes after it do to images.
extension SlabImages {
  /// Multiplies what is given by the coil's uneven sensitivity and adds noise: magnitudes of complex numbers.
  ///
  /// What all images of the session have of the unevenness is in what is asked for too: a contrast that is computed lies beside
  /// those that were acquired.
  func receive(
    _ draws: [ImageDraw], voxel: Double, isStripped: Bool, _ options: PhysicsOptions,
    _ random: inout RandomSource
  ) {
    let nodes = sensitivity(draws, voxel: voxel, isStripped: isStripped, options, &random)
    let cells = (wideColumns + Self.cell - 1) / Self.cell + 1
    var deviation = SIMD8<Float>.zero
    for (lane, draw) in draws.enumerated() {
      deviation[lane] = Float(draw.noise) * Self.amplification(draw.resolution.kernels(voxel: voxel))
    }
    var noise = NoiseLanes(&random)
    var line = [SIMD8<Float>](repeating: .zero, count: cells)
    for row in 0..<wideRows {
      let (node, within) = row.quotientAndRemainder(dividingBy: Self.cell)
      let share = Float(within) / Float(Self.cell)
      for cell in 0..<cells {
        let (a, b) = (nodes[node * cells + cell], nodes[(node + 1) * cells + cell])
        line[cell] = a + share * (b - a)
      }
      for cell in 0..<cells - 1 {
        var factor = line[cell]
        let step = (line[cell + 1] - factor) * (1 / Float(Self.cell))
        let columns = cell * Self.cell..<min((cell + 1) * Self.cell, wideColumns)
        for column in columns {
          let at = given + (row * wideColumns + column)
          let real = at.pointee * factor + deviation * noise.next()
          let imaginary = deviation * noise.next()
          at.pointee = (real * real + imaginary * imaginary).squareRoot()
          (asked + (row * wideColumns + column)).pointee *= factor[Self.common]
          factor += step
        }
      }
    }
  }

  /// The lane of the sensitivity that all images have in common; contrasts fill the first ones.
  private static let common = 7

  /// Voxels from one known place of the sensitivity to the next.
  private static let cell = 8

  /// The sensitivity at every eighth voxel.
  private func sensitivity(
    _ draws: [ImageDraw], voxel: Double, isStripped: Bool, _ options: PhysicsOptions,
    _ random: inout RandomSource
  ) -> [SIMD8<Float>] {
    let uneven = isStripped ? options.uneven : options.unevenWhole
    let strength = random.uniform(random.chance(uneven) ? options.unevenBias : options.bias)
    let step = Float(voxel) * Float(Self.cell)
    let (down, across) = (
      (wideRows + Self.cell - 1) / Self.cell + 1, (wideColumns + Self.cell - 1) / Self.cell + 1
    )
    let field = SplineField(
      low: .zero, high: [step * Float(across), step * Float(down), 0], spacing: 75,
      deviation: SIMD4(repeating: Float(strength)), limit: 2, random: &random)
    var lines = SplineRows(field, x: (0..<across).map { step * Float($0) })
    lines.move(toZ: 0)
    var line = [SIMD4<Float>](repeating: .zero, count: across)
    var nodes: [SIMD8<Float>] = []
    for row in 0..<down {
      lines.evaluate(y: step * Float(row), in: 0..<across, into: &line)
      for value in line {
        var exponent = SIMD8<Float>.zero
        for (lane, draw) in draws.enumerated() {
          exponent[lane] = value.x + Float(draw.ownBias) * value[1 + draw.field]
        }
        exponent[Self.common] = value.x
        nodes.append(exponential(exponent))
      }
    }
    return nodes
  }

  /// How much more noise there must be where an image is blurred after it, so that as much is left.
  private static func amplification(_ kernels: (down: [Float]?, across: [Float]?)) -> Float {
    let squares = [kernels.down, kernels.across].map { $0?.reduce(0) { $0 + $1 * $1 } ?? 1 }
    return min(1 / (squares[0] * squares[1]).squareRoot(), 2.5)
  }

  /// One contrast of the vectors into `plane`.
  func take(_ lane: Int, of values: UnsafeMutablePointer<SIMD8<Float>>) {
    let floats = UnsafeMutableRawPointer(values).assumingMemoryBound(to: Float.self) + lane
    for index in 0..<count { plane[index] = floats[8 * index] }
  }

  /// Blurs `plane` along rows' and columns' direction; its edges continue.
  func blur(_ kernels: (down: [Float]?, across: [Float]?)) {
    if let kernel = kernels.down {
      let radius = kernel.count / 2
      for row in 0..<wideRows {
        let to = spare + row * wideColumns
        to.update(repeating: 0, count: wideColumns)
        for tap in kernel.indices {
          let from = plane + min(max(row + tap - radius, 0), wideRows - 1) * wideColumns
          let weight = kernel[tap]
          for column in 0..<wideColumns { to[column] += weight * from[column] }
        }
      }
      plane.update(from: spare, count: count)
    }
    if let kernel = kernels.across {
      let radius = kernel.count / 2
      for row in 0..<wideRows {
        let line = plane + row * wideColumns
        (spare + radius).update(from: line, count: wideColumns)
        spare.update(repeating: line[0], count: radius)
        (spare + radius + wideColumns).update(repeating: line[wideColumns - 1], count: radius)
        line.update(repeating: 0, count: wideColumns)
        for tap in kernel.indices {
          let (weight, from) = (kernel[tap], spare + tap)
          for column in 0..<wideColumns { line[column] += weight * from[column] }
        }
      }
    }
  }

  /// Adds to `plane` itself, displaced by half the field of view.
  func haunt(_ strength: Float, down: Bool) {
    spare.update(from: plane, count: count)
    for row in 0..<wideRows {
      for column in 0..<wideColumns {
        let other =
          down
          ? (row + wideRows / 2) % wideRows * wideColumns + column
          : row * wideColumns + (column + wideColumns / 2) % wideColumns
        plane[row * wideColumns + column] += strength * spare[other]
      }
    }
  }

  /// The slice of `plane` as it lies after a registration that was not exact, into rows x columns.
  func resample(_ draw: ImageDraw, voxel: Double, into result: UnsafeMutablePointer<Float>) {
    // Weights of four neighbours as polynomials of where between the middle two: Catmull and Rom's, or linear.
    let a = SIMD4<Float>(0, 1, 0, 0)
    let b: SIMD4<Float> = draw.isCubic ? [-0.5, 0, 0.5, 0] : [0, -1, 1, 0]
    let c: SIMD4<Float> = draw.isCubic ? [1, -2.5, 2, -0.5] : .zero
    let d: SIMD4<Float> = draw.isCubic ? [-0.5, 1.5, -1.5, 0.5] : .zero
    let (sine, cosine) = (Float(sin(draw.turn)), Float(cos(draw.turn)))
    let (middleRow, middleColumn) = (Float(rows - 1) / 2, Float(columns - 1) / 2)
    let (dx, dy) = (Float(draw.shift.x / voxel), Float(draw.shift.y / voxel))
    let (right, bottom) = (Float(wideColumns) - 2.01, Float(wideRows) - 2.01)
    for row in 0..<rows {
      let v = Float(row) - middleRow
      for column in 0..<columns {
        let u = Float(column) - middleColumn
        let x = cosine * u - sine * v + middleColumn + dx + Float(Self.margin)
        let y = sine * u + cosine * v + middleRow + dy + Float(Self.margin)
        let (inX, inY) = (min(max(x, 1), right), min(max(y, 1), bottom))
        let (left, top) = (Int(inX), Int(inY))
        let (s, t) = (inX - Float(left), inY - Float(top))
        let across = a + s * (b + s * (c + s * d))
        let down = a + t * (b + t * (c + t * d))
        let from = UnsafeRawPointer(plane + ((top - 1) * wideColumns + left - 1))
        let pitch = 4 * wideColumns
        let low =
          down.x * from.loadUnaligned(as: SIMD4<Float>.self)
          + down.y * from.loadUnaligned(fromByteOffset: pitch, as: SIMD4<Float>.self)
        let high =
          down.z * from.loadUnaligned(fromByteOffset: 2 * pitch, as: SIMD4<Float>.self)
          + down.w * from.loadUnaligned(fromByteOffset: 3 * pitch, as: SIMD4<Float>.self)
        result[row * columns + column] = (across * (low + high)).sum()
      }
    }
  }

  /// The slice of `plane` where it is, into rows x columns.
  func crop(into result: UnsafeMutablePointer<Float>) {
    for row in 0..<rows {
      (result + row * columns).update(
        from: plane + ((row + Self.margin) * wideColumns + Self.margin), count: columns)
    }
  }

  /// Bends intensities, cuts them off, rounds them, and takes away what stripping took.
  func finish(_ draw: ImageDraw, mask: UnsafePointer<Float>, _ image: UnsafeMutablePointer<Float>) {
    let tone = draw.tone()
    let (last, scale) = (ImageDraw.toneCount - 2, Float(ImageDraw.toneCount - 1) / 4)
    let step = Float(draw.step)
    tone.withUnsafeBufferPointer { tone in
      for index in 0..<rows * columns {
        let place = min(max(image[index], 0), 4) * scale
        let below = min(Int(place), last)
        var value = tone[below] + (place - Float(below)) * (tone[below + 1] - tone[below])
        if step > 0 { value = (value / step).rounded() * step }
        image[index] = min(value * mask[index], 4)
      }
    }
  }
}

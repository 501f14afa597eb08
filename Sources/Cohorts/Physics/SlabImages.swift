import Foundation
import Imaging

/// Computes images of a slab: the memory that one thread works in, for slices of one size.
///
/// Contrasts lie side by side as lanes of vectors of eight until each gets what is its own.
final class SlabImages {
  /// Voxels about the slice that images may be displaced by.
  static let margin = 6

  let rows: Int, columns: Int
  let wideRows: Int, wideColumns: Int
  /// What is given and what is asked, with the margin.
  let given: UnsafeMutablePointer<SIMD8<Float>>
  let asked: UnsafeMutablePointer<SIMD8<Float>>
  private let texture: UnsafeMutablePointer<SIMD4<Float>>
  /// One contrast of `given`, and room beside it.
  let plane: UnsafeMutablePointer<Float>
  let spare: UnsafeMutablePointer<Float>

  /// - Parameter extent: rows and columns of a slice.
  init(_ extent: Extent) {
    (rows, columns) = (extent.rows, extent.columns)
    (wideRows, wideColumns) = (rows + 2 * Self.margin, columns + 2 * Self.margin)
    let count = wideRows * wideColumns
    given = .allocate(capacity: count)
    asked = .allocate(capacity: count)
    texture = .allocate(capacity: count)
    plane = .allocate(capacity: count)
    spare = .allocate(capacity: count + 64)
    given.initialize(repeating: .zero, count: count)
    asked.initialize(repeating: .zero, count: count)
    texture.initialize(repeating: .zero, count: count)
    plane.initialize(repeating: 0, count: count)
    spare.initialize(repeating: 0, count: count + 64)
  }

  deinit {
    given.deallocate()
    asked.deallocate()
    texture.deallocate()
    plane.deallocate()
    spare.deallocate()
  }

  /// Voxels, margin included.
  var count: Int { wideRows * wideColumns }

  /// Signals of the slab's planes, summed by their weights for what is given and what is asked.
  ///
  /// - Parameters:
  ///   - weights: by contrast and plane.
  func sum(
    _ slab: HeadSlab, _ table: SignalTable, given givenWeights: [[Float]], asked askedWeights: [[Float]],
    _ mix: TextureMix, _ random: inout RandomSource
  ) {
    precondition(slab.extent.rows == wideRows && slab.extent.columns == wideColumns)
    given.update(repeating: .zero, count: count)
    asked.update(repeating: .zero, count: count)
    spread(mix, &random)
    for index in 0..<slab.extent.planes {
      var (toGiven, toAsked) = (SIMD8<Float>.zero, SIMD8<Float>.zero)
      for lane in givenWeights.indices {
        toGiven[lane] = givenWeights[lane][index]
        toAsked[lane] = askedWeights[lane][index]
      }
      let place = TextureTiles.place(&random)
      guard toGiven != .zero || toAsked != .zero else { continue }
      slab.classes.withUnsafeBytes { classes in
        TextureTiles.all[0].withUnsafeBufferPointer { tile in
          table.entries.withUnsafeBufferPointer { entries in
            guard let classes = classes.baseAddress, let tile = tile.baseAddress,
              let entries = entries.baseAddress
            else { return }
            add(
              classes + 4 * index * count, entries, tile, at: place, mix, toGiven: toGiven, toAsked: toAsked)
          }
        }
      }
    }
  }

  /// The smooth parts of the texture, which all planes share.
  private func spread(_ mix: TextureMix, _ random: inout RandomSource) {
    let edge = TextureTiles.edge
    let (first, second) = (TextureTiles.place(&random), TextureTiles.place(&random))
    TextureTiles.all[1].withUnsafeBufferPointer { middle in
      TextureTiles.all[2].withUnsafeBufferPointer { coarse in
        TextureTiles.all[3].withUnsafeBufferPointer { coarsest in
          for row in 0..<wideRows {
            let (a, b) = ((first + row * edge) & (edge * edge - 1), (second + row * edge) & (edge * edge - 1))
            for column in 0..<wideColumns {
              let (x, y) = ((a + column) & (edge * edge - 1), (b + column) & (edge * edge - 1))
              texture[row * wideColumns + column] = mix.smooth(middle[x], coarse[y], coarsest[y])
            }
          }
        }
      }
    }
  }

  /// Adds a plane's signals.
  private func add(
    _ classes: UnsafeRawPointer, _ entries: UnsafePointer<SignalTable.Entry>,
    _ tile: UnsafePointer<SIMD4<Float>>, at place: Int, _ mix: TextureMix, toGiven: SIMD8<Float>,
    toAsked: SIMD8<Float>
  ) {
    let edge = TextureTiles.edge
    let share = mix.shares.x
    for row in 0..<wideRows {
      let start = place + row * edge
      for column in 0..<wideColumns {
        let voxel = row * wideColumns + column
        let four = classes.loadUnaligned(fromByteOffset: 4 * voxel, as: UInt32.self)
        if four == 0 { continue }
        let t = texture[voxel] + mix(share * tile[(start + column) & (edge * edge - 1)])
        let first = Int(four & 0xFF)
        let signal: SIMD8<Float>
        if four == UInt32(first) &* 0x0101_0101 {
          signal = Self.textured(entries[first], t)
        } else {
          let (b, c, d) = (Int(four >> 8 & 0xFF), Int(four >> 16 & 0xFF), Int(four >> 24))
          let low = Self.textured(entries[first], t) + Self.textured(entries[b], t)
          let high = Self.textured(entries[c], t) + Self.textured(entries[d], t)
          signal = 0.25 * (low + high)
        }
        given[voxel] += toGiven * signal
        asked[voxel] += toAsked * signal
      }
    }
  }

  @inline(__always)
  private static func textured(_ entry: SignalTable.Entry, _ t: SIMD4<Float>) -> SIMD8<Float> {
    let own = entry.signal + t.y * entry.t1 + t.z * entry.t2 + t.w * entry.density
    let share = min(max(entry.mixture.share + entry.mixture.slope * t.x, 0), 1)
    let signal = own + share * entry.mixed
    return signal.replacing(with: 0, where: signal .< 0)
  }
}

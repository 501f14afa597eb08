import Files
import Imaging
import Inference
import Runs

/// Pictures of one person: what was given and what was made of it side by side, in three planes through the middle.
struct CompletionPicture {
  /// A volume that is shown.
  struct File {
    let path: String, isMade: Bool
    /// Where it came to lie before anything was made of it; nil where it lay there.
    var placement: ScanPlacement?
  }

  private let stacks: [(stack: Stack, isMade: Bool)]
  private let box: Box

  /// - Parameter files: in the order of the columns, on the grid of those that were made or with a placement there.
  /// - Throws: what reading throws.
  init(_ files: [File], voxelLimit: Int) throws {
    let made = files.first(where: \.isMade)?.path
    let grid = try made.map { try NIfTI.readHeader(path: $0, limit: voxelLimit).grid }
    let volumes = try files.map { file in
      var volume = try NIfTI.read(path: file.path, limit: voxelLimit).volume
      if let placement = file.placement, placement.isResampled, let grid {
        volume = volume.brought(to: grid, by: placement.motion)
      }
      return volume.reoriented(to: .lps)
    }
    let brain = CompletionPicture.brain(of: volumes)
    stacks = zip(volumes, files).map { volume, file in
      let size = volume.dimensions
      // An image without anything in it stays black.
      let white = Percentile.white(of: volume.voxels, inside: brain) ?? .infinity
      let stack = Stack(
        columns: size.x, rows: size.y, slices: size.z, spacing: volume.affine.spacing,
        values: volume.voxels.map { $0 / white })
      return (stack, file.isMade)
    }
    // The head as any of the scans has it.
    box = Box(enclosing: stacks.map(\.stack), above: 0.05)
  }

  /// Where brain is, by all images that show anything; everywhere where none does. Fat and skin of a whole head, were they white,
  /// would leave the brain grey.
  private static func brain(of volumes: [Volume]) -> [Bool] {
    let scaled = volumes.compactMap { volume in
      ForegroundScale.of(volume.voxels).map { (volume: volume, limit: Float(ForegroundScale.floor * $0)) }
    }
    guard let grid = scaled.first?.volume.grid else {
      return [Bool](repeating: true, count: volumes.first?.voxels.count ?? 0)
    }
    return HeadOutline(scaled.map(\.volume), limits: scaled.map(\.limit)).brain(on: grid)
  }

  /// A column for each image, a row for each plane; those that were made have a line above.
  func png() throws -> [UInt8] {
    let rows = Plane.allCases.map { plane in
      stacks.map { stack, isMade -> Tile? in
        let view = plane.view(of: stack, through: box.centre, in: box)
        return Tile(grey: view, isMade: isMade)
      }
    }
    return try Mosaic(rows).png()
  }
}

extension Tile {
  /// Intensities from 0, black, to 1, white, below a line.
  /// - Parameter isMade: whether they were computed, which a line of colour says.
  package init(grey view: View, isMade: Bool) {
    let rgb = view.values.flatMap { value -> [UInt8] in
      let grey = value > 0 ? UInt8((min(value, 1) * 255).rounded()) : 0
      return [grey, grey, grey]
    }
    self = Tile(width: view.width, height: view.height, rgb: rgb, aspect: view.aspect).below(
      isMade ? [255, 157, 60] : [0, 0, 0])
  }

  /// The same below a line of a colour, in rows of its own; a black one keeps pictures beside each other level.
  func below(_ colour: [UInt8]) -> Tile {
    // Rows of thick slices are tall, and the line is thin.
    let copies = max(1, (64 + height - 1) / height)
    let (tall, line) = (copies * height, max(1, copies * height / 64))
    let rows = (0..<height).flatMap { row in
      (0..<copies).flatMap { _ in rgb[3 * row * width..<3 * (row + 1) * width] }
    }
    return Tile(
      width: width, height: line + tall, rgb: (0..<line * width).flatMap { _ in colour } + rows,
      aspect: aspect * Double(tall) / Double(line + tall))
  }
}
